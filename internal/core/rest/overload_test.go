package rest

import (
	"context"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// crowd sends requests that wait for the one place of a bench, and counts how they are refused.
type crowd struct {
	*bench
	ctx           context.Context
	wg            sync.WaitGroup
	limited, full atomic.Int64 // 429, 503
}

func (c *crowd) send(n int, address string) {
	body := `{"a":"` + strings.Repeat("x", 200) + `"}`
	for range n {
		c.wg.Go(func() {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(c.ctx, "POST", "/bench/hold", strings.NewReader(body))
			r.RemoteAddr = address
			c.handler.ServeHTTP(w, r)
			switch {
			case w.Header().Get("Retry-After") == "":
			case w.Code == 429:
				c.limited.Add(1)
			case w.Code == 503:
				c.full.Add(1)
			}
		})
	}
}

// TestOverload lets 20,000 requests of one client wait for one place, refuses its next ones, lets others wait beside
// them until the server is full, and looks at the memory that it took.
func TestOverload(t *testing.T) {
	const waiting, others, over = 20_000, 100, 500
	b := newBench(t, Options{MaxWorking: 1, MaxWaiting: waiting + others, MaxShare: waiting})
	held := make(chan struct{})
	go func() {
		defer close(held)
		call(t, b.handler, "POST", "/bench/hold", "{}")
	}()
	<-b.entered
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	ctx, cancel := context.WithCancel(t.Context())
	c := &crowd{bench: b, ctx: ctx}
	c.send(waiting+over, "192.0.2.7:1")
	require.Eventually(t, func() bool { return c.limited.Load() == over }, 5*time.Minute, 5*time.Millisecond)
	require.Zero(t, c.full.Load(), "there is still place for others")
	c.send(others+over, "192.0.2.8:1")
	require.Eventually(t, func() bool { return c.full.Load() == over }, 5*time.Minute, 5*time.Millisecond)
	runtime.GC()
	runtime.ReadMemStats(&during)
	used := int64(during.HeapInuse+during.StackInuse) - int64(before.HeapInuse+before.StackInuse)
	require.Less(t, used/waiting, int64(32<<10), "bytes for each request that waits, with what the test itself keeps")
	cancel() // all of them go away
	c.wg.Wait()
	close(b.release)
	<-held
	require.EqualValues(t, 1, b.worked.Load(), "no work is done for a client that has gone")
	require.EqualValues(t, over, c.limited.Load())
	require.EqualValues(t, over, c.full.Load())
}

func TestClientRate(t *testing.T) {
	b := newBench(t, Options{ClientRate: 1})
	for range 10 {
		require.Equal(t, 200, call(t, b.handler, "GET", "/bench/short", "").Code)
	}
	var w *httptest.ResponseRecorder
	for range 100 { // the clock may give back one or the other
		if w = call(t, b.handler, "GET", "/bench/short", ""); w.Code != 200 {
			break
		}
	}
	require.Equal(t, 429, w.Code)
	require.Equal(t, "1", w.Header().Get("Retry-After"))
	require.Contains(t, w.Body.String(), "more than 1 requests a second")
	require.Equal(t, 403, call(t, b.handler, "POST", "/bench/count/x", "{}", "X-Auth-Token", "other").Code, "another client is another")
}

func TestBodiesThatWaitAreBounded(t *testing.T) {
	b := newBudget()
	var backs []func()
	for range allBodies / maxBody {
		back, err := b.take(maxBody)
		require.NoError(t, err)
		backs = append(backs, back)
	}
	_, err := b.take(leastBody)
	require.ErrorContains(t, err, "try again")
	backs[0]()
	_, err = b.take(leastBody)
	require.NoError(t, err)
}

func TestNoWorkForAClientThatHasGone(t *testing.T) {
	b := newBench(t, Options{MaxWorking: 1})
	server := httptest.NewServer(b.handler)
	defer server.Close()
	held := make(chan struct{})
	go func() {
		defer close(held)
		call(t, b.handler, "POST", "/bench/hold", "{}")
	}()
	<-b.entered
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	_, err = io.WriteString(conn, "POST /bench/hold HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
	require.NoError(t, err)
	recorded := func() int {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.calls)
	}
	require.NoError(t, conn.Close())
	require.Eventually(t, func() bool { return recorded() == 1 }, time.Minute, time.Millisecond, "it waits for a client that has gone")
	require.Zero(t, b.calls[0].Status)
	close(b.release)
	<-held
	require.EqualValues(t, 1, b.worked.Load())
}
