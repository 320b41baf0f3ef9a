package network

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// OwnerSubPort is the device owner of ports that a trunk carries; their device is the trunk.
const OwnerSubPort = "trunk:subport"

// Trunk lets a port's device reach the networks of other ports too, each by a VLAN of its own.
type Trunk struct {
	ID, ProjectID, Name, Description string
	AdminUp                          bool   // false: its sub-ports stay as they are
	PortID                           string // the parent
	Status                           string // the parent's; filled by reads
	SubPorts                         []SubPort
	Stamp
}

// SubPort is a port that a trunk carries, with the VLAN by which its packets are told apart in the device.
type SubPort struct {
	PortID string
	VLAN   int
	MAC    string // filled by reads
}

// TrunkStore keeps trunks and their sub-ports.
type TrunkStore interface {
	// AddTrunk adds a trunk without sub-ports, and tells whether it could: not if another trunk has the parent.
	AddTrunk(ctx context.Context, t Trunk) (bool, error)
	Trunk(ctx context.Context, s db.Scope, id string) (Trunk, error)
	Trunks(ctx context.Context, s db.Scope, q Query) ([]Trunk, error)
	ChangeTrunk(ctx context.Context, t Trunk) error
	RemoveTrunk(ctx context.Context, id string) error
	// AddSubPort tells whether it could: not if a trunk has the port, or this trunk the VLAN.
	AddSubPort(ctx context.Context, trunkID string, p SubPort) (bool, error)
	RemoveSubPort(ctx context.Context, portID string) error
	// Parents are the trunks' parents and the VLANs of those of some ports that are sub-ports.
	Parents(ctx context.Context, portIDs ...string) (map[string]Carried, error)
}

// Carried says how a sub-port is carried.
type Carried struct {
	TrunkID, ParentID string
	VLAN              int
}
