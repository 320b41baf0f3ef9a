package engine

import (
	"context"
	"errors"
	"os/exec"

	"github.com/aloft-cloud/aloft/internal/host/command"
)

// companions are the units that come up with an engine's unit and would bring it back after a stop.
func companions(unit string) []string {
	switch unit {
	case "libvirtd.service":
		return []string{"libvirtd.socket", "libvirtd-ro.socket", "libvirtd-admin.socket"}
	case "virtlogd.socket":
		return []string{"virtlogd-admin.socket", "virtlogd.service"}
	case "ovs-vswitchd.service":
		return []string{"openvswitch-switch.service"}
	}
	return nil
}

// startUnit has systemd start an engine, after noting which units were not active.
func (e *Engines) startUnit(ctx context.Context, s spec) error {
	active, err := isActive(ctx, s.unit)
	if err != nil {
		return err
	}
	if active {
		// It may be starting, or hang.
		patience, cancel := context.WithTimeout(ctx, hangPatience)
		defer cancel()
		if e.until(patience, s.ready) == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		_, err := command.Run(ctx, "systemctl", "restart", s.unit)
		return err
	}
	var started []string
	for _, unit := range append([]string{s.unit}, companions(s.unit)...) {
		active, err := isActive(ctx, unit)
		if err != nil {
			return err
		}
		if !active {
			started = append(started, unit)
		}
	}
	if err := e.units.add(started...); err != nil {
		return err
	}
	_, err = command.Run(ctx, "systemctl", "start", s.unit)
	return err
}

func isActive(ctx context.Context, unit string) (bool, error) {
	_, err := command.Run(ctx, "systemctl", "is-active", "--quiet", unit)
	if _, says := errors.AsType[*exec.ExitError](err); says {
		return false, ctx.Err()
	}
	return err == nil, err
}

// stopUnits stops those of an engine's units that Aloft started.
func (e *Engines) stopUnits(ctx context.Context, s spec) error {
	var stop []string
	for _, unit := range append(companions(s.unit), s.unit) {
		if e.units.has(unit) {
			stop = append(stop, unit)
		}
	}
	if len(stop) == 0 {
		return nil
	}
	_, err := command.Run(ctx, "systemctl", append([]string{"stop"}, stop...)...)
	return err
}
