package api

import (
	"context"
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

// OwnRoutes are compute's part of Aloft's own API: what Nova's has no words for.
func OwnRoutes(core *compute.Service) []rest.Route {
	a := &api{core}
	const settings = "/settings/placement"
	return []rest.Route{
		{Method: "GET", Path: "/servers/{server_id}/placement", Policy: auth.P("aloft:server:placement", auth.ProjectReader), Doc: "Explains the last attempt to place a server: how many hosts were looked at, and what those lacked that could not take it. Administrators see the hosts' names.", Do: rest.Do(a.explain)},
		{Method: "GET", Path: settings, Policy: auth.P("aloft:settings:show", auth.AdminOnly), Doc: "Shows how servers are placed.", Do: rest.Do(a.showTuning)},
		{Method: "PUT", Path: settings, Policy: auth.P("aloft:settings:update", auth.AdminOnly), Audit: "aloft.settings.placement.update", Doc: "Changes how servers are placed: overcommitment, memory that hosts keep for themselves, and whether servers are spread over hosts or packed.", Do: rest.Do(a.setTuning)},
		{Method: "PUT", Path: "/hosts/{host_id}/maintenance", Policy: auth.P("aloft:host:maintain", auth.AdminOnly), Audit: "aloft.host.maintain", Doc: "Takes a host into maintenance, or out of it.", Do: rest.Do(a.maintainHost)},
	}
}

type explanation struct {
	ServerID string           `json:"server_id"`
	At       string           `json:"at"`
	Outcome  string           `json:"outcome"` // placed or refused
	Host     string           `json:"host,omitempty"`
	Message  string           `json:"message"`
	Hosts    int              `json:"hosts"`    // looked at
	Eligible int              `json:"eligible"` // of them, not ruled out
	Reasons  []excludedReason `json:"reasons"`
}

type excludedReason struct {
	Reason string   `json:"reason"`
	Text   string   `json:"text"`
	Hosts  int      `json:"hosts"`
	Names  []string `json:"names,omitempty"` // of some
}

type explanationOut struct {
	Placement explanation `json:"placement"`
}

func (a *api) explain(ctx context.Context, in serverIn) (explanationOut, error) {
	p, err := a.core.Explain(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return explanationOut{}, instance(err)
	}
	return explanationOut{explained(&p)}, nil
}

func explained(p *compute.Placement) explanation {
	r := &p.Report
	out := explanation{
		ServerID: p.ServerID, At: stamp(p.At), Outcome: "placed", Host: p.HostName, Hosts: r.Hosts, Eligible: r.Fit(),
	}
	texts := make([]string, len(r.Groups))
	for i := range r.Groups {
		g := &r.Groups[i]
		texts[i] = r.Text(g)
		out.Reasons = append(out.Reasons, excludedReason{Reason: g.Reason.Many, Text: texts[i], Hosts: g.Hosts, Names: g.Names})
	}
	if !p.Placed {
		out.Outcome, out.Message = "refused", r.Refusal()
		return out
	}
	out.Message = fmt.Sprintf("chosen from %d of %d hosts", out.Eligible, out.Hosts)
	if len(texts) > 0 {
		out.Message += "; of the others, " + strings.Join(texts, ", ")
	}
	return out
}

type tuning struct {
	CPURatio       *float64 `json:"cpu_allocation_ratio"`
	MemoryRatio    *float64 `json:"ram_allocation_ratio"`
	DiskRatio      *float64 `json:"disk_allocation_ratio"`
	ReservedMemory *int     `json:"reserved_host_memory_mb"`
	Strategy       string   `json:"strategy" check:"enum=spread|pack"`
}

type tuningIn struct {
	Placement tuning `body:"placement"`
}

type tuningOut struct {
	Placement tuning `json:"placement"`
}

func tuningView(t compute.Tuning) tuningOut {
	strategy := "spread"
	if t.Pack {
		strategy = "pack"
	}
	return tuningOut{tuning{&t.CPURatio, &t.MemoryRatio, &t.DiskRatio, &t.ReservedMemoryMiB, strategy}}
}

func (a *api) showTuning(ctx context.Context, _ struct{}) (tuningOut, error) {
	t, err := a.core.Tuning(ctx)
	return tuningView(t), err
}

func (a *api) setTuning(ctx context.Context, in tuningIn) (tuningOut, error) {
	b := &in.Placement
	t, err := a.core.SetTuning(ctx, func(t *compute.Tuning) {
		for _, c := range []struct{ to, from *float64 }{{&t.CPURatio, b.CPURatio}, {&t.MemoryRatio, b.MemoryRatio}, {&t.DiskRatio, b.DiskRatio}} {
			if c.from != nil {
				*c.to = *c.from
			}
		}
		if b.ReservedMemory != nil {
			t.ReservedMemoryMiB = *b.ReservedMemory
		}
		if b.Strategy != "" {
			t.Pack = b.Strategy == "pack"
		}
	})
	return tuningView(t), err
}

type maintainIn struct {
	ID          string `path:"host_id"`
	Maintenance bool   `body:"maintenance"`
}

type maintainOut struct {
	Host struct {
		ID        string              `json:"id"`
		Name      string              `json:"name"`
		Condition placement.Condition `json:"condition"`
		Servers   int                 `json:"servers"`
	} `json:"host"`
}

func (a *api) maintainHost(ctx context.Context, in maintainIn) (maintainOut, error) {
	h, err := a.core.MaintainHost(ctx, in.ID, in.Maintenance)
	var out maintainOut
	out.Host.ID, out.Host.Name, out.Host.Condition, out.Host.Servers = h.ID, h.Name, h.Condition(), h.Servers
	return out, err
}
