package network

import (
	"context"
	"net/netip"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/event"
)

// Store keeps the service's rows. Reads of one object return fault.NotFound where the scope does not see it; Change…
// compares and sets the revision; all join the transaction of the context.
type Store interface {
	NetworkStore
	SubnetStore
	PortStore
	RouterStore
	FloatingIPStore
	GroupStore
	QuotaStore
	AccessStore
	SubnetPoolStore
	ForwardingStore
	QoSStore
	TrunkStore
	AutoTopologyStore
	AddressGroupStore
	AddressScopeStore
	RuleTemplateStore
	SegmentRangeStore
	SettingsStore
	// SetTags writes an object's tags, with the stamp of that change.
	SetTags(ctx context.Context, resource, id string, stamp Stamp) error
	// Count tells how many objects of a quota's resource ("network", "port" …) a project has.
	Count(ctx context.Context, resource, projectID string) (int, error)
}

// NetworkStore keeps networks. A scope sees its own, and shared and external ones.
type NetworkStore interface {
	AddNetwork(ctx context.Context, n Network) error
	Network(ctx context.Context, s db.Scope, id string) (Network, error)
	Networks(ctx context.Context, s db.Scope, q Query) ([]Network, error)
	ChangeNetwork(ctx context.Context, n Network) error
	RemoveNetwork(ctx context.Context, id string) error
}

// SubnetStore keeps subnets. A scope sees those of its own and of shared networks.
type SubnetStore interface {
	AddSubnet(ctx context.Context, n Subnet) error
	Subnet(ctx context.Context, s db.Scope, id string) (Subnet, error)
	Subnets(ctx context.Context, s db.Scope, q Query) ([]Subnet, error)
	ChangeSubnet(ctx context.Context, n Subnet) error
	RemoveSubnet(ctx context.Context, id string) error
}

// PortStore keeps ports and their addresses.
type PortStore interface {
	// AddPorts adds ports without their addresses, and returns the ids of those that it could: not if the MAC is taken
	// in the network.
	AddPorts(ctx context.Context, ports []*Port) (map[string]bool, error)
	Port(ctx context.Context, s db.Scope, id string) (Port, error)
	Ports(ctx context.Context, s db.Scope, q Query) ([]Port, error)
	// Sites returns networks by id.
	Sites(ctx context.Context, networkIDs []string) (map[string]*Site, error)
	// Plugs returns the ports of devices in order of creation, by device.
	Plugs(ctx context.Context, deviceIDs []string) (map[string][]Plug, error)
	// ChangePort writes all but the addresses and the security groups.
	ChangePort(ctx context.Context, p Port) error
	SetPortGroups(ctx context.Context, p Port) error
	RemovePorts(ctx context.Context, ids ...string) error
	// TakeAddress gives an address to a port unless it is taken; place is its position among the port's addresses.
	TakeAddress(ctx context.Context, p Port, f FixedIP, place int) (bool, error)
	// TakeAddresses is TakeAddress for many; it tells which were got.
	TakeAddresses(ctx context.Context, list []Taking) ([]bool, error)
	// BindPorts says on which hosts devices run: host ids by device id. It returns the ports that were elsewhere.
	BindPorts(ctx context.Context, hosts map[string]string) ([]Port, error)
	// SetPortStatus changes the state of those ports that can be plugged and have another; it returns them.
	SetPortStatus(ctx context.Context, ids []string, status string) ([]Port, error)
	FreeAddresses(ctx context.Context, portID string) error
	// PairedPorts are the ports of some networks that have address pairs, with these and what identifies them only.
	PairedPorts(ctx context.Context, networkIDs ...string) ([]Port, error)
	// Taken are the addresses of a subnet that ports hold.
	Taken(ctx context.Context, subnetID string) (map[netip.Addr]bool, error)
	// CountTaken tells how many addresses of some subnets ports hold, by subnet.
	CountTaken(ctx context.Context, subnetIDs []string) (map[string]int, error)
}

// RouterStore keeps routers.
type RouterStore interface {
	AddRouter(ctx context.Context, r Router) error
	Router(ctx context.Context, s db.Scope, id string) (Router, error)
	Routers(ctx context.Context, s db.Scope, q Query) ([]Router, error)
	ChangeRouter(ctx context.Context, r Router) error
	RemoveRouter(ctx context.Context, id string) error
}

// FloatingIPStore keeps floating IPs.
type FloatingIPStore interface {
	AddFloatingIP(ctx context.Context, f FloatingIP) error
	FloatingIP(ctx context.Context, s db.Scope, id string) (FloatingIP, error)
	FloatingIPs(ctx context.Context, s db.Scope, q Query) ([]FloatingIP, error)
	ChangeFloatingIP(ctx context.Context, f FloatingIP) error
	RemoveFloatingIP(ctx context.Context, id string) error
}

// GroupStore keeps security groups and their rules.
type GroupStore interface {
	// AddGroup adds a group without rules, and tells whether it could: not a second default group of a project.
	AddGroup(ctx context.Context, g SecurityGroup) (bool, error)
	// Group and Groups fill the rules.
	Group(ctx context.Context, s db.Scope, id string) (SecurityGroup, error)
	Groups(ctx context.Context, s db.Scope, q Query) ([]SecurityGroup, error)
	ChangeGroup(ctx context.Context, g SecurityGroup) error
	RemoveGroup(ctx context.Context, id string) error
	// AddRules adds rules; it returns those whose like is there already.
	AddRules(ctx context.Context, rules ...Rule) ([]Rule, error)
	Rule(ctx context.Context, s db.Scope, id string) (Rule, error)
	Rules(ctx context.Context, s db.Scope, q Query) ([]Rule, error)
	RemoveRule(ctx context.Context, id string) error
}

// AccessStore keeps access policies.
type AccessStore interface {
	// AddAccess and ChangeAccess tell whether they could: not if there is one like it.
	AddAccess(ctx context.Context, p AccessPolicy) (bool, error)
	Access(ctx context.Context, s db.Scope, id string) (AccessPolicy, error)
	Accesses(ctx context.Context, s db.Scope, q Query) ([]AccessPolicy, error)
	ChangeAccess(ctx context.Context, p AccessPolicy) (bool, error)
	RemoveAccess(ctx context.Context, id string) error
}

// SubnetPoolStore keeps subnet pools. A scope sees its own, and those that are shared with it.
type SubnetPoolStore interface {
	AddSubnetPool(ctx context.Context, p SubnetPool) error
	SubnetPool(ctx context.Context, s db.Scope, id string) (SubnetPool, error)
	SubnetPools(ctx context.Context, s db.Scope, q Query) ([]SubnetPool, error)
	ChangeSubnetPool(ctx context.Context, p SubnetPool) error
	RemoveSubnetPool(ctx context.Context, id string) error
}

// QuotaStore keeps what projects may have where that is not the default, by project.
type QuotaStore interface {
	Quotas(ctx context.Context, s db.Scope) (map[string]Quota, error)
	SetQuota(ctx context.Context, projectID string, q Quota) error
	RemoveQuota(ctx context.Context, projectID string) error
}

// Projects are those of the identity service.
type Projects interface {
	Exists(ctx context.Context, id string) (bool, error)
}

// DB is the part of the database that the service itself uses.
type DB interface {
	Tx(ctx context.Context, fn func(ctx context.Context) error) error
	AfterCommit(ctx context.Context, fn func())
}

// Events is the log of events.
type Events interface {
	Add(ctx context.Context, ev event.Event) error
	Subscribe(prefix string, fn func(event.Event)) (cancel func())
}
