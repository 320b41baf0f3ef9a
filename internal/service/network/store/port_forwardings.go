package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type forwardingRow struct {
	bun.BaseModel `bun:"table:port_forwardings,alias:pf"`

	ID            string `bun:"id,pk"`
	FloatingIPID  string `bun:"floating_ip_id"`
	ProjectID     string `bun:"project_id"`
	Description   string `bun:"description"`
	Protocol      string `bun:"protocol"`
	PortID        string `bun:"port_id"`
	Address       string `bun:"address"`
	InternalFirst int    `bun:"internal_first"`
	InternalLast  int    `bun:"internal_last"`
	ExternalFirst int    `bun:"external_first"`
	ExternalLast  int    `bun:"external_last"`
	stampRow
}

func forwardingOf(f network.PortForwarding) *forwardingRow {
	return &forwardingRow{
		ID: f.ID, FloatingIPID: f.FloatingIPID, ProjectID: f.ProjectID, Description: f.Description, Protocol: f.Protocol,
		PortID: f.PortID, Address: addrText(f.Address), InternalFirst: f.Internal.First, InternalLast: f.Internal.Last,
		ExternalFirst: f.External.First, ExternalLast: f.External.Last, stampRow: stampOf(f.Stamp),
	}
}

func (r forwardingRow) noun() network.PortForwarding {
	return network.PortForwarding{
		ID: r.ID, FloatingIPID: r.FloatingIPID, ProjectID: r.ProjectID, Description: r.Description, Protocol: r.Protocol,
		PortID: r.PortID, Address: addr(r.Address), Internal: network.PortRange{First: r.InternalFirst, Last: r.InternalLast},
		External: network.PortRange{First: r.ExternalFirst, Last: r.ExternalLast}, Stamp: r.stampRow.noun(),
	}
}

func forwardingAttributes() map[string]attribute {
	return stamped(map[string]attribute{
		"floating_ip_id": text("floating_ip_id"), "protocol": text("protocol"), "port_id": text("port_id"), "address": text("address"),
		"internal_port": number("internal_first"), "external_port": number("external_first"),
	})
}

// AddForwarding implements network.ForwardingStore.
func (s *Store) AddForwarding(ctx context.Context, f network.PortForwarding) error {
	_, err := s.insert(ctx, forwardingOf(f))
	return err
}

// Forwarding implements network.ForwardingStore.
func (s *Store) Forwarding(ctx context.Context, sc db.Scope, id string) (network.PortForwarding, error) {
	list, err := s.Forwardings(ctx, sc, network.ByID(id))
	return only(list, err, &fault.Error{
		Class: fault.NotFound, Code: "PortForwardingNotFound", Object: "port forwarding", ID: id,
		Message: fmt.Sprintf("Port Forwarding %s could not be found.", id),
	})
}

// Forwardings implements network.ForwardingStore.
func (s *Store) Forwardings(ctx context.Context, sc db.Scope, q network.Query) ([]network.PortForwarding, error) {
	var rows []forwardingRow
	if err := read(ctx, s.db.Select(ctx, sc, &rows), &rows, "port_forwardings", q, forwardingAttributes(), nil); err != nil {
		return nil, err
	}
	return nouns(rows, forwardingRow.noun), nil
}

// nouns are the objects that rows keep.
func nouns[R, N any](rows []R, noun func(R) N) []N {
	out := make([]N, 0, len(rows))
	for _, r := range rows {
		out = append(out, noun(r))
	}
	return out
}

// ChangeForwarding implements network.ForwardingStore.
func (s *Store) ChangeForwarding(ctx context.Context, f network.PortForwarding) error {
	return s.change(ctx, forwardingOf(f), "port forwarding", f.ID, f.Revision)
}

// RemoveForwardings implements network.ForwardingStore.
func (s *Store) RemoveForwardings(ctx context.Context, ids ...string) error {
	return s.remove(ctx, (*forwardingRow)(nil), "id", ids...)
}
