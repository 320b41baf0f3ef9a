package network

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// NewAccessPolicy is what an access policy is made of.
type NewAccessPolicy struct {
	ProjectID, ObjectType, ObjectID, Action, Target string
}

// CreateAccess opens an object of the caller's to another project, or by an admin to all.
func (s *Service) CreateAccess(ctx context.Context, c *auth.Caller, in NewAccessPolicy) (AccessPolicy, error) {
	return tx(ctx, s, func(ctx context.Context) (AccessPolicy, error) {
		projectID, err := project(c, in.ProjectID)
		if err != nil {
			return AccessPolicy{}, err
		}
		p := AccessPolicy{
			ID: uuid.NewString(), ProjectID: projectID, ObjectType: in.ObjectType, ObjectID: in.ObjectID, Action: in.Action,
			Target: in.Target, Stamp: born(),
		}
		if err := s.checkPolicy(ctx, c, p); err != nil {
			return p, err
		}
		if err := s.room(ctx, "rbac_policy", projectID, 1); err != nil {
			return p, err
		}
		added, err := s.store.AddAccess(ctx, p)
		if err != nil {
			return p, err
		}
		if !added {
			return p, samePolicy()
		}
		if err := s.followPolicies(ctx, p); err != nil {
			return p, err
		}
		return p, s.note(ctx, "rbac_policy", p.ID, p.ProjectID, "created")
	})
}

func samePolicy() error {
	return fault.Conflictf("rbac_policy", "", "An RBAC policy already exists with those values.").WithCode("DuplicateRbacPolicy")
}

// checkPolicy checks that there is such an access, and that the caller may give it.
func (s *Service) checkPolicy(ctx context.Context, c *auth.Caller, p AccessPolicy) error {
	actions, ok := accessible()[p.ObjectType]
	if !ok {
		return invalid("object_type", "Invalid input for object_type. Reason: '%s' is not in [%s].", p.ObjectType,
			strings.Join(slices.Sorted(maps.Keys(accessible())), ", "))
	}
	if !slices.Contains(actions, p.Action) {
		return invalid("action", "Invalid input for action. Reason: '%s' is not one of those for a %s: %s.", p.Action, p.ObjectType, strings.Join(actions, ", "))
	}
	if p.Target == "" {
		return invalid("target_tenant", "Invalid input for target_tenant. Reason: it is the id of a project, or * for all.")
	}
	owner, _, err := s.tagged(ctx, c, p.ObjectType, p.ObjectID)
	if err != nil {
		return err
	}
	if err := mine(c, owner, "create_rbac_policy"); err != nil {
		return err
	}
	if !c.Admin() && (p.Target == Everybody || p.Action == AccessAsExternal) {
		return disallowed("create_rbac_policy:target_tenant or action " + p.Action)
	}
	return nil
}

// followPolicies makes a network's own words agree with its policies: it is shared if one opens it to all, and external
// if one leads anybody outside through it.
func (s *Service) followPolicies(ctx context.Context, p AccessPolicy) error {
	if p.ObjectType != "network" {
		return nil
	}
	n, err := s.store.Network(ctx, db.Everywhere(), p.ObjectID)
	if err != nil {
		return err
	}
	policies, err := s.policiesOf(ctx, p.ObjectType, p.ObjectID)
	if err != nil {
		return err
	}
	shared := slices.ContainsFunc(policies, func(o AccessPolicy) bool { return o.Action == AccessAsShared && o.Target == Everybody })
	external := slices.ContainsFunc(policies, func(o AccessPolicy) bool { return o.Action == AccessAsExternal })
	if shared == n.Shared && external == n.External {
		return nil
	}
	n.Shared, n.External = shared, external
	n.touch()
	if err := s.store.ChangeNetwork(ctx, n); err != nil {
		return err
	}
	return s.note(ctx, "network", n.ID, n.ProjectID, "updated", Unit{KindNetwork, n.ID})
}

func (s *Service) policiesOf(ctx context.Context, objectType, id string) ([]AccessPolicy, error) {
	q := By("object_id", id)
	q.Where["object_type"] = []string{objectType}
	return s.store.Accesses(ctx, db.Everywhere(), q)
}

// ShowAccess reads an access policy.
func (s *Service) ShowAccess(ctx context.Context, c *auth.Caller, id string) (AccessPolicy, error) {
	return s.store.Access(ctx, c.Scope(), id)
}

// Accesses lists access policies.
func (s *Service) Accesses(ctx context.Context, c *auth.Caller, q Query) ([]AccessPolicy, error) {
	return s.store.Accesses(ctx, c.Scope(), q)
}

