package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
)

// Document serves bytes that stay the same as long as the process lives: compressed where the client can read that, and
// not again to a client that has them.
func Document(contentType string, body []byte) http.Handler {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("ETag", tag)
		h.Set("Cache-Control", "no-cache") // ask each time: another release has another one
		if unchanged(r, tag) {
			h.Add("Vary", "Accept-Encoding")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		out := body
		if packed := compress(h, r, body); packed != nil {
			defer packed.release()
			out = packed.Bytes()
		}
		h.Set("Content-Length", strconv.Itoa(len(out)))
		w.WriteHeader(http.StatusOK)
		if r.Method != http.MethodHead {
			_, _ = w.Write(out) // a client that has gone needs no answer
		}
	})
}
