package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// How long the control plane may take to answer, and how soon it is asked again: after retryFirst, doubled up to
// retryMost, as many hosts may want to be heard at the same time.
const (
	patience   = 10 * time.Second
	retryFirst = 500 * time.Millisecond
	retryMost  = 8 * time.Second
)

// calls is the clock of the calls to the control plane.
type calls struct {
	sync      time.Time     // when the next Sync is due; zero: now
	failures  int           // of Syncs, in a row
	syncEvery time.Duration // as the control plane asks
	heartbeat time.Duration // likewise
}

// call tells the control plane all, where that is due, and returns when to call again.
func (a *Agent) call(ctx context.Context) (again time.Duration) {
	a.mu.Lock()
	sync := !time.Now().Before(a.calls.sync)
	if sync {
		a.calls.sync = time.Now().Add(patience) // unless SyncNow is called meanwhile
	}
	a.mu.Unlock()
	if !sync {
		return a.next()
	}
	err := a.sync(ctx)
	if err == nil {
		return a.next()
	}
	a.mu.Lock()
	a.calls.sync = time.Time{}
	a.calls.failures++
	failures := a.calls.failures
	a.mu.Unlock()
	if failures == 1 && ctx.Err() == nil {
		a.Log.Warn("agent: sync failed, trying on", "host", a.id, "error", err)
	}
	return retry(failures, err)
}

// retry is how long to wait after failures in a row.
func retry(failures int, err error) time.Duration {
	wait := min(retryMost, retryFirst<<min(failures-1, 10))
	var f *fault.Error
	if errors.As(err, &f) {
		wait = max(wait, f.RetryAfter)
	}
	return wait/2 + rand.N(wait/2)
}

// heartbeat tells that the host is there, once the control plane knows it, and returns when to tell it again.
func (a *Agent) heartbeat(ctx context.Context) (again time.Duration) {
	a.mu.Lock()
	message := protocol.Heartbeat{HostID: a.host.ID, Servers: len(a.servers)}
	synced, every := a.synced, a.calls.heartbeat
	a.mu.Unlock()
	if every <= 0 {
		every = protocol.HeartbeatEvery
	}
	if synced && a.control.Heartbeat(ctx, message) != nil {
		return retryFirst
	}
	return every*4/5 + rand.N(every/5)
}

// next is when a Sync is due.
func (a *Agent) next() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(time.Until(a.calls.sync), time.Millisecond)
}

// asked notes how often the control plane wants to be called, and when the next Sync is due after one that went well.
func (a *Agent) asked(reply protocol.SyncReply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.synced, a.calls.failures = true, 0
	a.calls.heartbeat, a.calls.syncEvery = reply.HeartbeatEvery, reply.SyncEvery
	every := protocol.SyncEvery
	switch {
	case a.SyncEvery > 0:
		every = a.SyncEvery
	case reply.SyncEvery > 0:
		every = reply.SyncEvery
	}
	if !a.calls.sync.IsZero() { // else SyncNow has been called while this one was at work
		a.calls.sync = time.Now().Add(every*4/5 + rand.N(every/5))
	}
}

// sync tells the control plane everything and hears everything.
func (a *Agent) sync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	message, look, err := a.everything(ctx)
	if err != nil {
		return err
	}
	reply, err := a.control.Sync(ctx, message)
	if err != nil {
		return fmt.Errorf("telling the control plane: %w", err)
	}
	a.told(message.Servers)
	named := map[string]bool{}
	for _, want := range reply.Servers {
		named[want.ID] = true
	}
	news := a.hear(reply.Servers)
	a.forget(named, look)
	a.asked(reply)
	a.wake(news...)
	a.due(reporting) // a report that came before the Sync may have been overtaken by it
	return errors.Join(a.takeSettings(reply.Settings, message.Network), a.ensureNetworks(ctx))
}

// takeSettings passes on what an operator has set for the host. What comes of it at once is told at once; told is what the control
// plane knows.
func (a *Agent) takeSettings(heard *protocol.Settings, told *protocol.NetworkSeen) error {
	if heard == nil || a.Settings == nil {
		return nil
	}
	if err := a.Settings.Take(*heard); err != nil {
		return fmt.Errorf("keeping the host's settings: %w", err)
	}
	if !reflect.DeepEqual(a.Settings.Seen(), told) {
		a.SyncNow()
	}
	return nil
}

// everything is what a Sync says. Where the hypervisor is away for a while it is what was seen last; but nothing is said
// before everything has been seen once, as that would say that nothing is there.
func (a *Agent) everything(ctx context.Context) (protocol.Sync, int64, error) {
	err := a.relist(ctx)
	if err == nil {
		err = a.relistDisks(ctx)
	}
	var host protocol.Host
	if err == nil {
		host, err = a.Host(ctx)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.host = host
	}
	if !a.listed || a.host.ID == "" {
		return protocol.Sync{}, 0, fmt.Errorf("looking at the host: %w", err)
	}
	if err != nil {
		a.Log.Warn("agent: cannot see the host, telling what was seen last", "error", err)
	}
	message := protocol.Sync{Host: a.host}
	if a.Settings != nil {
		message.Network = a.Settings.Seen()
	}
	now := time.Now()
	for id, s := range a.servers {
		o := s.observed(id)
		o.At = now
		message.Servers = append(message.Servers, o)
	}
	a.looks++ // a want that is heard from now on isn't older than the answer
	return message, a.looks, nil
}
