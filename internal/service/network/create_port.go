package network

import (
	"context"
	"net/netip"
	"slices"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// NewPort is what a port is made of. nil and empty fields take the defaults.
type NewPort struct {
	ID                                      string // empty: a new one
	NetworkID, ProjectID, Name, Description string
	AdminUp                                 *bool
	MAC                                     string
	DeviceID, DeviceOwner, HostID           string
	PortSecurity                            *bool
	GroupIDs                                *[]string  // nil: the project's default group
	FixedIPs                                []WantedIP // nil: one of each IP version; empty: none
	Pairs                                   []AddressPair
	DNSName, DNSDomain                      string
	QoSPolicyID                             string
	DHCPOptions                             []DHCPOption
	Tags                                    []string
	ForDevice                               bool // delete the port with its device
}

// CreatePort makes a port on a network that the caller may use, with its addresses.
func (s *Service) CreatePort(ctx context.Context, c *auth.Caller, in NewPort) (Port, error) {
	ports, err := s.CreatePorts(ctx, c, []NewPort{in})
	return first(ports), err
}

// newPort checks what can be checked before anything is written.
func (s *Service) newPort(ctx context.Context, c *auth.Caller, in NewPort, known *portSites) (Port, []Subnet, error) {
	projectID, err := project(c, in.ProjectID)
	if err != nil {
		return Port{}, nil, err
	}
	n, subnets, err := known.network(ctx, c, in.NetworkID)
	if err != nil {
		return Port{}, nil, err
	}
	owns := c.Admin() || n.ProjectID == c.ProjectID
	if !owns && !n.Granted {
		return Port{}, nil, disallowed("create_port on an external network")
	}
	if !owns && (in.MAC != "" || in.PortSecurity != nil || len(in.Pairs) > 0 || givesAddress(in.FixedIPs)) {
		return Port{}, nil, disallowed("create_port:fixed_ips, mac_address, allowed_address_pairs or port_security_enabled on another project's network")
	}
	if in.HostID != "" && !c.Admin() {
		return Port{}, nil, disallowed("create_port:binding:host_id")
	}
	p := Port{
		ID: in.ID, NetworkID: n.ID, ProjectID: projectID, Name: in.Name, Description: in.Description, AdminUp: or(in.AdminUp, true),
		Status: StatusDown, MAC: in.MAC, DeviceID: in.DeviceID, DeviceOwner: in.DeviceOwner, HostID: in.HostID,
		PortSecurity: or(in.PortSecurity, n.PortSecurity), Pairs: in.Pairs, DNSName: in.DNSName, DNSDomain: in.DNSDomain, QoSPolicyID: in.QoSPolicyID,
		DHCPOptions: in.DHCPOptions, ForDevice: in.ForDevice, Stamp: born(),
	}
	if p.ID == "" {
		p.ID = uuid.NewString()
	}
	if p.Tags, err = checkTags(slices.Clone(in.Tags)); err != nil {
		return p, nil, err
	}
	if p.reserved() && !c.System {
		return p, nil, invalid("device_owner", "device_owner %s is written by the service itself: use the routers' or floating IPs' own calls", p.DeviceOwner)
	}
	if err := s.usePolicy(ctx, c, p.QoSPolicyID); err != nil {
		return p, nil, err
	}
	if p.GroupIDs, err = known.groups(ctx, c, p, in.GroupIDs); err != nil {
		return p, nil, err
	}
	return p, subnets, checkPort(p)
}

// bareNetwork reads a network that the caller sees, without its subnets.
func (s *Service) bareNetwork(ctx context.Context, c *auth.Caller, id string) (Network, error) {
	q := ByID(id)
	q.Bare = true
	list, err := s.store.Networks(ctx, c.Scope(), q)
	if err != nil || len(list) > 0 {
		return first(list), err
	}
	return s.store.Network(ctx, c.Scope(), id) // says what is missing
}

func givesAddress(list []WantedIP) bool {
	return slices.ContainsFunc(list, func(w WantedIP) bool { return w.Address.IsValid() })
}

// groupsFor are the security groups of a new port: those named, or the project's default one.
func (s *Service) groupsFor(ctx context.Context, c *auth.Caller, p Port, wanted *[]string) ([]string, error) {
	if wanted == nil {
		if !p.PortSecurity || p.reserved() {
			return nil, nil
		}
		id, err := s.defaultGroupID(ctx, p.ProjectID)
		return []string{id}, err
	}
	list := slices.Clone(*wanted)
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) == 0 {
		return nil, nil
	}
	q := ByID(list...)
	q.Bare = true
	found, err := s.store.Groups(ctx, c.Scope(), q)
	if err != nil {
		return nil, err
	}
	for _, id := range list {
		if !slices.ContainsFunc(found, func(g SecurityGroup) bool { return g.ID == id }) {
			return nil, fault.New(fault.NotFound, "Security group %s does not exist", id).WithCode("SecurityGroupNotFound")
		}
	}
	return list, nil
}

