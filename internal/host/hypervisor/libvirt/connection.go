package libvirt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
)

// How soon a lost libvirtd is looked for again, and how long one attempt may take.
const (
	redialFirst = 100 * time.Millisecond
	redialMost  = 2 * time.Second
	dialTimeout = 10 * time.Second
)

// connection keeps one connection to libvirtd, makes a new one when it breaks, and passes on lifecycle events.
type connection struct {
	socket   string
	virtType string // of the domains: "kvm" or "qemu"
	log      *slog.Logger
	tried    chan struct{} // closed when the first attempt to connect has ended

	mu    sync.Mutex
	watch func(hypervisor.Event)
	rpc   *golibvirt.Libvirt // nil while there is none
	why   error              // the last failure to connect, while rpc is nil
	shut  bool
	// calls are at work in goroutines of their own, as the wire library knows no context.
	calls sync.WaitGroup
}

// run keeps the connection until ctx ends; then no call is at work any more.
func (c *connection) run(ctx context.Context) {
	first := sync.OnceFunc(func() { close(c.tried) })
	defer first()
	wait := redialFirst
	for ctx.Err() == nil {
		err := c.once(ctx, first)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			c.log.Warn("libvirt: connection lost")
			wait = redialFirst
			continue
		}
		if c.failed(err) {
			c.log.Warn("libvirt: cannot connect, trying on", "socket", c.socket, "error", err)
		}
		first()
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, redialMost)
	}
	c.mu.Lock()
	c.shut = true
	c.mu.Unlock()
	c.calls.Wait()
}

// failed remembers why there is no connection and tells whether that is news.
func (c *connection) failed(err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	news := c.why == nil
	c.why = err
	return news
}

// once makes one connection and serves its events until it breaks (nil) or can't be made (the error). made is called when
// it is there.
func (c *connection) once(ctx context.Context, made func()) error {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", c.socket)
	if err != nil {
		return err
	}
	// Closing the socket is what ends everything: unlike the library's Disconnect it can't hang.
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	late := time.AfterFunc(dialTimeout, func() { conn.Close() })
	defer late.Stop()

	rpc := golibvirt.NewWithDialer(given{conn})
	if err := rpc.ConnectToURI(golibvirt.QEMUSystem); err != nil {
		return fmt.Errorf("opening qemu:///system: %w", err)
	}
	// ctx is not the subscription's: the library would then ask libvirtd to end it, over a socket that is closed.
	events, err := rpc.LifecycleEvents(context.WithoutCancel(ctx))
	if err != nil {
		return fmt.Errorf("subscribing to events: %w", err)
	}
	if !late.Stop() {
		return errors.New("libvirtd took too long to answer")
	}
	c.set(rpc)
	made()
	c.log.Info("libvirt: connected", "socket", c.socket)
	c.emit(hypervisor.Event{})
	c.warm()
	for e := range events {
		c.emit(hypervisor.Event{ID: uuid.UUID(e.Dom.UUID).String()})
	}
	c.set(nil)
	return nil
}

// warm has libvirtd learn what QEMU can do, in the background: after its start it does so at the first need, and that
// would be the first start of a server.
func (c *connection) warm() {
	rpc, err := c.use()
	if err != nil {
		return // it is lost already
	}
	go func() {
		defer c.calls.Done()
		_, err := rpc.ConnectGetDomainCapabilities(nil, golibvirt.OptString{"x86_64"}, golibvirt.OptString{"q35"},
			golibvirt.OptString{c.virtType}, 0)
		if err != nil {
			c.log.Warn("libvirt: cannot tell what QEMU can do", "error", err)
		}
	}()
}

// set makes rpc the connection that calls use.
func (c *connection) set(rpc *golibvirt.Libvirt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rpc, c.why = rpc, nil
}

// observe has fn called for each event.
func (c *connection) observe(fn func(hypervisor.Event)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watch = fn
}

// emit passes an event on.
func (c *connection) emit(e hypervisor.Event) {
	c.mu.Lock()
	watch := c.watch
	c.mu.Unlock()
	if watch != nil {
		watch(e)
	}
}

// use returns the connection and counts a call on it; the caller ends it with c.calls.Done.
func (c *connection) use() (*golibvirt.Libvirt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rpc == nil || c.shut {
		return nil, fault.Wrap(fault.Unavailable, c.why,
			"libvirt does not answer on %s; it is tried again all the time, see the host's log of libvirtd", c.socket)
	}
	c.calls.Add(1)
	return c.rpc, nil
}

// call runs fn on the connection and gives up waiting when ctx ends. libvirt carries on with what it was asked; the
// goroutine ends with its answer or with the connection.
func call[T any](ctx context.Context, c *connection, fn func(*golibvirt.Libvirt) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	select {
	case <-c.tried:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	rpc, err := c.use()
	if err != nil {
		return none, err
	}
	type answer struct {
		value T
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		defer c.calls.Done()
		value, err := fn(rpc)
		answered <- answer{value, err}
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// given is a dialer that has dialled already.
type given struct{ net.Conn }

// Dial returns the connection that is there.
func (g given) Dial() (net.Conn, error) { return g.Conn, nil }