// ChangeAccess gives the access of a policy to another project. Who has it now must not use it.
func (s *Service) ChangeAccess(ctx context.Context, c *auth.Caller, id, target string, revision *int64) (AccessPolicy, error) {
	return tx(ctx, s, func(ctx context.Context) (AccessPolicy, error) {
		p, err := s.store.Access(ctx, c.Scope(), id)
		if err != nil {
			return p, err
		}
		if err := p.expect("rbac_policy", id, revision); err != nil {
			return p, err
		}
		if target != p.Target {
			if err := s.policyUnused(ctx, p, target); err != nil {
				return p, err
			}
		}
		p.Target = target
		if err := s.checkPolicy(ctx, c, p); err != nil {
			return p, err
		}
		p.touch()
		changed, err := s.store.ChangeAccess(ctx, p)
		if err != nil {
			return p, err
		}
		if !changed {
			return p, samePolicy()
		}
		if err := s.followPolicies(ctx, p); err != nil {
			return p, err
		}
		return p, s.note(ctx, "rbac_policy", p.ID, p.ProjectID, "updated")
	})
}

// DeleteAccess takes an access away that nobody uses.
func (s *Service) DeleteAccess(ctx context.Context, c *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		p, err := s.store.Access(ctx, c.Scope(), id)
		if err != nil {
			return err
		}
		if err := p.expect("rbac_policy", id, revision); err != nil {
			return err
		}
		if err := s.policyUnused(ctx, p, ""); err != nil {
			return err
		}
		if err := s.store.RemoveAccess(ctx, id); err != nil {
			return err
		}
		if err := s.followPolicies(ctx, p); err != nil {
			return err
		}
		return s.note(ctx, "rbac_policy", p.ID, p.ProjectID, "deleted")
	})
}

// policyUnused refuses to take an access away on which a project depends. next is who has it then.
func (s *Service) policyUnused(ctx context.Context, p AccessPolicy, next string) error {
	u, err := s.dependent(ctx, p, next)
	if err != nil || u == nil {
		return err
	}
	return fault.Conflictf("rbac_policy", p.ID, "RBAC policy on object %s cannot be removed because other objects depend on it. Details: %s of project %s.",
		p.ObjectID, u.what, u.projectID).WithCode("RbacPolicyInUse")
}

// dependent is an object of a project that may use what a policy is about by that policy only; nil if there is none.
func (s *Service) dependent(ctx context.Context, p AccessPolicy, next string) (*user, error) {
	users, err := s.users(ctx, p)
	if err != nil {
		return nil, err
	}
	policies, err := s.policiesOf(ctx, p.ObjectType, p.ObjectID)
	if err != nil {
		return nil, err
	}
	owner, _, err := s.tagged(ctx, auth.System(), p.ObjectType, p.ObjectID)
	if err != nil {
		return nil, err
	}
	may := map[string]bool{"": true, owner: true, next: true}
	for _, o := range policies {
		if o.Action == p.Action && o.Target != p.Target {
			may[o.Target] = true
		}
	}
	for _, u := range users {
		concerned := p.Target == Everybody || p.Target == u.projectID
		if concerned && !may[u.projectID] && !may[Everybody] {
			return &u, nil
		}
	}
	return nil, nil
}

// user is an object that depends on an access, and whose it is.
type user struct{ what, projectID string }

// users are the objects that use what a policy is about in its way.
func (s *Service) users(ctx context.Context, p AccessPolicy) ([]user, error) {
	var out []user
	if p.Action == AccessAsExternal {
		routers, err := s.store.Routers(ctx, db.Everywhere(), By("gateway_network_id", p.ObjectID))
		if err != nil {
			return nil, err
		}
		for _, r := range routers {
			out = append(out, user{"the gateway of router " + r.ID, r.ProjectID})
		}
		floating, err := s.store.FloatingIPs(ctx, db.Everywhere(), By("network_id", p.ObjectID))
		for _, f := range floating {
			out = append(out, user{"floating IP " + f.ID, f.ProjectID})
		}
		return out, err
	}
	if p.ObjectType == "subnetpool" {
		subnets, err := s.store.Subnets(ctx, db.Everywhere(), By("pool_id", p.ObjectID))
		for _, sub := range subnets {
			out = append(out, user{"subnet " + sub.ID, sub.ProjectID})
		}
		return out, err
	}
	if p.ObjectType == "qos_policy" {
		return s.policyUsers(ctx, p.ObjectID)
	}
	if p.ObjectType == "address_scope" {
		pools, err := s.store.SubnetPools(ctx, db.Everywhere(), By("scope_id", p.ObjectID))
		for _, pool := range pools {
			out = append(out, user{"subnet pool " + pool.ID, pool.ProjectID})
		}
		return out, err
	}
	if p.ObjectType == "address_group" {
		rules, err := s.store.Rules(ctx, db.Everywhere(), By("address_group_id", p.ObjectID))
		for _, r := range rules {
			out = append(out, user{"security group rule " + r.ID, r.ProjectID})
		}
		return out, err
	}
	attribute := map[string]string{"network": "network_id", "security_group": "group_id"}[p.ObjectType]
	ports, err := s.store.Ports(ctx, db.Everywhere(), By(attribute, p.ObjectID))
	for _, port := range ports {
		out = append(out, user{"port " + port.ID, port.ProjectID})
	}
	return out, err
}
