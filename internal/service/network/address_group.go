package network

import (
	"context"
	"net/netip"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// AddressGroup is a set of addresses that rules of security groups name as a whole.
type AddressGroup struct {
	ID, ProjectID, Name, Description string
	Addresses                        []netip.Prefix // in order, of either IP version; one may be within another
	Shared                           bool           // with the project that reads it; filled by reads
	Stamp
}

// AddressGroupStore keeps address groups. A scope sees its own, and those shared with it.
type AddressGroupStore interface {
	AddAddressGroup(ctx context.Context, g AddressGroup) error
	AddressGroup(ctx context.Context, s db.Scope, id string) (AddressGroup, error)
	AddressGroups(ctx context.Context, s db.Scope, q Query) ([]AddressGroup, error)
	ChangeAddressGroup(ctx context.Context, g AddressGroup) error
	RemoveAddressGroup(ctx context.Context, id string) error
}
