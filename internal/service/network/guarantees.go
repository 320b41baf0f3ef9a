package network

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Guarantee is a bandwidth that the ports of a device have for themselves on a physical network, all together.
type Guarantee struct {
	DeviceID, Physical string
	Direction          string // Egress or Ingress
	Kbps               int
}

// Guaranteed returns what the ports of devices are guaranteed.
func (s *Service) Guaranteed(ctx context.Context, deviceIDs []string) ([]Guarantee, error) {
	if len(deviceIDs) == 0 {
		return nil, nil
	}
	return s.store.Guarantees(ctx, deviceIDs)
}

// GuaranteedTo returns what single ports are guaranteed, in kbit/s by port id and direction. networks are theirs.
func (s *Service) GuaranteedTo(ctx context.Context, ports []Port, networks map[string]Network) (map[string]map[string]int, error) {
	policies := map[string]string{} // of ports
	for _, p := range ports {
		if n := networks[p.NetworkID]; n.Provider.Physical != "" {
			if id := policyOf(p, n); id != "" {
				policies[p.ID] = id
			}
		}
	}
	if len(policies) == 0 {
		return nil, nil
	}
	var list []string
	for _, id := range policies {
		list = append(list, id)
	}
	rules, err := s.qosRules(ctx, list)
	out := map[string]map[string]int{}
	for port, policy := range policies {
		if least := leastOf(rules[policy]); len(least) > 0 {
			out[port] = least
		}
	}
	return out, err
}

// leastOf are the minimum bandwidths of some rules, by direction.
func leastOf(rules []QoSRule) map[string]int {
	out := map[string]int{}
	for _, r := range rules {
		if r.Kind == MinimumBandwidth {
			out[r.Direction] = r.Rate
		}
	}
	return out
}

// keepPromise refuses that ports which are bound come under a policy with other minimum bandwidths than before: their hosts
// have set aside what they were promised. bound finds one of them.
func (s *Service) keepPromise(ctx context.Context, from, to string, bound func() (string, error)) error {
	if from == to {
		return nil
	}
	rules, err := s.qosRules(ctx, []string{from, to})
	if err != nil {
		return err
	}
	before, after := leastOf(rules[from]), leastOf(rules[to])
	if before[Egress] == after[Egress] && before[Ingress] == after[Ingress] {
		return nil
	}
	return promised(bound())
}

func promised(portID string, err error) error {
	if err != nil || portID == "" {
		return err
	}
	return fault.Conflictf("port", portID, "The minimum bandwidth of port %s cannot be changed while the port is bound: its host has set aside what it was guaranteed. Delete its server first.", portID).
		WithCode("QosPlacementAllocationUpdateConflict")
}

// keepPortPromise is keepPromise for a change of one port's own policy.
func (s *Service) keepPortPromise(ctx context.Context, p Port, policyID string) error {
	if p.HostID == "" || p.QoSPolicyID == policyID {
		return nil
	}
	networks, err := s.NetworksOf(ctx, []Port{p})
	if err != nil {
		return err
	}
	n, after := networks[p.NetworkID], p
	after.QoSPolicyID = policyID
	if n.Provider.Physical == "" {
		return nil
	}
	return s.keepPromise(ctx, policyOf(p, n), policyOf(after, n), func() (string, error) { return p.ID, nil })
}

// keepRulePromise refuses changes of a minimum bandwidth under which a port is bound.
func (s *Service) keepRulePromise(ctx context.Context, r QoSRule) error {
	if r.Kind != MinimumBandwidth {
		return nil
	}
	return promised(s.store.BoundUnder(ctx, r.PolicyID))
}
