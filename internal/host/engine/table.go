package engine

import (
	"context"
	"path/filepath"
)

// spec is how one engine is started, asked and recognised.
type spec struct {
	name    string   // as in its log and pid file
	unit    string   // systemd's; empty: it is started by hand there too
	program string   // looked for in PATH and the sbin directories
	args    []string // by hand: it makes itself a daemon and returns when it serves
	pidFile string   // by hand
	// prepare makes what it needs on disk, by hand only; may be nil.
	prepare func(context.Context) error
	// socket is where it listens at the moment; a stale one is removed before a start.
	socket func() string
	// ready returns nil if it really answers. An engine that does not is started, and replaced if it hangs.
	ready func(context.Context) error
	// settled returns nil if it has found the others that it needs; a start waits for that, but an engine that has lost
	// them looks for them by itself. May be nil.
	settled func(context.Context) error
	// after configures what the next engines in the table need; done every time, idempotent; may be nil.
	after func(context.Context) error
}

// specs is the table of engines, in the order in which they start; they stop in the opposite one.
func (e *Engines) specs() []spec {
	var table []spec
	if !e.cfg.ControlOnly {
		table = append(table, e.virtlogd(), e.libvirtd(), e.ovsdb(), e.vswitchd())
	}
	if e.central() {
		table = append(table, e.ovnDatabase("nb"), e.ovnDatabase("sb"), e.northd())
	}
	if !e.cfg.ControlOnly {
		table = append(table, e.controller())
	}
	return table
}

// central tells whether OVN's databases run on this host.
func (e *Engines) central() bool { return e.cfg.OVNRemote == "" }

func (e *Engines) data(elem ...string) string {
	return filepath.Join(append([]string{e.cfg.DataDir}, elem...)...)
}

func fixed(path string) func() string { return func() string { return path } }
