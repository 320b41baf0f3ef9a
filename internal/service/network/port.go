package network

import "net/netip"

// The device owners that the service itself writes.
const (
	OwnerRouterInterface = "network:router_interface"
	OwnerRouterGateway   = "network:router_gateway"
	OwnerFloatingIP      = "network:floatingip"
	OwnerDistributed     = "network:distributed" // the network's metadata port
)

// The closed set of port states.
const (
	StatusActive = "ACTIVE"
	StatusDown   = "DOWN"
	StatusNone   = "N/A" // of ports that are never plugged: those of floating IPs
)

// FixedIP is an address of a port.
type FixedIP struct {
	SubnetID string
	Address  netip.Addr
}

// AddressPair is an address that a port may use besides its own. CIDR is an address or a prefix; MAC empty means the
// port's own.
type AddressPair struct {
	MAC  string `json:"mac_address"`
	CIDR string `json:"ip_address"`
}

// Port joins one device to a network.
type Port struct {
	ID, NetworkID, ProjectID, Name, Description string
	AdminUp                                     bool
	Status                                      string
	MAC                                         string
	DeviceID, DeviceOwner                       string
	HostID                                      string // where the device runs; empty: nowhere yet
	PortSecurity                                bool
	GroupIDs                                    []string // security groups
	FixedIPs                                    []FixedIP
	Pairs                                       []AddressPair
	DNSName                                     string
	DNSDomain                                   string // with the dot at its end; empty: the network's
	QoSPolicyID                                 string
	DHCPOptions                                 []DHCPOption
	ForDevice                                   bool // it was made for its device and goes with it
	Stamp
}

// reserved tells whether the port belongs to a router, a floating IP or the network itself, and so is made and deleted
// with that only.
func (p Port) reserved() bool {
	switch p.DeviceOwner {
	case OwnerRouterInterface, OwnerRouterGateway, OwnerFloatingIP, OwnerDistributed:
		return true
	}
	return false
}

// Addresses are the port's fixed addresses.
func (p Port) Addresses() []netip.Addr {
	var out []netip.Addr
	for _, f := range p.FixedIPs {
		out = append(out, f.Address)
	}
	return out
}
