package engine

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/command"
)

// Stop ends the engines that Aloft started, puts back what it changed on the others and on the host, and removes the
// databases that it made. Nothing may be watching the engines any more, and no server may be running.
func (e *Engines) Stop(ctx context.Context) error {
	unlock, err := e.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := e.stop(ctx); err != nil {
		return fault.Wrap(fault.Unavailable, err, "not everything could be stopped; run aloft down again")
	}
	return nil
}

func (e *Engines) stop(ctx context.Context) error {
	b, err := e.journal.read()
	if err != nil {
		return err
	}
	if len(b.Bridges) > 0 || len(b.Ports) > 0 {
		// A bridge in the kernel is removed by the engine that made it, and by nobody else.
		for _, s := range []spec{e.ovsdb(), e.vswitchd()} {
			if err := e.startOne(ctx, s, func(string, string) {}); err != nil {
				return err
			}
		}
	}
	// The controller removes its chassis when it ends, for which it needs the databases; the bridges need the switch.
	if err := e.endOne(ctx, e.controller()); err != nil {
		return err
	}
	if err := errors.Join(e.restoreHost(ctx, b), e.restoreSettings(ctx, b), restoreTLS(ctx, b)); err != nil {
		return err
	}
	for _, port := range b.Ports {
		if _, err := command.Vsctl(ctx, "--if-exists", "del-port", port); err != nil {
			return err
		}
	}
	for _, name := range b.Bridges {
		if _, err := command.Vsctl(ctx, "--if-exists", "del-br", name); err != nil {
			return err
		}
	}
	for _, s := range slices.Backward(e.table) {
		if err := e.endOne(ctx, s); err != nil {
			return err
		}
	}
	if !e.cfg.Cluster.there() { // what a member knows is not this node's alone: without it, it would be another member
		if err := os.RemoveAll(e.data("ovn")); err != nil {
			return err
		}
	} else if err := nft(ctx, "add table ip aloft_ovn\ndelete table ip aloft_ovn\n"); err != nil {
		return err
	}
	return errors.Join(
		os.RemoveAll(e.data("openvswitch")),
		remove(e.units.path), remove(e.cfg.RunDir+"/libvirtd.conf"), e.journal.forget(),
	)
}

// endOne ends an engine if Aloft started it, and clears away its pid file and socket.
func (e *Engines) endOne(ctx context.Context, s spec) error {
	if e.byUnit(s) {
		return e.stopUnits(ctx, s)
	}
	pid := e.ours(s)
	if pid == 0 {
		return nil
	}
	socket := s.socket() // its path may be in the pid file, which goes with the engine
	if err := e.end(ctx, s, pid); err != nil {
		return err
	}
	e.log.Info("engine stopped", "engine", s.name)
	if peer(socket) != 0 {
		return nil // another one runs there by now
	}
	return errors.Join(remove(s.pidFile), remove(socket))
}

// restoreSettings puts back the settings of engines. Where an engine does not run any more there is nothing to adopt:
// its settings went with its database, or whoever stopped it looks after it.
func (e *Engines) restoreSettings(ctx context.Context, b before) error {
	var errs []error
	for name, was := range b.Maps {
		c, err := parseColumn(name)
		if err != nil {
			return err
		}
		if accepts(ctx, c.socket) != nil {
			continue
		}
		errs = append(errs, c.putBack(ctx, was))
	}
	return errors.Join(errs...)
}
