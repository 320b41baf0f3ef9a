package network

import (
	"context"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// The kinds of QoS rules.
const (
	BandwidthLimit   = "bandwidth_limit"
	DSCPMarking      = "dscp_marking"
	MinimumBandwidth = "minimum_bandwidth"
)

// QoSPolicy is what may be asked of the traffic of ports: those of a network, single ones, and of floating IPs.
type QoSPolicy struct {
	ID, ProjectID, Name, Description string
	Shared                           bool // with the project that reads it; filled by reads
	Default                          bool // what the project's new networks have
	Rules                            []QoSRule
	Stamp
}

// QoSRule is one demand. Directions are those of the port's device.
type QoSRule struct {
	ID, PolicyID string
	Kind         string
	Direction    string // Egress or Ingress; of DSCPMarking always Egress
	Rate         int    // kbit/s, of a bandwidth
	Burst        int    // kbit, of a BandwidthLimit; 0: what the engine takes
	DSCP         int    // of DSCPMarking
}

// word is the rule's kind as users read it.
func (r QoSRule) word() string { return strings.ReplaceAll(r.Kind, "_", " ") }

// QoSStore keeps QoS policies and their rules. A scope sees its own policies, and shared ones.
type QoSStore interface {
	// AddPolicy adds a policy without rules, and tells whether it could: not a second default policy of a project.
	AddPolicy(ctx context.Context, p QoSPolicy) (bool, error)
	// Policy and Policies fill the rules.
	Policy(ctx context.Context, s db.Scope, id string) (QoSPolicy, error)
	Policies(ctx context.Context, s db.Scope, q Query) ([]QoSPolicy, error)
	// ChangePolicy fails where the project would have a second default policy.
	ChangePolicy(ctx context.Context, p QoSPolicy) error
	RemovePolicy(ctx context.Context, id string) error
	// AddQoSRule adds a rule, and tells whether it could: not a second one of a kind and direction.
	AddQoSRule(ctx context.Context, r QoSRule) (bool, error)
	ChangeQoSRule(ctx context.Context, r QoSRule) error
	RemoveQoSRule(ctx context.Context, id string) error
	// Guarantees returns what the ports of devices are guaranteed, once for each device, physical network and direction.
	Guarantees(ctx context.Context, deviceIDs []string) ([]Guarantee, error)
	// BoundUnder finds a port on a physical network that is bound and comes under a policy; "" if there is none.
	BoundUnder(ctx context.Context, policyID string) (portID string, err error)
	// BoundIn finds a port of a network that is bound and has no policy of its own; "" if there is none.
	BoundIn(ctx context.Context, networkID string) (portID string, err error)
}
