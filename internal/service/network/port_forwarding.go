package network

import (
	"context"
	"net/netip"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// PortRange is a range of ports of a transport protocol, both ends in it.
type PortRange struct{ First, Last int }

func (r PortRange) size() int { return r.Last - r.First + 1 }

func (r PortRange) valid() bool { return 1 <= r.First && r.First <= r.Last && r.Last <= 65535 }

func (r PortRange) overlaps(o PortRange) bool { return r.First <= o.Last && o.First <= r.Last }

// PortForwarding lets some ports of a floating IP, which leads to no port of its own, lead to ports of a fixed address.
type PortForwarding struct {
	ID, FloatingIPID, ProjectID, Description string
	Protocol                                 string // "tcp", "udp" or "sctp"
	PortID                                   string // to which it leads
	Address                                  netip.Addr
	Internal, External                       PortRange // of one size, or all of External to the one port of Internal
	Stamp
}

// ForwardingStore keeps port forwardings.
type ForwardingStore interface {
	AddForwarding(ctx context.Context, f PortForwarding) error
	Forwarding(ctx context.Context, s db.Scope, id string) (PortForwarding, error)
	Forwardings(ctx context.Context, s db.Scope, q Query) ([]PortForwarding, error)
	ChangeForwarding(ctx context.Context, f PortForwarding) error
	RemoveForwardings(ctx context.Context, ids ...string) error
}

// ForwardingState is a floating IP with the ports that it forwards.
type ForwardingState struct {
	FloatingIP  FloatingIP
	Forwardings []PortForwarding
}
