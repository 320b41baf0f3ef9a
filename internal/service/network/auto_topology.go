package network

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// AutoTopology is a network of a project's that a router joins to the outside, made as a whole when it was asked for.
type AutoTopology struct{ ProjectID, NetworkID, RouterID string }

// AutoTopologyStore keeps what was made so, one for a project. It goes with its network.
type AutoTopologyStore interface {
	// AutoTopology finds a project's; ok is false if it has none.
	AutoTopology(ctx context.Context, projectID string) (t AutoTopology, ok bool, err error)
	AddAutoTopology(ctx context.Context, t AutoTopology) error
	RemoveAutoTopology(ctx context.Context, projectID string) error
}

// AutoTopologyOf is a project's topology; the first use makes it.
func (s *Service) AutoTopologyOf(ctx context.Context, c *auth.Caller, projectID string) (AutoTopology, error) {
	return tx(ctx, s, func(ctx context.Context) (AutoTopology, error) {
		projectID, err := whose(c, projectID)
		if err != nil {
			return AutoTopology{}, err
		}
		t, ok, err := s.store.AutoTopology(ctx, projectID)
		if err != nil || ok {
			return t, err
		}
		outside, pools, err := s.autoParts(ctx, c)
		if err != nil {
			return t, err
		}
		return s.makeTopology(ctx, c, projectID, outside, pools)
	})
}

// CheckAutoTopology tells for whom a topology could be made, if it can be.
func (s *Service) CheckAutoTopology(ctx context.Context, c *auth.Caller, projectID string) (string, error) {
	projectID, err := whose(c, projectID)
	if err != nil {
		return "", err
	}
	_, _, err = s.autoParts(ctx, c)
	return projectID, err
}

// whose is the project that a topology is for; those of others do not exist.
func whose(c *auth.Caller, projectID string) (string, error) {
	if projectID != "" && projectID != c.ProjectID && !c.Admin() {
		return "", fault.New(fault.NotFound, "Project %s could not be found.", projectID).WithCode("ProjectNotFound")
	}
	return project(c, projectID)
}

// autoParts finds what a topology is made of: the default external network, and the default subnet pools.
func (s *Service) autoParts(ctx context.Context, c *auth.Caller) (Network, []SubnetPool, error) {
	q := By("default", "true")
	q.Where["external"] = []string{"true"}
	outside, err := s.store.Networks(ctx, c.Scope(), q)
	if err != nil {
		return Network{}, nil, err
	}
	if len(outside) == 0 {
		return Network{}, nil, noTopology("No default router:external network. An admin makes one the default with is_default.")
	}
	pools, err := s.store.SubnetPools(ctx, db.Everywhere(), By("default", "true"))
	if err == nil && len(pools) == 0 {
		err = noTopology("No default subnetpools defined. An admin makes one the default with is_default.")
	}
	return outside[0], pools, err
}

func noTopology(reason string) error {
	return fault.New(fault.Conflict, "Deployment error: %s", reason).WithCode("AutoAllocationFailure")
}

func (s *Service) makeTopology(ctx context.Context, c *auth.Caller, projectID string, outside Network, pools []SubnetPool) (AutoTopology, error) {
	t := AutoTopology{ProjectID: projectID}
	n, err := s.CreateNetwork(ctx, c, NewNetwork{ProjectID: projectID, Name: "auto_allocated_network"})
	if err != nil {
		return t, err
	}
	r, err := s.CreateRouter(ctx, c, NewRouter{ProjectID: projectID, Name: "auto_allocated_router", Gateway: &WantedGateway{NetworkID: outside.ID}})
	if err != nil {
		return t, err
	}
	t.NetworkID, t.RouterID = n.ID, r.ID
	for _, p := range pools {
		in := NewSubnet{NetworkID: n.ID, Name: "auto_allocated_subnet_v4", IPVersion: 4, UseDefaultPool: true}
		if p.V6() {
			in.Name, in.IPVersion, in.RAMode, in.AddressMode = "auto_allocated_subnet_v6", 6, SLAAC, SLAAC
		}
		sub, err := s.CreateSubnet(ctx, c, in)
		if err != nil {
			return t, err
		}
		if _, err := s.AddInterface(ctx, c, r.ID, sub.ID, "", nil); err != nil {
			return t, err
		}
	}
	return t, s.store.AddAutoTopology(ctx, t)
}

// DeleteAutoTopology deletes a project's topology, unless something uses it.
func (s *Service) DeleteAutoTopology(ctx context.Context, c *auth.Caller, projectID string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		projectID, err := whose(c, projectID)
		if err != nil {
			return err
		}
		t, ok, err := s.store.AutoTopology(ctx, projectID)
		if err != nil || !ok {
			return err
		}
		routers, err := s.store.Routers(ctx, c.Scope(), ByID(t.RouterID)) // its owner may have deleted it
		if err != nil {
			return err
		}
		for _, r := range routers {
			if err := s.dropRouter(ctx, c, r.ID); err != nil {
				return err
			}
		}
		if err := s.DeleteNetwork(ctx, c, t.NetworkID, nil); err != nil {
			return err
		}
		return s.store.RemoveAutoTopology(ctx, projectID)
	})
}

// dropRouter deletes a router with its interfaces.
func (s *Service) dropRouter(ctx context.Context, c *auth.Caller, id string) error {
	legs, err := s.interfaces(ctx, id)
	if err != nil {
		return err
	}
	for _, p := range legs {
		if _, err := s.RemoveInterface(ctx, c, id, "", p.ID, nil); err != nil {
			return err
		}
	}
	return s.DeleteRouter(ctx, c, id, nil)
}
