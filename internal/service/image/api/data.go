package api

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/image"
)

const octets = "application/octet-stream"

type uploadIn struct {
	ID          string    `path:"image_id"`
	ContentType string    `header:"Content-Type"`
	Data        io.Reader `raw:"body"`
}

func (a *api) upload(ctx context.Context, in uploadIn) (rest.None, error) {
	if kind, _, err := mime.ParseMediaType(in.ContentType); err != nil || kind != octets {
		return rest.None{}, fault.New(fault.Unsupported, "the data of an image is sent with Content-Type: %s, not '%s'", octets, in.ContentType)
	}
	return rest.None{}, a.core.Upload(ctx, auth.From(ctx), in.ID, in.Data)
}

type downloadIn struct {
	ID    string `path:"image_id"`
	Range string `header:"Range"`
}

func (a *api) download(ctx context.Context, in downloadIn) (rest.Stream, error) {
	i, file, err := a.core.Open(ctx, auth.From(ctx), in.ID)
	if errors.Is(err, image.ErrNoData) {
		return rest.Stream{Status: http.StatusNoContent, ContentType: octets, Length: -1}, nil
	}
	if err != nil {
		return rest.Stream{}, err
	}
	out := rest.Stream{ContentType: octets, Length: i.Size, Body: file, Header: http.Header{"Accept-Ranges": {"bytes"}}}
	if in.Range == "" {
		out.Header["Content-Md5"] = []string{i.MD5}
		if raw, err := hex.DecodeString(i.SHA512); err == nil { // RFC 9530
			out.Header["Repr-Digest"] = []string{"sha-512=:" + base64.StdEncoding.EncodeToString(raw) + ":"}
		}
		return out, nil
	}
	return piece(out, file, i.Size, in.Range)
}

// section reads a part of a file, which it closes.
type section struct {
	*io.SectionReader
	file *os.File
}

// Close implements io.Closer.
func (s section) Close() error { return s.file.Close() }

// piece narrows a download to a range.
func piece(out rest.Stream, file *os.File, size int64, header string) (rest.Stream, error) {
	from, to, err := parseRange(header, size)
	if err != nil {
		out.Status, out.Length, out.Body = http.StatusRequestedRangeNotSatisfiable, 0, nil
		out.Header["Content-Range"] = []string{fmt.Sprintf("bytes */%d", size)}
		return out, file.Close()
	}
	out.Status, out.Length = http.StatusPartialContent, to-from
	out.Header["Content-Range"] = []string{fmt.Sprintf("bytes %d-%d/%d", from, to-1, size)}
	out.Body = section{io.NewSectionReader(file, from, to-from), file}
	return out, nil
}

// parseRange reads "bytes=0-99", "bytes=100-" or "bytes=-100" (RFC 9110, 14.2); of several ranges, none.
func parseRange(header string, size int64) (from, to int64, err error) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash || (first == "" && last == "") {
		return 0, 0, fmt.Errorf("range %q is not understood", header)
	}
	to = size
	if last != "" {
		n, err := strconv.ParseUint(last, 10, 62)
		if err != nil {
			return 0, 0, fmt.Errorf("the end of range %q: %w", header, err)
		}
		if first == "" {
			return max(0, size-int64(n)), size, satisfiable(header, size-int64(n), size, n > 0)
		}
		to = min(size, int64(n)+1)
	}
	n, err := strconv.ParseUint(first, 10, 62)
	if err != nil {
		return 0, 0, fmt.Errorf("the start of range %q: %w", header, err)
	}
	return int64(n), to, satisfiable(header, int64(n), to, true)
}

func satisfiable(header string, from, to int64, some bool) error {
	if !some || from >= to {
		return fmt.Errorf("range %q is outside of the data", header)
	}
	return nil
}
