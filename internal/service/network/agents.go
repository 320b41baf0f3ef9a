package network

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Host is a machine on which ports' devices run.
type Host struct {
	ID, Name, Zone    string
	Up, Enabled       bool
	CreatedAt, SeenAt time.Time
}

// Hosts are those of the compute service.
type Hosts interface {
	Hosts(ctx context.Context) ([]Host, error)
	// AskSync asks hosts to be told their settings anew. It does not wait for that.
	AskSync(ids ...string)
}

// Joiner is a Northbound that knows which physical networks the hosts are joined to, by host id. Those that are joined to
// one are the gateways of routers to it.
type Joiner interface {
	Joined() map[string][]string
}

// Agent is what does the network's work on a host, as Neutron shows it: each host has its own two, and no other machine
// has any.
type Agent struct {
	ID, Type, Binary string
	Host             Host
}

// The kinds of agents.
const (
	ControllerAgent = "OVN Controller agent"
	GatewayAgent    = "OVN Controller Gateway agent" // of a host that may be the gateway of routers
	MetadataAgent   = "OVN Metadata agent"
)

// agentsOf are the agents of a host: its ovn-controller, which has the host's id, and what answers for metadata.
func agentsOf(h Host, gateway bool) []Agent {
	controller := ControllerAgent
	if gateway {
		controller = GatewayAgent
	}
	return []Agent{
		{ID: h.ID, Type: controller, Binary: "ovn-controller", Host: h},
		{ID: uuid.NewSHA1(uuid.NameSpaceURL, []byte("aloft:metadata:"+h.ID)).String(), Type: MetadataAgent, Binary: "aloft-agent", Host: h},
	}
}

// Agents lists the agents that a caller sees: an admin all, others none.
func (s *Service) Agents(ctx context.Context, c *auth.Caller) ([]Agent, error) {
	if !c.Admin() {
		return nil, nil
	}
	hosts, err := s.hosts(ctx)
	if err != nil {
		return nil, err
	}
	var physical map[string][]string
	if j, ok := s.north.(Joiner); ok {
		physical = j.Joined()
	}
	var out []Agent
	for _, h := range hosts {
		out = append(out, agentsOf(h, len(physical[h.ID]) > 0)...)
	}
	return out, nil
}

// ShowAgent reads an agent.
func (s *Service) ShowAgent(ctx context.Context, c *auth.Caller, id string) (Agent, error) {
	list, err := s.Agents(ctx, c)
	if err != nil {
		return Agent{}, err
	}
	if i := slices.IndexFunc(list, func(a Agent) bool { return a.ID == id }); i >= 0 {
		return list[i], nil
	}
	return Agent{}, fault.New(fault.NotFound, "Agent %s could not be found.", id).WithCode("AgentNotFound")
}

func (s *Service) hosts(ctx context.Context) ([]Host, error) {
	if s.cfg.Hosts == nil {
		return nil, nil
	}
	return s.cfg.Hosts.Hosts(ctx)
}

// Zone is an availability zone.
type Zone struct {
	Name      string
	Available bool // one of its hosts is up
}

// Zones are the availability zones that there are: those of the hosts, and the default one.
func (s *Service) Zones(ctx context.Context) ([]Zone, error) {
	hosts, err := s.hosts(ctx)
	if err != nil {
		return nil, err
	}
	out := []Zone{{Name: s.cfg.Zone, Available: true}}
	for _, h := range hosts {
		at := slices.IndexFunc(out, func(z Zone) bool { return z.Name == h.Zone })
		switch {
		case h.Zone == "":
		case at < 0:
			out = append(out, Zone{h.Zone, h.Up && h.Enabled})
		default:
			out[at].Available = out[at].Available || h.Up && h.Enabled
		}
	}
	return out, nil
}

// checkZones checks that there are the zones that are hinted at. Networks and routers reach all of them.
func (s *Service) checkZones(ctx context.Context, hints []string) error {
	if len(hints) == 0 {
		return nil
	}
	zones, err := s.Zones(ctx)
	if err != nil {
		return err
	}
	names := ids(zones, func(z Zone) string { return z.Name })
	for _, z := range hints {
		if !slices.Contains(names, z) {
			return fault.New(fault.NotFound, "AvailabilityZone %s could not be found: there are %q.", z, names).WithCode("AvailabilityZoneNotFound")
		}
	}
	return nil
}
