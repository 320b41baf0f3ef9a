package engine

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// Watch keeps the engines running until the context ends: it wakes when one of their processes ends, and every few
// seconds for those that hang. It returns nil when the context ends.
func (e *Engines) Watch(ctx context.Context) error {
	const period, whole = 5 * time.Second, time.Minute
	var configured time.Time
	for ctx.Err() == nil {
		started := false
		pause := period
		err := e.locked(ctx, func() error {
			return e.start(ctx, func(_, state string) { started = started || state == "started" })
		})
		if err == nil && (started || time.Since(configured) > whole) {
			if err = e.locked(ctx, func() error { return e.configure(ctx) }); err == nil {
				configured = time.Now()
			}
		}
		if err != nil && ctx.Err() == nil {
			e.log.Error("engines are not all running", "error", err)
			configured, pause = time.Time{}, time.Second
		}
		if e.untilWoken(ctx, pause) {
			configured = time.Time{} // a switch that comes back, whoever starts it, has lost its addresses
		}
	}
	return nil
}

// Wake has Watch look at once, as when Config.Network has changed.
func (e *Engines) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// untilWoken waits until Wake is called or a process of an engine ends, for at most the given time, and tells whether one did.
func (e *Engines) untilWoken(ctx context.Context, patience time.Duration) bool {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-e.wake:
			cancel()
		case <-waiting.Done():
		}
	}()
	ended := e.untilOneEnds(waiting, patience)
	return ended || waiting.Err() != nil
}

func (e *Engines) locked(ctx context.Context, do func() error) error {
	unlock, err := e.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return do()
}

// untilOneEnds waits until a process of an engine ends, for at most the given time, and tells whether one did.
func (e *Engines) untilOneEnds(ctx context.Context, patience time.Duration) bool {
	var fds []int
	for _, s := range e.table {
		pid := peer(s.socket())
		if pid == 0 { // it has ended since it was asked
			patience = min(patience, time.Second/5)
		}
		if pid <= 1 { // systemd holds the socket of an engine that it starts on demand
			continue
		}
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			fds = append(fds, fd)
		}
	}
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	ended, err := waitGone(ctx, fds, patience)
	if err != nil && ctx.Err() == nil {
		e.log.Error("engines can't be watched", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(patience):
		}
	}
	return ended
}
