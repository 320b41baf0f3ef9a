package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// NewForwarding is what a port forwarding is made of.
type NewForwarding struct {
	FloatingIPID, Description, Protocol, PortID string
	Address                                     netip.Addr // of the port; invalid: its only IPv4 address
	Internal, External                          PortRange
}

// ForwardingChange is what should change of a port forwarding; nil fields stay.
type ForwardingChange struct {
	Description, Protocol, PortID *string
	Address                       *netip.Addr
	Internal, External            *PortRange
}

// CreateForwarding lets ports of a floating IP lead to a port's.
func (s *Service) CreateForwarding(ctx context.Context, c *auth.Caller, in NewForwarding) (PortForwarding, error) {
	return tx(ctx, s, func(ctx context.Context) (PortForwarding, error) {
		fip, err := s.store.FloatingIP(ctx, c.Scope(), in.FloatingIPID)
		if err != nil {
			return PortForwarding{}, err
		}
		if fip.PortID != "" {
			return PortForwarding{}, badForwarding("floating IP %s (%s) leads to port %s already: disassociate it first", fip.Address, fip.ID, fip.PortID)
		}
		f := PortForwarding{
			ID: uuid.NewString(), FloatingIPID: fip.ID, ProjectID: fip.ProjectID, Description: in.Description, Protocol: in.Protocol,
			PortID: in.PortID, Address: in.Address, Internal: in.Internal, External: in.External, Stamp: born(),
		}
		units, err := s.forward(ctx, c, fip, &f)
		if err != nil {
			return f, err
		}
		if err := s.store.AddForwarding(ctx, f); err != nil {
			return f, err
		}
		return f, s.note(ctx, "port_forwarding", f.ID, f.ProjectID, "created", units...)
	})
}

// ChangeForwarding changes a port forwarding.
func (s *Service) ChangeForwarding(ctx context.Context, c *auth.Caller, floatingID, id string, in ForwardingChange) (PortForwarding, error) {
	return tx(ctx, s, func(ctx context.Context) (PortForwarding, error) {
		f, err := s.ShowForwarding(ctx, c, floatingID, id)
		if err != nil {
			return f, err
		}
		fip, err := s.store.FloatingIP(ctx, c.Scope(), floatingID)
		if err != nil {
			return f, err
		}
		if in.PortID != nil && *in.PortID != f.PortID {
			f.Address = netip.Addr{}
		}
		set(&f.Description, in.Description)
		set(&f.Protocol, in.Protocol)
		set(&f.PortID, in.PortID)
		set(&f.Address, in.Address)
		set(&f.Internal, in.Internal)
		set(&f.External, in.External)
		units, err := s.forward(ctx, c, fip, &f)
		if err != nil {
			return f, err
		}
		f.touch()
		if err := s.store.ChangeForwarding(ctx, f); err != nil {
			return f, err
		}
		return f, s.note(ctx, "port_forwarding", f.ID, f.ProjectID, "updated", units...)
	})
}

// forward checks a port forwarding and finds its address and its router. It writes the floating IP, so that two
// forwardings that are written at the same time meet there.
func (s *Service) forward(ctx context.Context, c *auth.Caller, fip FloatingIP, f *PortForwarding) ([]Unit, error) {
	if err := checkForwarding(*f); err != nil {
		return nil, err
	}
	p, err := s.store.Port(ctx, c.Scope(), f.PortID)
	if err != nil {
		return nil, err
	}
	at, err := target(p, f.Address)
	if err != nil {
		return nil, err
	}
	f.Address = at.Address
	if err := s.forwardingFree(ctx, *f); err != nil {
		return nil, err
	}
	bound, err := s.store.FloatingIPs(ctx, db.Everywhere(), By("port_id", p.ID))
	if err != nil {
		return nil, err
	}
	for _, b := range bound {
		if b.FixedAddress == f.Address {
			return nil, fault.Conflictf("port_forwarding", f.ID, "Cannot create port forwarding to floating IP %s (%s) with port %s using fixed IP %s, as that port already has a binding floating IP: %s.",
				fip.Address, fip.ID, p.ID, f.Address, b.Address).WithCode("PortHasBindingFloatingIP")
		}
	}
	router, err := s.routerBetween(ctx, at.SubnetID, fip.NetworkID)
	if err != nil {
		return nil, err
	}
	if router == "" || fip.RouterID != "" && fip.RouterID != router {
		return nil, fault.New(fault.NotFound, "External network %s is not reachable from subnet %s by the router of floating IP %s. Therefore, cannot associate Port %s with a Floating IP.",
			fip.NetworkID, at.SubnetID, fip.Address, p.ID).WithCode("ExternalGatewayForFloatingIPNotFound")
	}
	fip.RouterID, fip.Status = router, StatusActive
	fip.touch()
	return []Unit{{KindRouter, router}}, s.store.ChangeFloatingIP(ctx, fip)
}

func badForwarding(format string, args ...any) error {
	return fault.Invalidf("port_forwarding", "Bad port_forwarding request: "+format+".", args...).WithCode("BadRequest")
}

// checkForwarding checks what a port forwarding says of itself.
func checkForwarding(f PortForwarding) error {
	if !slices.Contains([]string{"tcp", "udp", "sctp"}, f.Protocol) {
		return invalid("protocol", "Invalid input for protocol. Reason: '%s' is not in ['tcp', 'udp', 'sctp'].", f.Protocol)
	}
	for name, r := range map[string]PortRange{"internal_port": f.Internal, "external_port": f.External} {
		if !r.valid() {
			return invalid(name, "Invalid input for %s. Reason: ports are from 1 to 65535, the first before the last; %d:%d is not such a range.", name, r.First, r.Last)
		}
	}
	if f.Internal.size() > 1 && f.Internal.size() != f.External.size() {
		return badForwarding("%d external ports cannot lead to %d internal ones: give as many, or one internal port", f.External.size(), f.Internal.size())
	}
	return nil
}

