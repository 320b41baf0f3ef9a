package network

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// NewQoSPolicy is what a QoS policy is made of.
type NewQoSPolicy struct {
	ProjectID, Name, Description string
	Shared, Default              bool
}

// QoSPolicyChange is what should change of a QoS policy; nil fields stay.
type QoSPolicyChange struct {
	Revision          *int64 // that it must have; nil: any
	Name, Description *string
	Shared, Default   *bool
}

// QoSRuleChange is what should change of a QoS rule; nil fields stay.
type QoSRuleChange struct {
	Direction         *string
	Rate, Burst, DSCP *int
}

// CreateQoSPolicy makes a policy without rules.
func (s *Service) CreateQoSPolicy(ctx context.Context, c *auth.Caller, in NewQoSPolicy) (QoSPolicy, error) {
	return tx(ctx, s, func(ctx context.Context) (QoSPolicy, error) {
		projectID, err := project(c, in.ProjectID)
		if err != nil {
			return QoSPolicy{}, err
		}
		p := QoSPolicy{
			ID: uuid.NewString(), ProjectID: projectID, Name: in.Name, Description: in.Description, Shared: in.Shared, Default: in.Default, Stamp: born(),
		}
		added, err := s.store.AddPolicy(ctx, p)
		if err != nil {
			return p, err
		}
		if !added {
			return p, fault.Conflictf("qos policy", "", "A default QoS policy exists for project %s: take the default from that one first.", projectID).
				WithCode("QoSPolicyDefaultAlreadyExists")
		}
		if p.Shared {
			if err := s.openToAll(ctx, "qos_policy", p.ID, p.ProjectID); err != nil {
				return p, err
			}
		}
		return p, s.note(ctx, "qos_policy", p.ID, p.ProjectID, "created")
	})
}

// ShowQoSPolicy reads a policy.
func (s *Service) ShowQoSPolicy(ctx context.Context, c *auth.Caller, id string) (QoSPolicy, error) {
	return s.store.Policy(ctx, c.Scope(), id)
}

// QoSPolicies lists policies.
func (s *Service) QoSPolicies(ctx context.Context, c *auth.Caller, q Query) ([]QoSPolicy, error) {
	return s.store.Policies(ctx, c.Scope(), q)
}

// ChangeQoSPolicy changes what a policy says of itself.
func (s *Service) ChangeQoSPolicy(ctx context.Context, c *auth.Caller, id string, in QoSPolicyChange) (QoSPolicy, error) {
	return tx(ctx, s, func(ctx context.Context) (QoSPolicy, error) {
		p, err := s.ownPolicy(ctx, c, id, "update_policy", in.Revision)
		if err != nil {
			return p, err
		}
		set(&p.Name, in.Name)
		set(&p.Description, in.Description)
		set(&p.Default, in.Default)
		if in.Shared != nil {
			if *in.Shared {
				err = s.openToAll(ctx, "qos_policy", id, p.ProjectID)
			} else {
				err = s.closeToAll(ctx, "qos_policy", id)
			}
			if err != nil {
				return p, err
			}
			p.Shared = *in.Shared
		}
		p.touch()
		if err := s.store.ChangePolicy(ctx, p); err != nil {
			return p, err
		}
		return p, s.note(ctx, "qos_policy", p.ID, p.ProjectID, "updated")
	})
}

func (s *Service) ownPolicy(ctx context.Context, c *auth.Caller, id, rule string, revision *int64) (QoSPolicy, error) {
	p, err := s.store.Policy(ctx, c.Scope(), id)
	if err != nil {
		return p, err
	}
	if err := mine(c, p.ProjectID, rule); err != nil {
		return p, err
	}
	return p, p.expect("policy", id, revision)
}

// DeleteQoSPolicy deletes a policy that nothing has.
func (s *Service) DeleteQoSPolicy(ctx context.Context, c *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		p, err := s.ownPolicy(ctx, c, id, "delete_policy", revision)
		if err != nil {
			return err
		}
		users, err := s.policyUsers(ctx, id)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			return fault.Conflictf("qos policy", id, "QoS Policy %s is used by %s.", id, users[0].what).WithCode("QosPolicyInUse")
		}
		if err := s.store.RemovePolicy(ctx, id); err != nil {
			return err
		}
		return s.note(ctx, "qos_policy", id, p.ProjectID, "deleted")
	})
}

