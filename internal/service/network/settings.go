package network

import (
	"context"
	"net/netip"
	"slices"
)

// Settings are those of the whole installation. An operator changes them through the API.
type Settings struct {
	// UnderlayMTU is the largest packet, in bytes, that goes from host to host; overlays carry Overhead less.
	UnderlayMTU int
	// PhysicalMTU is the MTU of flat and VLAN networks, in bytes.
	PhysicalMTU int
	// DNSForwarders are asked for the names that are no server's, by each host for its guests; none: the host's own resolvers.
	DNSForwarders []netip.Addr
}

// Overhead is what a tunnel adds to a packet, in bytes: the outer IPv4 and UDP headers, Geneve's with OVN's option (RFC 8926),
// and the inner Ethernet header.
const Overhead = 20 + 8 + 16 + 14

// DefaultSettings are those that nobody has changed.
func DefaultSettings() Settings { return Settings{UnderlayMTU: 1500, PhysicalMTU: 1500} }

// OverlayMTU is the most that a network in an overlay carries, in bytes.
func (s Settings) OverlayMTU() int { return s.UnderlayMTU - Overhead }

// The bounds of the settings. IPv6 needs 1280 bytes (RFC 8200, section 5), in overlays too; what is more than mostMTU does not fit
// the field that DHCP has for it.
const (
	leastMTU       = 1280
	mostMTU        = 65535
	mostForwarders = 8
)

func (s Settings) check() error {
	for field, m := range map[string]struct{ mtu, least int }{"underlay_mtu": {s.UnderlayMTU, leastMTU + Overhead}, "physical_mtu": {s.PhysicalMTU, leastMTU}} {
		if m.mtu < m.least || m.mtu > mostMTU {
			return invalid(field, "%s must be from %d to %d bytes, so that networks carry IPv6, but is %d", field, m.least, mostMTU, m.mtu)
		}
	}
	if len(s.DNSForwarders) > mostForwarders {
		return invalid("dns_forwarders", "dns_forwarders must be %d addresses at most, but are %d", mostForwarders, len(s.DNSForwarders))
	}
	for i, a := range s.DNSForwarders {
		switch {
		case !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
			return invalid("dns_forwarders", "dns_forwarders must be addresses of DNS servers that every host can reach, such as 9.9.9.9, but one is %q", a)
		case slices.Contains(s.DNSForwarders[:i], a):
			return invalid("dns_forwarders", "dns_forwarders has %s twice", a)
		}
	}
	return nil
}

// SettingsStore keeps what an operator has changed.
type SettingsStore interface {
	// Settings returns the settings, defaults where nobody has changed them.
	Settings(ctx context.Context, defaults Settings) (Settings, error)
	SetSettings(ctx context.Context, s Settings) error
	// HostNetworks returns what is known of some hosts, or of all; those of which nothing is known are left out.
	HostNetworks(ctx context.Context) ([]HostNetwork, error)
	HostNetworksByID(ctx context.Context, hostIDs []string) ([]HostNetwork, error)
	// SetHostNetwork writes what is wanted of a host, and its generation; NoteHostNetworks what hosts have made of it.
	SetHostNetwork(ctx context.Context, h HostNetwork) error
	NoteHostNetworks(ctx context.Context, joined map[string]HostJoined) error
}

// Settings reads the settings of the installation.
func (s *Service) Settings(ctx context.Context) (Settings, error) {
	return s.store.Settings(ctx, DefaultSettings())
}

// SetSettings changes the settings by a function of how they are now. Networks keep the MTU that they have; hosts hear of
// the forwarders at once, or, those that are away, when they are back.
func (s *Service) SetSettings(ctx context.Context, change func(*Settings)) (Settings, error) {
	return tx(ctx, s, func(ctx context.Context) (Settings, error) {
		is, err := s.Settings(ctx)
		if err != nil {
			return is, err
		}
		was := is.DNSForwarders
		change(&is)
		if err := is.check(); err != nil {
			return is, err
		}
		if err := s.store.SetSettings(ctx, is); err != nil {
			return is, err
		}
		if slices.Equal(was, is.DNSForwarders) || s.cfg.Hosts == nil {
			return is, nil
		}
		hosts, err := s.hosts(ctx)
		if err != nil {
			return is, err
		}
		s.db.AfterCommit(ctx, func() { s.cfg.Hosts.AskSync(ids(hosts, func(h Host) string { return h.ID })...) })
		return is, nil
	})
}
