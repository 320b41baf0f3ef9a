package rest

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// worthPacking is the length in bytes from which a body is compressed. Below it the answer is one packet anyway.
const worthPacking = 1 << 10

// packed is a compressed body, on loan.
type packed struct {
	bytes.Buffer
	zip *gzip.Writer
}

var packers = sync.Pool{New: func() any {
	p := &packed{}
	p.zip, _ = gzip.NewWriterLevel(&p.Buffer, gzip.BestSpeed) // errs on levels that do not exist only
	return p
}}

func (p *packed) release() { packers.Put(p) }

// compress returns the body compressed, and says so in the header, if it is worth it and the client can read that;
// else nil.
func compress(h http.Header, r *http.Request, body []byte) *packed {
	if len(body) < worthPacking || h.Get("Content-Encoding") != "" {
		return nil
	}
	h.Add("Vary", "Accept-Encoding")
	if !acceptsGzip(r.Header.Values("Accept-Encoding")) {
		return nil
	}
	p := packers.Get().(*packed)
	p.Reset()
	p.zip.Reset(&p.Buffer)
	if _, err := p.zip.Write(body); err != nil || p.zip.Close() != nil { // a buffer takes everything
		p.release()
		return nil
	}
	h.Set("Content-Encoding", "gzip")
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		h.Set("ETag", "W/"+tag) // the same resource in other bytes
	}
	return p
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3).
func acceptsGzip(lines []string) bool {
	any := false
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			coding, params, _ := strings.Cut(part, ";")
			weight := 1.0
			if q, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q="); ok {
				var err error
				if weight, err = strconv.ParseFloat(q, 64); err != nil {
					weight = 0
				}
			}
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip":
				return weight > 0
			case "*":
				any = weight > 0
			}
		}
	}
	return any
}

// unchanged tells whether the client has the resource already: one of its If-None-Match is the ETag.
func unchanged(r *http.Request, tag string) bool {
	if tag == "" || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		return false
	}
	return matches(r.Header.Values("If-None-Match"), tag)
}

// matches compares weakly (RFC 9110, 8.8.3.2).
func matches(lines []string, tag string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			part = strings.TrimSpace(part)
			if part == "*" || strings.TrimPrefix(part, "W/") == tag {
				return true
			}
		}
	}
	return false
}
