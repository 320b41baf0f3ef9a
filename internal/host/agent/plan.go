package agent

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// job is one run over the steps for one server.
type job struct {
	want   protocol.Server
	domain *hypervisor.Domain // as it was when the plan was made; nil: none
}

// step is a part of making a server what it should be. Steps are run in order, and each is done at once where there is
// nothing to do.
type step struct {
	name  string
	doing string // for the user, while it is at work; empty: not worth telling
	// do returns how long to wait before the server is planned anew, 0 to go on with the next step.
	do func(ctx context.Context, a *Agent, j *job) (time.Duration, error)
}

// The steps. They are functions and not variables, as there are none in this package.
func image() step   { return step{"image", "fetching image", stepImage} }
func root() step    { return step{"disk", "creating root disk", stepDisk} }
func network() step { return step{"network", "preparing networks", stepNetwork} }
func define() step  { return step{"define", "defining", stepDefine} }
func start() step   { return step{"start", "starting", stepStart} }
func stop() step    { return step{"stop", "shutting down", stepStop} }
func reboot() step  { return step{"reboot", "rebooting", stepReboot} }
func remove() step  { return step{"remove", "deleting", stepRemove} }
func settle() step  { return step{"settle", "", stepSettle} }

// plan says which steps make a domain what is wanted. It is a function of its arguments only.
func plan(want protocol.Server, domain *hypervisor.Domain) ([]step, error) {
	switch want.Power {
	case protocol.Absent:
		return []step{remove()}, nil
	case protocol.Stopped:
		switch {
		case domain == nil:
			return []step{image(), root(), define(), settle()}, nil
		case domain.Power == protocol.Stopped:
			return []step{settle()}, nil
		}
		return []step{stop(), settle()}, nil
	case protocol.Running:
		up := []step{image(), root(), network(), define(), start(), settle()}
		switch {
		case domain == nil:
			return up, nil
		case domain.Power == protocol.Stopped && !mayRun(want, domain):
			return []step{settle()}, nil
		case domain.Power == protocol.Stopped:
			return up, nil
		case want.Boot > domain.Meta.Boot:
			return append([]step{reboot()}, up...), nil
		}
		// A paused domain is left alone: someone paused it, or its disk is full. Its state is reported.
		return []step{settle()}, nil
	}
	return nil, fault.New(fault.Unsupported, "this host can't make a server %q; it can be running, stopped or absent", want.Power)
}

// mayRun tells whether a stopped domain that is wanted running should be started: not if it was stopped on purpose after
// the wants had been carried out.
func mayRun(want protocol.Server, domain *hypervisor.Domain) bool {
	return domain.Cause != protocol.CauseGuest ||
		domain.Meta.Generation < want.Generation || domain.Meta.Boot < want.Boot
}
