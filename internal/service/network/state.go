package network

import (
	"context"
	"errors"
)

// Unit is the piece of the wanted state that follows from one object.
type Unit struct{ Kind, ID string }

// The kinds of units.
const (
	KindNetwork = "network"
	KindPort    = "port"
	KindRouter  = "router"
	KindGroup   = "security_group"

	KindAddressGroup = "address_group"
)

// State is what the network should be, as far as some units say; with Full, as far as all there are say.
type State struct {
	Full     bool
	Units    []Unit // a unit that is listed here and found in no list below should leave nothing behind
	Networks []NetworkState
	Ports    []PortState
	Routers  []RouterState
	Groups   []SecurityGroup

	AddressGroups []AddressGroup
}

// NetworkState is a network with its subnets and its metadata port, if it has one.
type NetworkState struct {
	Network  Network
	Subnets  []Subnet
	Metadata *Port
	Options  []Port // those with DHCP options of their own
}

// PortState is a port with what its wiring depends on.
type PortState struct {
	Port    Port
	Network Network
	Subnets []Subnet  // those of the fixed IPs
	QoS     []QoSRule // of the port's policy, or the network's
	Carried *Carried  // of a sub-port
	Parents []string  // the ports between which this one's address floats; none: it does not
}

// RouterState is a router with its legs.
type RouterState struct {
	Router   Router
	Gateway  *PortState  // the leg outside; nil if there is none
	Legs     []PortState // the legs inside
	Floating []FloatingState
	Forwards []ForwardingState
}

// FloatingState is a floating IP that leads to a port.
type FloatingState struct {
	FloatingIP FloatingIP
	MAC        string // of the port that holds the address
	Target     Port
	QoS        []QoSRule
}

// Link says whether a port is plugged.
type Link struct {
	PortID string
	Up     bool
}

// Watch is what a Northbound calls back. Neither function blocks.
type Watch struct {
	Links  func([]Link) // what is known of some ports' links, changed or not
	Resync func()       // everything must be stated again: a reconnect, another set of hosts
}

// Northbound makes the network what the State says.
type Northbound interface {
	// Run keeps the connection until ctx ends. It calls Links with all links once it is connected and after each full
	// State, and with changes between.
	Run(ctx context.Context, w Watch) error
	// Apply makes exactly the State's units so: what should be there is made or mended, what should not is removed, in
	// one transaction; doing it again does nothing. It fails with *Incomplete where a unit needs another one that was
	// never stated, and with ErrNotReady while there is no connection.
	Apply(ctx context.Context, s State) error
}

// ErrNotReady says that a Northbound cannot write yet, or just now. It calls Resync when it can.
var ErrNotReady = errors.New("the northbound is not ready")

// Incomplete says that units of a State lean on others, which have to be stated with them.
type Incomplete struct{ Units []Unit }

// Error implements error.
func (e *Incomplete) Error() string { return "the units of the state need others that were not stated" }
