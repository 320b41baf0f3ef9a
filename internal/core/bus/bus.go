package bus

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/pki"
)

// Bus is a connection. It is safe for concurrent use, and comes back by itself when it was lost.
type Bus struct {
	*link
	id string // of the host that this speaks for; empty for control nodes
}

// link is what those have in common who share a connection.
type link struct {
	nats *nats.Conn
	log  *slog.Logger

	// handling is the context of all handlers; it ends with Close.
	handling func() context.Context
	stop     context.CancelFunc

	mu        sync.Mutex
	connected map[*func()]func()
	subs      map[*Subscription]struct{}
}

// Dial connects to a control node's bus, "tls://address:port"; several URLs are separated by commas. It does not fail
// because nobody listens yet, but goes on trying; it fails when the certificates cannot be right.
func Dial(ctx context.Context, url string, config *tls.Config, log *slog.Logger) (*Bus, error) {
	role, id, err := identity(config)
	if err != nil {
		return nil, err
	}
	options := []nats.Option{nats.Secure(config), nats.RetryOnFailedConnect(true)}
	if role != pki.RoleControl {
		options = append(options, nats.CustomInboxPrefix(inboxRoot+id))
	}
	b, err := connect(ctx, url, log, options...)
	if err != nil {
		return nil, err
	}
	if role == pki.RoleHost {
		b.id = id
	}
	return b, nil
}

// As is the same connection, speaking for a host. Only control nodes and laboratories may speak for any.
func (b *Bus) As(host string) *Bus { return &Bus{link: b.link, id: host} }

// identity is what a certificate says of its holder.
func identity(config *tls.Config) (role pki.Role, id string, err error) {
	if config == nil || config.GetClientCertificate == nil {
		return "", "", fault.Invalidf("tls", "the bus needs a certificate of this installation")
	}
	cert, err := config.GetClientCertificate(&tls.CertificateRequestInfo{})
	if err != nil {
		return "", "", fmt.Errorf("reading the certificate for the bus: %w", err)
	}
	if role, id, err = pki.Holder(cert.Leaf); err != nil {
		return "", "", fmt.Errorf("the certificate for the bus: %w", err)
	}
	return role, id, nil
}

func connect(ctx context.Context, url string, log *slog.Logger, options ...nats.Option) (*Bus, error) {
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	b := &Bus{link: &link{
		log: log, handling: func() context.Context { return life }, stop: stop,
		connected: map[*func()]func(){}, subs: map[*Subscription]struct{}{},
	}}
	nc, err := nats.Connect(url, append(b.options(), options...)...)
	if err != nil {
		stop()
		return nil, fmt.Errorf("connecting to the bus: %w", err)
	}
	b.nats = nc
	return b, nil
}

func (b *Bus) options() []nats.Option {
	return []nats.Option{
		nats.Name("aloft"),
		nats.MaxReconnects(-1),
		nats.Timeout(connectPatience),
		nats.IgnoreAuthErrorAbort(), // the certificate may be renewed meanwhile
		nats.CustomReconnectDelay(func(tries int) time.Duration {
			return min(2*time.Second, 50*time.Millisecond<<min(tries, 6)) + rand.N(100*time.Millisecond)
		}),
		nats.ReconnectBufSize(-1), // a message for later is of no use: fail at once
		nats.PingInterval(pingEvery),
		nats.MaxPingsOutstanding(maxPings),
		nats.ConnectHandler(func(*nats.Conn) { b.hello() }),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			b.log.Info("the bus is connected again", "url", nc.ConnectedUrlRedacted())
			b.hello()
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.log.Warn("the bus was disconnected; trying again", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			subject := ""
			if s != nil {
				subject = s.Subject
			}
			b.log.Error("the bus reports an error", "subject", subject, "error", err)
		}),
	}
}

// Connected calls fn now if the bus is connected, and each time that it is connected again, when messages may have been
// lost in between. fn must not block, and may be called once too often. cancel ends that.
func (b *Bus) Connected(fn func()) (cancel func()) {
	key := &fn
	b.mu.Lock()
	b.connected[key] = fn
	b.mu.Unlock()
	if b.IsConnected() {
		fn()
	}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.connected, key)
	}
}

// IsConnected tells whether messages can be sent at this moment.
func (b *Bus) IsConnected() bool { return b.nats.IsConnected() }

func (b *Bus) hello() {
	b.mu.Lock()
	fns := make([]func(), 0, len(b.connected))
	for _, fn := range b.connected {
		fns = append(fns, fn)
	}
	b.mu.Unlock()
	for _, fn := range fns {
		fn()
	}
}

// Close cancels the handlers, waits for them, and disconnects. It must not be called by a handler.
func (b *Bus) Close() {
	b.stop()
	b.mu.Lock()
	subs := make([]*Subscription, 0, len(b.subs))
	for s := range b.subs {
		subs = append(subs, s)
	}
	b.mu.Unlock()
	for _, s := range subs {
		s.Close()
	}
	b.nats.Close()
}

// Publish tells whoever listens on a subject. It returns before they have heard it, and Unavailable while the bus is
// disconnected.
func (b *Bus) Publish(subject string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding a message for %s: %w", subject, err)
	}
	if err := b.nats.Publish(b.outgoing(subject), data); err != nil {
		return b.unsent(subject, err)
	}
	return nil
}

// outgoing adds a host's id to control subjects, as the server demands.
func (b *Bus) outgoing(subject string) string {
	if b.id != "" && strings.HasPrefix(subject, controlRoot) {
		return subject + "." + b.id
	}
	return subject
}
