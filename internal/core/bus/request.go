package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// The headers of messages.
const (
	faultHeader   = "Aloft-Fault"   // on a reply: its data is a fault
	timeoutHeader = "Aloft-Timeout" // on a request: milliseconds until its sender gives up
)

// patience is how long a request waits whose context has no deadline.
const patience = 30 * time.Second

// Request asks whoever serves a subject, and waits for the answer until ctx ends, at most 30 s where it has no deadline.
// A fault of the other end is returned as that fault. If nobody serves the subject, if the bus is disconnected, or if
// no answer comes in time, the error is Unavailable: the request may have been carried out or not.
func Request[Req, Rep any](ctx context.Context, b *Bus, subject string, req Req) (Rep, error) {
	var rep Rep
	data, err := json.Marshal(req)
	if err != nil {
		return rep, fmt.Errorf("encoding a request for %s: %w", subject, err)
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(patience)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	msg := &nats.Msg{Subject: b.outgoing(subject), Data: data, Header: nats.Header{
		timeoutHeader: {strconv.FormatInt(max(1, time.Until(deadline).Milliseconds()), 10)},
	}}
	answer, err := b.nats.RequestMsgWithContext(ctx, msg)
	if err != nil {
		return rep, b.unsent(subject, err)
	}
	if answer.Header.Get(faultHeader) != "" {
		return rep, readFault(answer.Data)
	}
	if err := json.Unmarshal(answer.Data, &rep); err != nil {
		return rep, fmt.Errorf("decoding the answer of %s: %w", subject, err)
	}
	return rep, nil
}

// unsent explains why a message had no effect that is known.
func (b *Bus) unsent(subject string, err error) error {
	var f *fault.Error
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("asking %s: %w", subject, err)
	case errors.Is(err, nats.ErrNoResponders):
		f = fault.Wrap(fault.Unavailable, err, "nobody answers at %s: the other end is not running, or has lost its connection", subject)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		f = fault.Wrap(fault.Unavailable, err, "%s did not answer in time", subject)
	case !b.IsConnected(): // NATS has several words for it
		f = fault.Wrap(fault.Unavailable, err, "the bus is disconnected, so %s was not reached", subject)
	default:
		return fmt.Errorf("sending to %s: %w", subject, err)
	}
	f.RetryAfter = time.Second
	return f
}

// wireFault is a fault on its way. Cause is the text of what lies behind it, for the log at the other end.
type wireFault struct {
	Class      fault.Class   `json:"class"`
	Code       string        `json:"code,omitempty"`
	Field      string        `json:"field,omitempty"`
	Object     string        `json:"object,omitempty"`
	ID         string        `json:"id,omitempty"`
	Message    string        `json:"message"`
	RetryAfter time.Duration `json:"retry_after,omitempty"`
	Cause      string        `json:"cause,omitempty"`
}

func writeFault(err error) ([]byte, error) {
	f := fault.Of(err)
	w := wireFault{
		Class: f.Class, Code: f.Code, Field: f.Field, Object: f.Object, ID: f.ID,
		Message: f.Message, RetryAfter: f.RetryAfter,
	}
	if f.Err != nil {
		w.Cause = f.Err.Error()
	}
	return json.Marshal(w)
}

func readFault(data []byte) error {
	var w wireFault
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("decoding a fault: %w", err)
	}
	f := &fault.Error{
		Class: w.Class, Code: w.Code, Field: w.Field, Object: w.Object, ID: w.ID,
		Message: w.Message, RetryAfter: w.RetryAfter,
	}
	if w.Cause != "" {
		f.Err = errors.New(w.Cause)
	}
	return f
}
