package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

type updateServiceIn struct {
	ID     string  `path:"service_id"`
	Status *string `body:"status" check:"enum=enabled|disabled"`
	Reason *string `body:"disabled_reason" check:"min=1,max=255"`
	Forced *bool   `body:"forced_down"`
}

type serviceOut struct {
	Service service `json:"service"`
}

func (a *api) updateService(ctx context.Context, in updateServiceIn) (serviceOut, error) {
	switch {
	case in.Forced != nil:
		return serviceOut{}, fault.Invalidf("forced_down", "forced_down is not offered: a host is down when it is silent for %s", a.core.HostTimeout())
	case in.Status == nil:
		return serviceOut{}, fault.Invalidf("status", "No updates were requested. Fields 'status' or 'disabled_reason' should be specified.")
	}
	disabled := *in.Status == "disabled"
	if !disabled && in.Reason != nil {
		return serviceOut{}, fault.Invalidf("disabled_reason", "Specifying 'disabled_reason' when status is 'enabled' is invalid.")
	}
	h, err := a.core.DisableHost(ctx, in.ID, disabled, text(in.Reason))
	if err != nil {
		return serviceOut{}, err
	}
	return serviceOut{serviceView(ctx, &h)}, nil
}

// oldServiceIn names the agent of a host as it was before 2.53.
type oldServiceIn struct {
	Host   string `body:"host" check:"min=1,max=255"`
	Binary string `body:"binary" check:"min=1,max=255"`
}

type oldReasonIn struct {
	oldServiceIn
	Reason string `body:"disabled_reason" check:"min=1,max=255"`
}

// oldService is what these calls say of the agent.
type oldService struct {
	Host           string `json:"host"`
	Binary         string `json:"binary"`
	Status         string `json:"status"`
	DisabledReason string `json:"disabled_reason,omitempty"`
}

type oldServiceOut struct {
	Service oldService `json:"service"`
}

func (a *api) setService(ctx context.Context, in *oldServiceIn, disabled bool, reason string) (oldServiceOut, error) {
	if in.Binary != agentBinary {
		return oldServiceOut{}, fault.New(fault.NotFound, "Could not find binary %s on host %s.", in.Binary, in.Host)
	}
	_, err := a.core.DisableHostNamed(ctx, in.Host, disabled, reason)
	return oldServiceOut{oldService{in.Host, in.Binary, enabled(disabled), reason}}, err
}

func (a *api) enableService(ctx context.Context, in oldServiceIn) (oldServiceOut, error) {
	return a.setService(ctx, &in, false, "")
}

func (a *api) disableService(ctx context.Context, in oldServiceIn) (oldServiceOut, error) {
	return a.setService(ctx, &in, true, "")
}

func (a *api) disableServiceWithReason(ctx context.Context, in oldReasonIn) (oldServiceOut, error) {
	return a.setService(ctx, &in.oldServiceIn, true, in.Reason)
}