// forwardingFree refuses ports that another forwarding of the floating IP has.
func (s *Service) forwardingFree(ctx context.Context, f PortForwarding) error {
	list, err := s.store.Forwardings(ctx, db.Everywhere(), By("floating_ip_id", f.FloatingIPID))
	if err != nil {
		return err
	}
	for _, o := range list {
		if o.ID == f.ID || o.Protocol != f.Protocol {
			continue
		}
		outside := o.External.overlaps(f.External)
		inside := o.PortID == f.PortID && o.Address == f.Address && o.Internal.overlaps(f.Internal)
		if outside || inside {
			return badForwarding("A duplicate port forwarding entry with same attributes already exists, conflicting values are those of %s: %s %s to %s %s",
				o.ID, o.Protocol, portsText(o.External), o.Address, portsText(o.Internal))
		}
	}
	return nil
}

func portsText(r PortRange) string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d:%d", r.First, r.Last)
}

// ShowForwarding reads a port forwarding of a floating IP.
func (s *Service) ShowForwarding(ctx context.Context, c *auth.Caller, floatingID, id string) (PortForwarding, error) {
	f, err := s.store.Forwarding(ctx, c.Scope(), id)
	if err == nil && f.FloatingIPID != floatingID {
		return PortForwarding{}, fault.New(fault.NotFound, "Port Forwarding %s could not be found.", id).WithCode("PortForwardingNotFound")
	}
	return f, err
}

// Forwardings lists the port forwardings of a floating IP.
func (s *Service) Forwardings(ctx context.Context, c *auth.Caller, floatingID string, q Query) ([]PortForwarding, error) {
	if _, err := s.store.FloatingIP(ctx, c.Scope(), floatingID); err != nil {
		return nil, err
	}
	q.Where["floating_ip_id"] = []string{floatingID}
	return s.store.Forwardings(ctx, c.Scope(), q)
}

// DeleteForwarding deletes a port forwarding.
func (s *Service) DeleteForwarding(ctx context.Context, c *auth.Caller, floatingID, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		f, err := s.ShowForwarding(ctx, c, floatingID, id)
		if err != nil {
			return err
		}
		return s.removeForwardings(ctx, f)
	})
}

// removeForwardings deletes port forwardings. A floating IP that has none left leads nowhere.
func (s *Service) removeForwardings(ctx context.Context, list ...PortForwarding) error {
	if len(list) == 0 {
		return nil
	}
	if err := s.store.RemoveForwardings(ctx, ids(list, func(f PortForwarding) string { return f.ID })...); err != nil {
		return err
	}
	for _, id := range unique(ids(list, func(f PortForwarding) string { return f.FloatingIPID })) {
		fip, err := s.store.FloatingIP(ctx, db.Everywhere(), id)
		if err != nil {
			return err
		}
		left, err := s.store.Forwardings(ctx, db.Everywhere(), By("floating_ip_id", id))
		if err != nil {
			return err
		}
		units := []Unit{{KindRouter, fip.RouterID}}
		if len(left) == 0 {
			unlead(&fip)
		}
		fip.touch()
		if err := s.store.ChangeFloatingIP(ctx, fip); err != nil {
			return err
		}
		if err := s.note(ctx, "floatingip", id, fip.ProjectID, "updated", units...); err != nil {
			return err
		}
	}
	for _, f := range list {
		if err := s.note(ctx, "port_forwarding", f.ID, f.ProjectID, "deleted"); err != nil {
			return err
		}
	}
	return nil
}

// dropForwardings deletes the port forwardings to ports that go, or to addresses that ports lose.
func (s *Service) dropForwardings(ctx context.Context, gone func(PortForwarding) bool, portIDs ...string) error {
	list, err := s.store.Forwardings(ctx, db.Everywhere(), By("port_id", portIDs...))
	if err != nil {
		return err
	}
	return s.removeForwardings(ctx, slices.DeleteFunc(list, func(f PortForwarding) bool { return !gone(f) })...)
}

// notForwarded refuses to let a floating IP lead to a port while either has port forwardings.
func (s *Service) notForwarded(ctx context.Context, f FloatingIP) error {
	own, err := s.store.Forwardings(ctx, db.Everywhere(), By("floating_ip_id", f.ID))
	if err != nil {
		return err
	}
	if len(own) > 0 {
		return fault.Conflictf("floatingip", f.ID, "Floating IP %s in use by Port Forwarding resources: %s.", f.ID,
			strings.Join(ids(own, func(p PortForwarding) string { return p.ID }), ", ")).WithCode("FipInUseByPortForwarding")
	}
	if f.PortID == "" {
		return nil
	}
	to, err := s.store.Forwardings(ctx, db.Everywhere(), By("port_id", f.PortID))
	if err != nil {
		return err
	}
	for _, p := range to {
		if p.Address == f.FixedAddress {
			return fault.Conflictf("floatingip", f.ID, "Cannot associate floating IP %s (%s) with port %s using fixed IP %s, as that fixed IP already has the port forwarding %s.",
				f.Address, f.ID, f.PortID, f.FixedAddress, p.ID).WithCode("PortHasPortForwarding")
		}
	}
	return nil
}
