package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// atOnce is how many requests of one subscription are handled at the same time; others wait their turn.
const atOnce = 64

// Subscription is something that listens, until its Close or its Bus'.
type Subscription struct {
	bus  *Bus
	subs []*nats.Subscription

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// Close stops listening, and waits for the handlers that are running. It must not be called by one of them.
func (s *Subscription) Close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if first {
		for _, sub := range s.subs {
			_ = sub.Unsubscribe() // it fails only if the connection is closed, and then it is done
		}
		s.bus.mu.Lock()
		delete(s.bus.subs, s)
		s.bus.mu.Unlock()
	}
	s.running.Wait()
}

// begin tells whether a handler may start; its end is running.Done.
func (s *Subscription) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}

// listen subscribes to a subject, and to what hosts send to it. It returns when the server knows.
func (s *Subscription) listen(subject, group string, fn nats.MsgHandler) (*Subscription, error) {
	subjects := []string{subject}
	if strings.HasPrefix(subject, controlRoot) {
		subjects = append(subjects, subject+".*")
	}
	s.bus.mu.Lock()
	s.bus.subs[s] = struct{}{}
	s.bus.mu.Unlock()
	for _, subject := range subjects {
		sub, err := s.bus.nats.QueueSubscribe(subject, group, fn)
		if err == nil {
			s.subs = append(s.subs, sub)
			err = sub.SetPendingLimits(-1, 256<<20)
		}
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("subscribing to %s: %w", subject, err)
		}
	}
	if s.bus.IsConnected() { // else the server is told at the reconnect
		if err := s.bus.nats.FlushTimeout(patience); err != nil && s.bus.IsConnected() {
			s.Close()
			return nil, fmt.Errorf("subscribing to %s: %w", subject, err)
		}
	}
	return s, nil
}

// Subscribe calls fn for each message on a subject, which may have wildcards, in their order and one at a time. fn must
// be quick: messages wait for it.
func Subscribe[T any](b *Bus, subject string, fn func(T)) (*Subscription, error) {
	return SubscribeFrom(b, subject, func(_ string, v T) { fn(v) })
}

// SubscribeFrom is Subscribe for those who need the host too: the one that has sent the message, as its certificate says,
// or the one at whose subject it came. It is empty if a control node has sent it to control nodes.
func SubscribeFrom[T any](b *Bus, subject string, fn func(host string, v T)) (*Subscription, error) {
	s := &Subscription{bus: b}
	return s.listen(subject, "", func(m *nats.Msg) {
		if !s.begin() {
			return
		}
		defer s.running.Done()
		var v T
		if err := json.Unmarshal(m.Data, &v); err != nil {
			b.log.Error("a message cannot be decoded", "subject", m.Subject, "error", err)
			return
		}
		fn(cmp.Or(sender(subject, m.Subject), receiver(m.Subject)), v)
	})
}

// Listen is Subscribe for those who decode messages themselves.
func (b *Bus) Listen(subject string, fn func(data []byte)) (cancel func(), err error) {
	s, err := Subscribe(b, subject, func(raw json.RawMessage) { fn(raw) })
	if err != nil {
		return nil, err
	}
	return s.Close, nil
}

// Serve answers requests on a subject. Requests are handled at the same time, up to a bound. Of those that serve the
// same subject in one group, one gets each request; without a group all do, and the first answer counts. The context
// ends when the asker gives up, and with the bus.
func Serve[Req, Rep any](b *Bus, subject, group string, fn func(context.Context, Req) (Rep, error)) (*Subscription, error) {
	s := &Subscription{bus: b}
	places := make(chan struct{}, atOnce)
	return s.listen(subject, group, func(m *nats.Msg) {
		places <- struct{}{}
		if !s.begin() {
			<-places
			return
		}
		go func() {
			defer s.running.Done()
			defer func() { <-places }()
			ctx, cancel := requestContext(b.handling(), m)
			defer cancel()
			if id := sender(subject, m.Subject); id != "" {
				ctx = context.WithValue(ctx, senderKey{}, id)
			}
			if id := receiver(m.Subject); id != "" {
				ctx = context.WithValue(ctx, receiverKey{}, id)
			}
			b.answer(ctx, m, func() (any, error) {
				var req Req
				if err := json.Unmarshal(m.Data, &req); err != nil {
					return nil, fault.Wrap(fault.Invalid, err, "the request at %s cannot be decoded", subject)
				}
				return fn(ctx, req)
			})
		}()
	})
}

type senderKey struct{}

// Sender is the host whose request a handler serves, as its certificate says; empty if it was a control node.
func Sender(ctx context.Context) string {
	id, _ := ctx.Value(senderKey{}).(string)
	return id
}

type receiverKey struct{}

// Receiver is the host at whose subject a handler serves a request; empty if it is no host's.
func Receiver(ctx context.Context) string {
	id, _ := ctx.Value(receiverKey{}).(string)
	return id
}

func requestContext(ctx context.Context, m *nats.Msg) (context.Context, context.CancelFunc) {
	ms, err := strconv.ParseInt(m.Header.Get(timeoutHeader), 10, 64)
	if err != nil || ms <= 0 {
		return context.WithTimeout(ctx, patience)
	}
	return context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
}

// answer runs a handler and sends what it says.
func (b *Bus) answer(ctx context.Context, m *nats.Msg, fn func() (any, error)) {
	rep, err := guarded(fn)
	reply := nats.NewMsg(m.Reply)
	if err == nil {
		reply.Data, err = json.Marshal(rep)
	}
	if err != nil {
		if fault.Is(err, fault.Internal) {
			b.log.ErrorContext(ctx, "handling a request failed", "subject", m.Subject, "error", err)
		}
		reply.Header.Set(faultHeader, "1")
		reply.Data, err = writeFault(err)
	}
	if err == nil && m.Reply != "" {
		err = b.nats.PublishMsg(reply)
	}
	if err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		b.log.WarnContext(ctx, "answering a request failed", "subject", m.Subject, "error", err)
	}
}

// guarded makes a panic of a handler an error of its request.
func guarded(fn func() (any, error)) (rep any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn()
}
