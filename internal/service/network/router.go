package network

import "net/netip"

// Gateway is a router's way to the outside.
type Gateway struct {
	NetworkID string
	SNAT      bool // hide the tenants' addresses behind the router's own
	PortID    string
	FixedIPs  []FixedIP
}

// Router joins subnets.
type Router struct {
	ID, ProjectID, Name, Description string
	AdminUp                          bool
	Gateway                          *Gateway // nil: none
	Routes                           []Route
	ZoneHints                        []string
	Stamp
}

// FloatingIP is an address of an external network that a port may be reached at.
type FloatingIP struct {
	ID, ProjectID, Description string
	NetworkID                  string // the external network
	Address                    netip.Addr
	ExternalPortID             string // the port that holds the address
	PortID                     string // the port that it leads to; empty: none
	FixedAddress               netip.Addr
	RouterID                   string
	Status                     string
	QoSPolicyID                string
	DNSName, DNSDomain         string // both or none; the domain has the dot at its end
	Stamp
}
