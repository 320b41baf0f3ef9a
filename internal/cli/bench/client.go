package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// Tokens are the right to make requests, from a log-in.
type Tokens interface {
	Token() string
	// Reauthenticate gets a new token in place of a stale one, once for all who ask for it at a time.
	Reauthenticate(ctx context.Context, stale string) error
}

// Cloud is where the load goes.
type Cloud struct {
	Compute      string // the endpoint of the compute API, without a slash at its end
	Microversion string
	Tokens       Tokens
	HTTP         *http.Client
	Message      func(body []byte) string // finds the message in the body of an error
	// Patience is how long a request may be put off by the cloud, and how long nothing may happen while one waits.
	Patience time.Duration
}

// client makes requests, and counts them.
type client struct {
	Cloud
	sent, waited, renewed atomic.Int64
}

// refusal is an answer that is an error.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

// gone tells whether an error says that there is no such thing.
func gone(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == http.StatusNotFound
}

// call makes a request, again with a new token where the token was refused, and again later where the cloud says so.
func (c *client) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	begun, renewed := time.Now(), false
	for {
		token := c.Tokens.Token()
		status, header, raw, err := c.send(ctx, method, path, token, body)
		switch {
		case err != nil:
			return nil, err
		case status < 300:
			return raw, nil
		case status == http.StatusUnauthorized && !renewed:
			renewed = true
			c.renewed.Add(1)
			if err := c.Tokens.Reauthenticate(ctx, token); err != nil {
				return nil, fmt.Errorf("logging in again: %w", err)
			}
			continue
		case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
			if wait := retryAfter(header, time.Now()); time.Since(begun)+wait < c.Patience {
				c.waited.Add(1)
				if err := pause(ctx, wait); err != nil {
					return nil, err
				}
				continue
			}
		}
		return nil, c.refusal(method, status, raw)
	}
}

func (c *client) refusal(method string, status int, raw []byte) error {
	message := c.Message(raw)
	if message == "" {
		message = fmt.Sprintf("%s was answered with %d %s", method, status, http.StatusText(status))
	}
	return &refusal{status: status, message: message}
}

func (c *client) send(ctx context.Context, method, path, token string, body []byte) (int, http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.Compute+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("making a request: %w", err)
	}
	r.Header.Set("X-Auth-Token", token)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("OpenStack-API-Version", "compute "+c.Microversion)
	r.Header.Set("X-OpenStack-Nova-API-Version", c.Microversion)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	c.sent.Add(1)
	resp, err := c.HTTP.Do(r)
	var where *url.Error
	if errors.As(err, &where) {
		err = fmt.Errorf("%s: %w", method, where.Err) // without the path, which differs each time
	}
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("reading the answer to %s: %w", method, err)
	}
	return resp.StatusCode, resp.Header, raw, nil
}

// get reads an answer into v.
func (c *client) get(ctx context.Context, path string, v any) error {
	raw, err := c.call(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("the answer to GET is not what it should be: %w", err)
	}
	return nil
}

// retryAfter is what a cloud asks for that has no time: seconds or a date (RFC 9110, 10.2.3); a second where it says nothing.
func retryAfter(h http.Header, now time.Time) time.Duration {
	said := h.Get("Retry-After")
	if n, err := strconv.Atoi(said); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(said); err == nil {
		return max(0, at.Sub(now))
	}
	return time.Second
}

// pause waits, unless the context ends before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
