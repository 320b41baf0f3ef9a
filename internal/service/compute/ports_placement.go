package compute

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// PlacementStore keeps how servers are placed, and what came of it.
type PlacementStore interface {
	// Tuning returns the tuning, defaults where nobody has changed it.
	Tuning(ctx context.Context, defaults Tuning) (Tuning, error)
	SetTuning(ctx context.Context, t Tuning) error
	// SavePlacements keeps the last attempt of each server.
	SavePlacements(ctx context.Context, placements []Placement) error
	// FindPlacement returns the last attempt to place a server; NotFound if there was none.
	FindPlacement(ctx context.Context, scope db.Scope, serverID string) (Placement, error)
}

// GroupStore keeps server groups. Their members are the servers that name them.
type GroupStore interface {
	InsertServerGroup(ctx context.Context, g ServerGroup) error
	// DeleteServerGroup fails with NotFound if there is none. Its members stay, without a group.
	DeleteServerGroup(ctx context.Context, scope db.Scope, id string) error
	// FindServerGroup returns a group with its members; NotFound if there is none.
	FindServerGroup(ctx context.Context, scope db.Scope, id string) (ServerGroup, error)
	// ListServerGroups returns groups with their members, the oldest first; limit 0 is all.
	ListServerGroups(ctx context.Context, scope db.Scope, offset, limit int) ([]ServerGroup, error)
	// CountServerGroups counts the groups of a project.
	CountServerGroups(ctx context.Context, projectID string) (int, error)
	// CountGroupMembers counts the servers of a user in a group.
	CountGroupMembers(ctx context.Context, groupID, userID string) (int, error)
	// ServerGroupsByID returns what there is of some groups, without their members.
	ServerGroupsByID(ctx context.Context, ids []string) ([]ServerGroup, error)
	// GroupHosts counts the members of groups by host id.
	GroupHosts(ctx context.Context, ids []string) (map[string]map[string]int, error)
	// TouchServerGroups raises the revisions of groups; false, with some raised, if one has another by now.
	TouchServerGroups(ctx context.Context, groups []ServerGroup) (bool, error)
}

// AggregateStore keeps aggregates.
type AggregateStore interface {
	// Aggregates returns all with their hosts, in the order of their numbers.
	Aggregates(ctx context.Context) ([]Aggregate, error)
	// FindAggregate finds one by its number; NotFound if there is none.
	FindAggregate(ctx context.Context, number int64) (Aggregate, error)
	// InsertAggregate gives it a number.
	InsertAggregate(ctx context.Context, a Aggregate) (Aggregate, error)
	// SaveAggregate writes name, metadata and hosts back; Conflict if it was changed meanwhile.
	SaveAggregate(ctx context.Context, a Aggregate) error
	DeleteAggregate(ctx context.Context, a Aggregate) error
	// HostByName finds a host by its name; NotFound if there is none.
	HostByName(ctx context.Context, name string) (Host, error)
	// AnyHost tells whether there is a host in a zone.
	AnyHost(ctx context.Context, zone string) (bool, error)
	// SetHostZones says in which zone hosts are.
	SetHostZones(ctx context.Context, hostIDs []string, zone string) error
	// SetHostMaintenance says whether someone is at work on a host; NotFound if there is none.
	SetHostMaintenance(ctx context.Context, id string, on bool) error
	// SetFlavorSpecs replaces the extra specs of a flavor; NotFound if there is none.
	SetFlavorSpecs(ctx context.Context, flavorID string, specs map[string]string) error
}