// checkPort checks what must hold for a port at any time.
func checkPort(p Port) error {
	if p.MAC != "" {
		if _, err := hardware(p.MAC); err != nil {
			return err
		}
	}
	if !p.PortSecurity && len(p.GroupIDs) > 0 {
		return fault.Conflictf("port", p.ID, "Port Security must be enabled in order to have security groups: remove them, or enable port_security_enabled.").
			WithCode("PortSecurityAndIPRequiredForSecurityGroups")
	}
	if !p.PortSecurity && len(p.Pairs) > 0 {
		return fault.Conflictf("port", p.ID, "Port Security must be enabled in order to have allowed address pairs on a port.").
			WithCode("AddressPairAndPortSecurityRequired")
	}
	if err := checkDHCPOptions(p.DHCPOptions); err != nil {
		return err
	}
	const mostPairs = 10
	if len(p.Pairs) > mostPairs {
		return fault.Invalidf("allowed_address_pairs", "Exceeded maximum of %d allowed address pairs", mostPairs).WithCode("AllowedAddressPairExhausted")
	}
	for i, pair := range p.Pairs {
		if _, err := netip.ParsePrefix(pair.CIDR); err != nil {
			if _, err := netip.ParseAddr(pair.CIDR); err != nil {
				return invalid("allowed_address_pairs", "Invalid input for allowed_address_pairs: %q is neither an IP address nor a network", pair.CIDR)
			}
		}
		if pair.MAC != "" {
			if _, err := hardware(pair.MAC); err != nil {
				return err
			}
		}
		if slices.Contains(p.Pairs[:i], pair) {
			return fault.Invalidf("allowed_address_pairs", "Request contains duplicate address pair: mac_address %s ip_address %s.", pair.MAC, pair.CIDR).
				WithCode("DuplicateAddressPairInRequest")
		}
	}
	return nil
}

// addPort writes a port without addresses; it chooses a MAC if there is none.
func (s *Service) addPort(ctx context.Context, p Port) (Port, error) {
	ports := []Port{p}
	err := s.addPorts(ctx, ports)
	return ports[0], err
}

// addPorts writes ports without addresses; it chooses the MACs of those that have none.
func (s *Service) addPorts(ctx context.Context, ports []Port) error {
	given := make(map[string]bool, len(ports))
	left := make([]*Port, len(ports))
	for i := range ports {
		left[i] = &ports[i]
		given[ports[i].ID] = ports[i].MAC != ""
	}
	for range 16 {
		for _, p := range left {
			if !given[p.ID] {
				p.MAC = newMAC()
			}
			if hw, err := hardware(p.MAC); err == nil {
				p.MAC = macText(hw)
			}
		}
		added, err := s.store.AddPorts(ctx, left)
		if err != nil {
			return err
		}
		left = slices.DeleteFunc(left, func(p *Port) bool { return added[p.ID] })
		if len(left) == 0 {
			return nil
		}
		if i := slices.IndexFunc(left, func(p *Port) bool { return given[p.ID] }); i >= 0 {
			return macInUse(left[i])
		}
	}
	return macInUse(left[0])
}

func macInUse(p *Port) error {
	return fault.Conflictf("port", p.ID, "Unable to complete operation for network %s. The mac address %s is in use.", p.NetworkID, p.MAC).
		WithCode("MacAddressInUse")
}
