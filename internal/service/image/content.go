package image

import (
	"errors"
	"io"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/image/inspect"
)

// inspected copies an upload and refuses one that is not what its image says it is, as early as it can be known.
// It returns the size of the disk that a guest sees.
func inspected(format string, data io.Reader, to *writer) (int64, error) {
	head := make([]byte, inspect.HeadSize)
	n, err := io.ReadFull(data, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, broken(err, int64(n))
	}
	info, err := judgeHead(format, head[:n])
	if err != nil {
		return 0, err
	}
	if _, err := to.Write(head[:n]); err != nil {
		return 0, err
	}
	if _, err := io.CopyBuffer(onlyWriter{to}, &body{Reader: data, seen: &to.size}, make([]byte, 256<<10)); err != nil {
		return 0, err
	}
	tail := make([]byte, min(to.size, inspect.TailSize))
	if _, err := to.file.ReadAt(tail, to.size-int64(len(tail))); err != nil {
		return 0, diskFault(err)
	}
	if end := inspect.Tail(tail); end != inspect.Raw && info.Format != inspect.QCOW2 {
		return 0, mismatch(format, end)
	}
	if info.QCOW2 == nil {
		return to.size, nil
	}
	if to.size < info.QCOW2.Extent {
		return 0, refuse("is cut off: its header names tables up to byte %d, but it is %d bytes long", info.QCOW2.Extent, to.size)
	}
	return info.VirtualSize, nil
}

// onlyWriter hides other methods, and body other methods than Read, so that the copy uses its buffer.
type onlyWriter struct{ io.Writer }

// body tells a broken upload from a broken disk.
type body struct {
	io.Reader
	seen *int64
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = broken(err, *b.seen+int64(n))
	}
	return n, err
}

func broken(err error, size int64) error {
	return fault.Wrap(fault.Invalid, err, "the upload broke off after %d bytes; nothing of it was kept: upload it again", size)
}

// judgeHead decides by the first bytes.
func judgeHead(format string, head []byte) (inspect.Info, error) {
	if len(head) == 0 {
		return inspect.Info{}, refuse("has no data")
	}
	info, err := inspect.Head(head)
	if err != nil {
		return info, refuse("can't be used: %s", err)
	}
	if info.Format == inspect.QCOW2 && format == QCOW2 {
		if why := info.QCOW2.Unsafe(); why != "" {
			return info, refuse("%s", why)
		}
		return info, nil
	}
	// A disk image that can be written to a CD or to a disk as well is raw, too.
	if string(info.Format) == format || (format == Raw && info.Format == inspect.ISO) {
		return info, nil
	}
	return info, mismatch(format, info.Format)
}

func mismatch(format string, found inspect.Format) error {
	switch found {
	case inspect.Raw:
		return refuse("is declared as disk_format %s, but its content is not %s; declare what it is, e.g. raw", format, format)
	case inspect.QCOW2, inspect.ISO:
		return refuse("is declared as disk_format %s, but its content is %s; set disk_format to %s", format, found, found)
	}
	return refuse("is declared as disk_format %s, but its content is %s; convert it with: qemu-img convert -O qcow2 IN OUT", format, found)
}

func refuse(format string, args ...any) error {
	return fault.Invalidf("data", "Image content is refused: the image "+format, args...)
}
