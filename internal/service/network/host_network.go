package network

import (
	"context"
	"net/netip"
	"reflect"
	"regexp"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// BridgeMapping joins a host to a physical network by a bridge, and by a device that is put into it; empty: none is.
type BridgeMapping struct {
	Physical string `json:"physical"`
	Bridge   string `json:"bridge"`
	Device   string `json:"device,omitempty"`
}

// HostNetwork is how a host is to be joined to networks, and how it is. What is not set is as the flags of the host's agent
// say.
type HostNetwork struct {
	HostID, Name string
	Generation   int64            // rises with every change; 0: nobody has ever set anything
	Mappings     *[]BridgeMapping // nil: not set
	Encap        string           // this host's IPv4 address for tunnels; empty: not set
	Joined       *HostJoined      // nil: the host has not told yet
}

// HostJoined is how a host is joined to networks, as it says.
type HostJoined struct {
	Generation int64           `json:"generation"` // of what it has heard
	Mappings   []BridgeMapping `json:"mappings"`
	Encap      string          `json:"encap"`
	Error      string          `json:"error,omitempty"` // what cannot be had, and why
}

// The states of a HostNetwork.
const (
	HostPending = "pending" // the host has not heard of it yet
	HostApplied = "applied"
	HostFailed  = "failed" // in part, at least
)

// State tells how far the host is.
func (h HostNetwork) State() string {
	switch {
	case h.Joined == nil || h.Joined.Generation != h.Generation && h.Generation != 0:
		return HostPending
	case h.Joined.Error != "":
		return HostFailed
	}
	return HostApplied
}

// Names of physical networks have no character that parts them in OVN's list; those of devices are what the kernel takes.
var (
	physicalName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)
	deviceName   = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,15}$`)
)

const mostMappings = 64

func checkMappings(list []BridgeMapping) error {
	const field = "bridge_mappings"
	if len(list) > mostMappings {
		return invalid(field, "%s must be %d at most, but are %d", field, mostMappings, len(list))
	}
	physical, devices := map[string]bool{}, map[string]bool{}
	for _, m := range list {
		switch {
		case !physicalName.MatchString(m.Physical):
			return invalid(field, "physical_network must be up to 64 letters, digits, and . _ - between them, but is %q", m.Physical)
		case physical[m.Physical]:
			return invalid(field, "%s has the physical network %s twice", field, m.Physical)
		case !deviceName.MatchString(m.Bridge) || m.Bridge == "br-int" || m.Bridge == "br-tunnel":
			return invalid(field, "bridge must be the name of a bridge, such as br-dc, of up to 15 characters and other than br-int and br-tunnel, but is %q", m.Bridge)
		case m.Device != "" && !deviceName.MatchString(m.Device):
			return invalid(field, "device must be the name of a network device, such as eth1, but is %q", m.Device)
		}
		physical[m.Physical] = true
		for _, name := range []string{m.Bridge, m.Device} {
			if devices[name] {
				return invalid(field, "%s has %s twice: a bridge or device is in one mapping only", field, name)
			}
			devices[name] = name != ""
		}
	}
	return nil
}

func checkEncap(text string) error {
	at, err := netip.ParseAddr(text)
	if err != nil || !at.Is4() || at.IsUnspecified() || at.IsMulticast() || at.IsLoopback() {
		return invalid("encap_address", "encap_address must be an IPv4 address of the host that other hosts reach, such as 10.0.0.11, but is %q", text)
	}
	return nil
}

// HostNetworks lists how the hosts are joined to networks.
func (s *Service) HostNetworks(ctx context.Context) ([]HostNetwork, error) {
	hosts, err := s.hosts(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.HostNetworks(ctx)
	if err != nil {
		return nil, err
	}
	byID := map[string]HostNetwork{}
	for _, r := range rows {
		byID[r.HostID] = r
	}
	return ids(hosts, func(h Host) HostNetwork {
		out := byID[h.ID]
		out.HostID, out.Name = h.ID, h.Name
		return out
	}), nil
}

// ShowHostNetwork reads how one host is joined to networks.
func (s *Service) ShowHostNetwork(ctx context.Context, hostID string) (HostNetwork, error) {
	list, err := s.HostNetworks(ctx)
	if err != nil {
		return HostNetwork{}, err
	}
	if i := slices.IndexFunc(list, func(h HostNetwork) bool { return h.HostID == hostID }); i >= 0 {
		return list[i], nil
	}
	return HostNetwork{}, fault.Missing("host", hostID)
}

// SetHostNetwork changes how a host is to be joined to networks, by a function of how it was to be. The host hears of it at
// once, or, if it is away, when it is back.
func (s *Service) SetHostNetwork(ctx context.Context, hostID string, change func(*HostNetwork)) (HostNetwork, error) {
	return tx(ctx, s, func(ctx context.Context) (HostNetwork, error) {
		h, err := s.ShowHostNetwork(ctx, hostID)
		if err != nil {
			return h, err
		}
		before := h
		change(&h)
		if reflect.DeepEqual(h, before) {
			return h, nil
		}
		if h.Mappings != nil {
			if err := checkMappings(*h.Mappings); err != nil {
				return h, err
			}
			if err := s.checkLeft(ctx, hostID, *h.Mappings); err != nil {
				return h, err
			}
		}
		if h.Encap != "" {
			if err := checkEncap(h.Encap); err != nil {
				return h, err
			}
			if err := s.checkEncapAlone(ctx, h); err != nil {
				return h, err
			}
		}
		h.Generation++
		if err := s.store.SetHostNetwork(ctx, h); err != nil {
			return h, err
		}
		s.db.AfterCommit(ctx, func() { s.cfg.Hosts.AskSync(hostID) })
		return h, nil
	})
}

// checkLeft refuses to take a physical network from a host on which a port uses it.
func (s *Service) checkLeft(ctx context.Context, hostID string, mappings []BridgeMapping) error {
	ports, err := s.store.Ports(ctx, db.Everywhere(), By("host_id", hostID))
	if err != nil || len(ports) == 0 {
		return err
	}
	q := Query{Where: map[string][]string{"id": ids(ports, func(p Port) string { return p.NetworkID })}, Bare: true}
	networks, err := s.store.Networks(ctx, db.Everywhere(), q)
	if err != nil {
		return err
	}
	for _, n := range networks {
		if n.Provider.Physical == "" || slices.ContainsFunc(mappings, func(m BridgeMapping) bool { return m.Physical == n.Provider.Physical }) {
			continue
		}
		i := slices.IndexFunc(ports, func(p Port) bool { return p.NetworkID == n.ID })
		return fault.Conflictf("host", hostID, "bridge_mappings must keep physical network %s, as port %s of this host is on network %s, which is on it: move or delete the server of that port first",
			n.Provider.Physical, ports[i].ID, n.ID).WithCode("PhysicalNetworkInUse")
	}
	return nil
}

// checkEncapAlone refuses an address for tunnels that another host has.
func (s *Service) checkEncapAlone(ctx context.Context, h HostNetwork) error {
	all, err := s.HostNetworks(ctx)
	if err != nil {
		return err
	}
	for _, o := range all {
		theirs := o.Encap
		if theirs == "" && o.Joined != nil {
			theirs = o.Joined.Encap
		}
		if o.HostID != h.HostID && theirs == h.Encap {
			return fault.Conflictf("host", h.HostID, "encap_address %s is that of host %s (%s) already", h.Encap, o.Name, o.HostID).WithCode("EncapAddressInUse")
		}
	}
	return nil
}

// Statement is all that a host is told of the settings.
type Statement struct {
	DNSForwarders []netip.Addr
	HostNetwork
}

// hostsAtOnce is how many hosts' Syncs share their statements.
const hostsAtOnce = 256

// hostSync is one call of HostSynced.
type hostSync struct {
	hostID string
	joined *HostJoined
	told   Statement
}

// HostSynced hears how a host is joined to networks - nil: it does not know yet - and returns what it is to be told. Calls
// that come at the same moment share their statements, as all hosts call at once when a control node starts.
func (s *Service) HostSynced(ctx context.Context, hostID string, joined *HostJoined) (Statement, error) {
	in := &hostSync{hostID: hostID, joined: joined}
	err := s.syncs.Do(ctx, in)
	return in.told, err
}

func (s *Service) takeSyncs(ctx context.Context, syncs []*hostSync) error {
	is, err := s.Settings(ctx)
	if err != nil {
		return err
	}
	rows, err := s.store.HostNetworksByID(ctx, ids(syncs, func(in *hostSync) string { return in.hostID }))
	if err != nil {
		return err
	}
	byID := map[string]HostNetwork{}
	for _, r := range rows {
		byID[r.HostID] = r
	}
	news := map[string]HostJoined{}
	for _, in := range syncs {
		in.told = Statement{DNSForwarders: is.DNSForwarders, HostNetwork: byID[in.hostID]}
		in.told.HostID = in.hostID
		if in.joined == nil || in.told.Joined != nil && reflect.DeepEqual(*in.joined, *in.told.Joined) {
			continue
		}
		news[in.hostID] = *in.joined
		if in.joined.Error != "" {
			s.log.WarnContext(ctx, "a host cannot be joined to networks as it should be", "host", in.hostID, "error", in.joined.Error)
		}
	}
	if len(news) == 0 {
		return nil
	}
	return s.db.Tx(ctx, func(ctx context.Context) error { return s.store.NoteHostNetworks(ctx, news) })
}