// policyUsers are the objects that have a policy.
func (s *Service) policyUsers(ctx context.Context, id string) ([]user, error) {
	has := By("qos_policy_id", id)
	networks, err := s.store.Networks(ctx, db.Everywhere(), has)
	if err != nil {
		return nil, err
	}
	ports, err := s.store.Ports(ctx, db.Everywhere(), has)
	if err != nil {
		return nil, err
	}
	floating, err := s.store.FloatingIPs(ctx, db.Everywhere(), has)
	var out []user
	for _, n := range networks {
		out = append(out, user{"network " + n.ID, n.ProjectID})
	}
	for _, p := range ports {
		out = append(out, user{"port " + p.ID, p.ProjectID})
	}
	for _, f := range floating {
		out = append(out, user{"floating IP " + f.ID, f.ProjectID})
	}
	return out, err
}

// AddQoSRule adds a rule to a policy.
func (s *Service) AddQoSRule(ctx context.Context, c *auth.Caller, r QoSRule) (QoSRule, error) {
	return tx(ctx, s, func(ctx context.Context) (QoSRule, error) {
		p, err := s.ownPolicy(ctx, c, r.PolicyID, "create_policy_"+r.Kind+"_rule", nil)
		if err != nil {
			return r, err
		}
		r.ID = uuid.NewString()
		if err := checkQoSRule(p, r); err != nil {
			return r, err
		}
		if err := s.keepRulePromise(ctx, r); err != nil {
			return r, err
		}
		added, err := s.store.AddQoSRule(ctx, r)
		if err != nil {
			return r, err
		}
		if !added {
			return r, conflicting(p, r)
		}
		return r, s.ruled(ctx, p)
	})
}

// conflicting says that a policy has a rule of that kind and direction already.
func conflicting(p QoSPolicy, r QoSRule) error {
	var there string
	for _, o := range p.Rules {
		if o.Kind == r.Kind && o.Direction == r.Direction && o.ID != r.ID {
			there = o.ID
		}
	}
	return fault.Conflictf("qos policy", p.ID, "Rule %s conflicts with rule %s which already exists in QoS Policy %s.", r.Kind, there, p.ID).
		WithCode("QoSRulesConflict")
}

// QoSRule finds a rule of a policy.
func (s *Service) QoSRule(ctx context.Context, c *auth.Caller, policyID, kind, id string) (QoSPolicy, QoSRule, error) {
	p, err := s.store.Policy(ctx, c.Scope(), policyID)
	if err != nil {
		return p, QoSRule{}, err
	}
	for _, r := range p.Rules {
		if r.ID == id && r.Kind == kind {
			return p, r, nil
		}
	}
	return p, QoSRule{}, fault.New(fault.NotFound, "QoS rule %s for policy %s could not be found.", id, policyID).WithCode("QosRuleNotFound")
}

// ChangeQoSRule changes a rule.
func (s *Service) ChangeQoSRule(ctx context.Context, c *auth.Caller, policyID, kind, id string, in QoSRuleChange) (QoSRule, error) {
	return tx(ctx, s, func(ctx context.Context) (QoSRule, error) {
		p, r, err := s.QoSRule(ctx, c, policyID, kind, id)
		if err != nil {
			return r, err
		}
		if err := mine(c, p.ProjectID, "update_policy_"+kind+"_rule"); err != nil {
			return r, err
		}
		set(&r.Direction, in.Direction)
		set(&r.Rate, in.Rate)
		set(&r.Burst, in.Burst)
		set(&r.DSCP, in.DSCP)
		if err := checkQoSRule(p, r); err != nil {
			return r, err
		}
		if err := s.keepRulePromise(ctx, r); err != nil {
			return r, err
		}
		if slices.ContainsFunc(p.Rules, func(o QoSRule) bool { return o.ID != r.ID && o.Kind == r.Kind && o.Direction == r.Direction }) {
			return r, conflicting(p, r)
		}
		if err := s.store.ChangeQoSRule(ctx, r); err != nil {
			return r, err
		}
		return r, s.ruled(ctx, p)
	})
}

