package dir

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// header is what a pool needs of a qcow2 file's header. The numbers are of QEMU's docs/interop/qcow2.txt.
type header struct {
	VirtualSize int64
	Backing     string // the backing file's name; empty if there is none
	DataFile    bool   // the data is in another file
}

var errNotQcow2 = errors.New("the file is not a qcow2 image")

func readHeader(path string) (header, error) {
	f, err := os.Open(path)
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	h, err := parseHeader(f)
	if err != nil {
		return header{}, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

func parseHeader(r io.ReaderAt) (header, error) {
	const (
		magic          = 0x514649fb
		backingOffset  = 8
		backingLength  = 16
		virtualSize    = 24
		features       = 72 // since version 3
		featureData    = 1 << 2
		longestBacking = 1023
		fixed          = 80
	)
	var b [fixed]byte
	n, err := r.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return header{}, err
	}
	version := binary.BigEndian.Uint32(b[4:])
	if n < features || binary.BigEndian.Uint32(b[:]) != magic || version < 2 || version > 3 {
		return header{}, errNotQcow2
	}
	h := header{VirtualSize: int64(binary.BigEndian.Uint64(b[virtualSize:]))}
	if h.VirtualSize < 0 {
		return header{}, errNotQcow2
	}
	if version == 3 {
		if n < fixed {
			return header{}, errNotQcow2
		}
		h.DataFile = binary.BigEndian.Uint64(b[features:])&featureData != 0
	}
	if offset := binary.BigEndian.Uint64(b[backingOffset:]); offset != 0 {
		length := binary.BigEndian.Uint32(b[backingLength:])
		if length == 0 || length > longestBacking || offset > 1<<30 {
			return header{}, errNotQcow2
		}
		name := make([]byte, length)
		if _, err := r.ReadAt(name, int64(offset)); err != nil {
			return header{}, fmt.Errorf("reading the backing file's name: %w", err)
		}
		h.Backing = string(name)
	}
	return h, nil
}
