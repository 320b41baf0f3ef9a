package network

import (
	"net/netip"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/query"
)

// Stamp is what all objects have: when they came to be and changed, how often they were changed, and their owner's tags.
type Stamp struct {
	CreatedAt, UpdatedAt time.Time
	Revision             int64
	Tags                 []string
}

// The kinds of provider networks.
const (
	Geneve = "geneve" // an overlay between the hosts; the default
	VXLAN  = "vxlan"  // likewise; the hosts' setting says how they encapsulate either
	Flat   = "flat"   // the untagged segment of a physical network
	VLAN   = "vlan"   // a tagged segment of a physical network
)

// Provider is how a network is carried. Physical is empty for overlays; Segment is the tag of a VLAN, or the number of an
// overlay, and may be 0 for Geneve.
type Provider struct {
	Kind, Physical string
	Segment        int
}

// Network is a layer-2 segment.
type Network struct {
	ID, ProjectID, Name, Description string
	AdminUp                          bool
	Shared                           bool // every project may use it
	Granted                          bool // the project that reads it may use it, as one of those with whom it is shared; filled by reads
	External                         bool // floating IPs and gateways of routers come from it
	Default                          bool // of the external ones, the one to take when none is named
	PortSecurity                     bool // what ports have unless they say otherwise
	VLANTransparent                  bool // frames that its devices have tagged pass
	MTU                              int  // bytes
	Provider                         Provider
	DNSDomain                        string
	ZoneHints                        []string
	QoSPolicyID                      string   // what its devices' ports have that have none of their own
	SubnetIDs                        []string // in order of creation; filled by reads
	V4ScopeID, V6ScopeID             string   // the address scopes of its subnets' pools; filled by reads
	Stamp
}

// Range is a range of addresses, both ends in it.
type Range struct {
	First netip.Addr `json:"start"`
	Last  netip.Addr `json:"end"`
}

// Route is a static route.
type Route struct {
	Destination netip.Prefix `json:"destination"`
	NextHop     netip.Addr   `json:"nexthop"`
}

// The ways in which IPv6 addresses are given, for Subnet.RAMode and AddressMode.
const (
	SLAAC           = "slaac"
	DHCPv6Stateful  = "dhcpv6-stateful"
	DHCPv6Stateless = "dhcpv6-stateless"
)

// Subnet is a range of addresses of a network.
type Subnet struct {
	ID, NetworkID, ProjectID, Name, Description string
	CIDR                                        netip.Prefix
	Gateway                                     netip.Addr // invalid: none
	DHCP                                        bool
	Pools                                       []Range // from where addresses are chosen
	DNSServers                                  []netip.Addr
	Routes                                      []Route
	RAMode, AddressMode                         string   // IPv6 only; may be empty
	PoolID                                      string   // the subnet pool of which it is cut; may be empty
	ServiceTypes                                []string // the device owners whose ports may have its addresses without asking; none: all
	Stamp
}

// V6 tells whether the subnet's addresses are IPv6.
func (s Subnet) V6() bool { return s.CIDR.Addr().Is6() }

// Auto tells whether a port computes its address from the prefix and its own MAC.
func (s Subnet) Auto() bool { return s.AddressMode == SLAAC || s.AddressMode == DHCPv6Stateless }

// Query is a list request: for each attribute the values of which an object must have one, and the page.
type Query struct {
	Where map[string][]string // keys are the store's attribute names, e.g. "name", "network_id", "address"
	Page  query.Page
	Since time.Time // of the last change; zero: any
	Tags  query.Tags
	Names map[string]string // what those who ask call the attributes in Where, for messages; without one it is the attribute's
	Bare  bool              // leave out what is in other tables: a network's SubnetIDs, a group's Rules
}

// ByID is a query for objects with one of some ids.
func ByID(ids ...string) Query { return Query{Where: map[string][]string{"id": ids}} }

// By is a query for objects with one value of one attribute.
func By(attribute string, values ...string) Query {
	return Query{Where: map[string][]string{attribute: values}}
}