// DeleteQoSRule deletes a rule.
func (s *Service) DeleteQoSRule(ctx context.Context, c *auth.Caller, policyID, kind, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		p, r, err := s.QoSRule(ctx, c, policyID, kind, id)
		if err != nil {
			return err
		}
		if err := mine(c, p.ProjectID, "delete_policy_"+kind+"_rule"); err != nil {
			return err
		}
		if err := s.keepRulePromise(ctx, r); err != nil {
			return err
		}
		if err := s.store.RemoveQoSRule(ctx, r.ID); err != nil {
			return err
		}
		return s.ruled(ctx, p)
	})
}

// ruled notes that a policy's rules have changed, which is a change of the policy and of all that has it.
func (s *Service) ruled(ctx context.Context, p QoSPolicy) error {
	p.touch() // two rules that are changed at the same time meet here
	if err := s.store.ChangePolicy(ctx, p); err != nil {
		return err
	}
	has := By("qos_policy_id", p.ID)
	units, err := s.portUnits(ctx, has)
	if err != nil {
		return err
	}
	networks, err := s.store.Networks(ctx, db.Everywhere(), has)
	if err != nil {
		return err
	}
	if len(networks) > 0 {
		more, err := s.portUnits(ctx, By("network_id", ids(networks, func(n Network) string { return n.ID })...))
		if err != nil {
			return err
		}
		units = append(units, more...)
	}
	floating, err := s.store.FloatingIPs(ctx, db.Everywhere(), has)
	if err != nil {
		return err
	}
	for _, f := range floating {
		if f.RouterID != "" {
			units = append(units, Unit{KindRouter, f.RouterID})
		}
	}
	return s.note(ctx, "qos_policy", p.ID, p.ProjectID, "updated", units...)
}

// checkQoSRule checks a rule, alone and beside the policy's others.
func checkQoSRule(p QoSPolicy, r QoSRule) error {
	if r.Direction != Egress && r.Direction != Ingress {
		return invalid("direction", "Invalid input for direction. Reason: '%s' is not in ('egress', 'ingress').", r.Direction)
	}
	if r.Kind == DSCPMarking {
		marks := []int{0, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 46, 48, 56}
		if !slices.Contains(marks, r.DSCP) {
			return invalid("dscp_mark", "Invalid input for dscp_mark. Reason: '%d' is not in %v.", r.DSCP, marks)
		}
		return nil
	}
	if r.Rate < 0 || r.Burst < 0 {
		return invalid("max_kbps", "Invalid input: rates and bursts are 0 or more.")
	}
	for _, o := range p.Rules {
		limit := r.Kind == BandwidthLimit && o.Kind == MinimumBandwidth && r.Rate < o.Rate
		least := r.Kind == MinimumBandwidth && o.Kind == BandwidthLimit && r.Rate > o.Rate
		if o.Direction == r.Direction && (limit || least) {
			return fault.Conflictf("qos policy", p.ID, "Unable to add the rule with value %d to the policy %s as the existing rule of type %s has value %d: its %s would never be reached.",
				r.Rate, p.ID, o.Kind, o.Rate, r.word()).WithCode("QoSRuleParameterConflict")
		}
	}
	return nil
}

// usePolicy checks that the caller may use a policy; "" is none.
func (s *Service) usePolicy(ctx context.Context, c *auth.Caller, id string) error {
	if id == "" {
		return nil
	}
	_, err := s.store.Policy(ctx, c.Scope(), id)
	return err
}

// defaultPolicy is the policy that a project's new networks have; "" if there is none.
func (s *Service) defaultPolicy(ctx context.Context, projectID string) (string, error) {
	list, err := s.store.Policies(ctx, db.InProject(projectID), Query{Where: map[string][]string{"default": {"true"}, "project_id": {projectID}}, Bare: true})
	return first(list).ID, err
}

// qosRules reads the rules of some policies.
func (s *Service) qosRules(ctx context.Context, policyIDs []string) (map[string][]QoSRule, error) {
	policyIDs = slices.DeleteFunc(unique(policyIDs), func(id string) bool { return id == "" })
	if len(policyIDs) == 0 {
		return nil, nil
	}
	list, err := s.store.Policies(ctx, db.Everywhere(), ByID(policyIDs...))
	if err != nil {
		return nil, err
	}
	out := map[string][]QoSRule{}
	for _, p := range list {
		out[p.ID] = p.Rules
	}
	return out, nil
}
