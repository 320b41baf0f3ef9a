package network

import (
	"context"
	"net/netip"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
)

// FloatingIPChange is what should change of a floating IP; nil fields stay.
type FloatingIPChange struct {
	Description  *string
	PortID       *string // "" lets it lead nowhere
	FixedAddress netip.Addr
	QoSPolicyID  *string // "": none
	Revision     *int64  // that it must have; nil: any
}

// ChangeFloatingIP lets a floating IP lead elsewhere.
func (s *Service) ChangeFloatingIP(ctx context.Context, c *auth.Caller, id string, in FloatingIPChange) (FloatingIP, error) {
	return tx(ctx, s, func(ctx context.Context) (FloatingIP, error) {
		f, err := s.store.FloatingIP(ctx, c.Scope(), id)
		if err != nil {
			return f, err
		}
		if err := f.expect("floatingip", id, in.Revision); err != nil {
			return f, err
		}
		set(&f.Description, in.Description)
		port := in.PortID
		if port == nil && in.FixedAddress.IsValid() && f.PortID != "" {
			port = &f.PortID
		}
		var units []Unit
		if in.QoSPolicyID != nil {
			if err := s.usePolicy(ctx, c, *in.QoSPolicyID); err != nil {
				return f, err
			}
			f.QoSPolicyID = *in.QoSPolicyID
			if f.RouterID != "" {
				units = append(units, Unit{KindRouter, f.RouterID})
			}
		}
		if port != nil {
			if f.RouterID != "" {
				units = append(units, Unit{KindRouter, f.RouterID})
			}
			to := *port
			unlead(&f)
			if err := s.notForwarded(ctx, f); err != nil {
				return f, err
			}
			if to != "" {
				if err := s.attach(ctx, c, &f, to, in.FixedAddress); err != nil {
					return f, err
				}
				units = append(units, Unit{KindRouter, f.RouterID})
			}
		}
		f.touch()
		if err := s.store.ChangeFloatingIP(ctx, f); err != nil {
			return f, err
		}
		return f, s.note(ctx, "floatingip", f.ID, f.ProjectID, "updated", units...)
	})
}

// unlead lets a floating IP lead nowhere.
func unlead(f *FloatingIP) {
	f.PortID, f.FixedAddress, f.RouterID, f.Status = "", netip.Addr{}, "", StatusDown
}

// detach writes that a floating IP leads nowhere, because its port goes.
func (s *Service) detach(ctx context.Context, f FloatingIP) error {
	units := []Unit{{KindRouter, f.RouterID}}
	unlead(&f)
	f.touch()
	if err := s.store.ChangeFloatingIP(ctx, f); err != nil {
		return err
	}
	return s.note(ctx, "floatingip", f.ID, f.ProjectID, "updated", units...)
}

// DeleteFloatingIP gives the address back.
func (s *Service) DeleteFloatingIP(ctx context.Context, c *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		f, err := s.store.FloatingIP(ctx, c.Scope(), id)
		if err != nil {
			return err
		}
		if err := f.expect("floatingip", id, revision); err != nil {
			return err
		}
		forwards, err := s.store.Forwardings(ctx, db.Everywhere(), By("floating_ip_id", id))
		if err != nil {
			return err
		}
		if err := s.removeForwardings(ctx, forwards...); err != nil {
			return err
		}
		if err := s.store.RemoveFloatingIP(ctx, id); err != nil {
			return err
		}
		if err := s.store.RemovePorts(ctx, f.ExternalPortID); err != nil {
			return err
		}
		var units []Unit
		if f.RouterID != "" {
			units = append(units, Unit{KindRouter, f.RouterID})
		}
		return s.note(ctx, "floatingip", id, f.ProjectID, "deleted", units...)
	})
}
