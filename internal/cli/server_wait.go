package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
)

// pollEvery is how often a server is looked at while one waits for it.
const pollEvery = 250 * time.Millisecond

// until waits for a state, and prints each state and step on the way. A server that fails ends it with its fault.
func (w *waiting) until(ctx context.Context, s *session, c *gophercloud.ServiceClient, id, state string) error {
	if !w.wait {
		return nil
	}
	return w.poll(ctx, "reach "+state, func(ctx context.Context, since time.Duration, last *string) (bool, error) {
		server, err := servers.Get(ctx, c, id).Extract()
		if err != nil {
			return false, err
		}
		s.progress(last, since, server)
		if server.Status == "ERROR" {
			return false, fmt.Errorf("server %s is in state ERROR: %s", server.Name, faultOf(server))
		}
		return server.Status == state && server.TaskState == "", nil
	})
}

// gone waits until a server is there no more.
func (w *waiting) gone(ctx context.Context, s *session, c *gophercloud.ServiceClient, server *servers.Server) error {
	if !w.wait {
		return nil
	}
	return w.poll(ctx, "be gone", func(ctx context.Context, since time.Duration, last *string) (bool, error) {
		now, err := servers.Get(ctx, c, server.ID).Extract()
		if notFound(err) {
			s.say("%6.1fs  %s is gone", since.Seconds(), printable(server.Name))
			return true, nil
		}
		if err != nil {
			return false, err
		}
		s.progress(last, since, now)
		if now.Status == "ERROR" && now.TaskState == "" && now.Fault.Message != "" {
			return false, fmt.Errorf("server %s could not be deleted: %s", server.Name, faultOf(now))
		}
		return false, nil
	})
}

func faultOf(s *servers.Server) string {
	if s.Fault.Message == "" {
		return "the cloud gives no reason"
	}
	return s.Fault.Message
}

// progress prints a server's state and step when they have changed.
func (s *session) progress(last *string, since time.Duration, server *servers.Server) {
	line := server.Status
	if server.TaskState != "" {
		line += "  " + server.TaskState
	}
	if line != *last {
		*last = line
		s.say("%6.1fs  %s  %s", since.Seconds(), printable(server.Name), printable(line))
	}
}

func (w *waiting) poll(ctx context.Context, what string, done func(context.Context, time.Duration, *string) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	start, last := time.Now(), ""
	for {
		ok, err := done(ctx, time.Since(start), &last)
		if ctx.Err() == nil && (ok || err != nil) {
			return err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("the server did not %s within %s; it was last seen as: %s", what, w.timeout, last)
			}
			return ctx.Err()
		case <-tick.C:
		}
	}
}
