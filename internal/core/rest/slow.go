package rest

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// patient gives a client that is silent in the middle of a body, or does not read its answer, a deadline each time, so
// that neither holds memory for ever. A body as such may take long: images are large.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
	wait    time.Duration
	from    io.ReadCloser // a body, where one is read
}

func (s *server) patience(w http.ResponseWriter) *patient {
	return &patient{ResponseWriter: w, control: http.NewResponseController(w), wait: s.opts.Patience}
}

// Writers below that know no deadlines are those of tests and of programs in this process.
func (p *patient) toWrite() { _ = p.control.SetWriteDeadline(time.Now().Add(p.wait)) }
func (p *patient) toRead()  { _ = p.control.SetReadDeadline(time.Now().Add(p.wait)) }
func (p *patient) forgive() { _ = p.control.SetReadDeadline(time.Time{}) }

func (p *patient) Write(b []byte) (int, error) {
	p.toWrite()
	return p.ResponseWriter.Write(b)
}

func (p *patient) Read(b []byte) (int, error) {
	p.toRead()
	n, err := p.from.Read(b)
	if errors.Is(err, io.EOF) {
		p.forgive() // on other errors the deadline ends the server's own reading of the rest
	}
	return n, err
}

func (p *patient) Close() error { return p.from.Close() }

// budget bounds the bytes of all the bodies that are in memory and whose requests wait or are worked on.
type budget struct{ left atomic.Int64 }

// allBodies is the memory for bodies, in bytes: 20,000 small ones, or a hundred of the longest.
const allBodies = 128 << 20

func newBudget() *budget {
	b := &budget{}
	b.left.Store(allBodies)
	return b
}

func (b *budget) take(n int64) (back func(), err error) {
	if b.left.Add(-n) < 0 {
		b.left.Add(n)
		return nil, busy("too many requests with long bodies are waiting: try again in a second")
	}
	return func() { b.left.Add(n) }, nil
}

// leastBody is what a request with a body is counted for at least: what parsing it takes besides.
const leastBody = 2 << 10

// receive reads the body of a request, where its rows take one as JSON, and makes the others patient readers.
func (s *server) receive(w http.ResponseWriter, r *http.Request, rows []*Route) (raw []byte, release func(), err error) {
	release = func() {}
	if r.Body == nil || r.Body == http.NoBody {
		return nil, release, nil
	}
	p := s.patience(w)
	p.from = r.Body
	r.Body = p
	if !needsBody(rows) {
		return nil, release, nil
	}
	length := r.ContentLength
	switch {
	case length > maxBody:
		return nil, release, fault.New(fault.TooLarge, "the body is longer than %d bytes", maxBody)
	case length < 0:
		length = maxBody
	}
	back, err := s.bodies.take(max(length, leastBody))
	if err != nil {
		return nil, release, err
	}
	p.toRead() // for all of it: a body in JSON is short
	r.Body = p.from
	raw, err = readBody(w, r)
	if err == nil {
		p.forgive()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fault.Wrap(fault.Timeout, err, "the body did not arrive within %s", s.opts.Patience)
	}
	return raw, back, err
}
