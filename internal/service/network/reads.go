package network

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
)

// The reads show what the caller's scope sees: an admin everything, others what is their project's, and networks and
// subnets that are shared or external.

// ShowNetwork reads a network.
func (s *Service) ShowNetwork(ctx context.Context, c *auth.Caller, id string) (Network, error) {
	return s.store.Network(ctx, c.Scope(), id)
}

// Networks lists networks.
func (s *Service) Networks(ctx context.Context, c *auth.Caller, q Query) ([]Network, error) {
	return s.store.Networks(ctx, c.Scope(), q)
}

// NetworkFor lists the networks that the caller's servers may be put on: those of its project, and shared ones.
func (s *Service) NetworkFor(ctx context.Context, c *auth.Caller) ([]Network, error) {
	all, err := s.store.Networks(ctx, c.Own(), Query{})
	if err != nil {
		return nil, err
	}
	var out []Network
	for _, n := range all {
		if n.Granted || n.ProjectID == c.ProjectID {
			out = append(out, n)
		}
	}
	return out, nil
}

// ShowSubnet reads a subnet.
func (s *Service) ShowSubnet(ctx context.Context, c *auth.Caller, id string) (Subnet, error) {
	return s.store.Subnet(ctx, c.Scope(), id)
}

// Subnets lists subnets.
func (s *Service) Subnets(ctx context.Context, c *auth.Caller, q Query) ([]Subnet, error) {
	return s.store.Subnets(ctx, c.Scope(), q)
}

// ShowPort reads a port.
func (s *Service) ShowPort(ctx context.Context, c *auth.Caller, id string) (Port, error) {
	return s.store.Port(ctx, c.Scope(), id)
}

// Ports lists ports.
func (s *Service) Ports(ctx context.Context, c *auth.Caller, q Query) ([]Port, error) {
	return s.store.Ports(ctx, c.Scope(), q)
}

// ShowRouter reads a router.
func (s *Service) ShowRouter(ctx context.Context, c *auth.Caller, id string) (Router, error) {
	return s.store.Router(ctx, c.Scope(), id)
}

// Routers lists routers.
func (s *Service) Routers(ctx context.Context, c *auth.Caller, q Query) ([]Router, error) {
	return s.store.Routers(ctx, c.Scope(), q)
}

// ShowFloatingIP reads a floating IP.
func (s *Service) ShowFloatingIP(ctx context.Context, c *auth.Caller, id string) (FloatingIP, error) {
	return s.store.FloatingIP(ctx, c.Scope(), id)
}

// FloatingIPs lists floating IPs.
func (s *Service) FloatingIPs(ctx context.Context, c *auth.Caller, q Query) ([]FloatingIP, error) {
	return s.store.FloatingIPs(ctx, c.Scope(), q)
}

// ShowSecurityGroup reads a security group.
func (s *Service) ShowSecurityGroup(ctx context.Context, c *auth.Caller, id string) (SecurityGroup, error) {
	return s.store.Group(ctx, c.Scope(), id)
}

// ListSecurityGroups lists security groups; the caller's project has a default group from then on.
func (s *Service) ListSecurityGroups(ctx context.Context, c *auth.Caller, q Query) ([]SecurityGroup, error) {
	if err := s.ensureDefault(ctx, c); err != nil {
		return nil, err
	}
	return s.store.Groups(ctx, c.Scope(), q)
}

// ensureDefault makes the default group of the caller's project if it is not there; mostly it is, and one read says so.
func (s *Service) ensureDefault(ctx context.Context, c *auth.Caller) error {
	if c.ProjectID == "" {
		return nil
	}
	q := By("default", "true")
	q.Where["project_id"], q.Bare = []string{c.ProjectID}, true
	list, err := s.store.Groups(ctx, db.InProject(c.ProjectID), q)
	if err != nil || len(list) > 0 {
		return err
	}
	_, err = s.DefaultGroup(ctx, c.ProjectID)
	return err
}

// ShowRule reads a rule.
func (s *Service) ShowRule(ctx context.Context, c *auth.Caller, id string) (Rule, error) {
	return s.store.Rule(ctx, c.Scope(), id)
}

// Rules lists rules.
func (s *Service) Rules(ctx context.Context, c *auth.Caller, q Query) ([]Rule, error) {
	return s.store.Rules(ctx, c.Scope(), q)
}
