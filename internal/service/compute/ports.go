package compute

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

// Networks is what servers need of networks. All of it joins the transaction of the context.
type Networks interface {
	// Usable lists the networks that the caller's project may plug servers into, its own first.
	Usable(ctx context.Context, caller *auth.Caller) ([]NetworkRef, error)
	// Plug makes a port for each plug, or attaches the one that it names. A plug that can't be had is the caller's
	// mistake (Invalid, NotFound, Conflict, QuotaExceeded) and nothing is plugged.
	Plug(ctx context.Context, caller *auth.Caller, plugs []Plug) error
	// Bind tells where servers run: host ids by server id. An empty host id unbinds.
	Bind(ctx context.Context, hosts map[string]string) error
	// Release deletes the ports that were made for the servers, and detaches the others. A server without ports is fine.
	Release(ctx context.Context, serverIDs []string) error
	// PortsOf returns the ports of servers in the order in which they were plugged, in a constant number of queries.
	PortsOf(ctx context.Context, serverIDs []string) (map[string][]Port, error)
	// Guaranteed returns what the ports of servers are guaranteed on physical networks, by server id and physical network;
	// servers that are guaranteed nothing are left out.
	Guaranteed(ctx context.Context, serverIDs []string) (map[string]map[string]placement.Rates, error)
	// PlugsOf is PortsOf for display: without MTU, ranges, gateways and servers, which only hosts need.
	PlugsOf(ctx context.Context, serverIDs []string) (map[string][]Port, error)
}

// NetworkRef is a network that a server could be plugged into.
type NetworkRef struct{ ID, Name string }

// Plug is one connection of a new server: a network (with a fixed address, if FixedIP is set), or a port that exists.
type Plug struct {
	ServerID, Hostname string
	ProjectID          string
	NetworkID, FixedIP string
	PortID             string
	SecurityGroups     []string // names or ids; empty: the project's default. Not for a port that exists
	Zone               string
}

// Port is a server's connection as it is now.
type Port struct {
	protocol.NIC
	NetworkName    string
	Status         string            // "ACTIVE", "DOWN", "BUILD"
	FloatingIPs    map[string]string // fixed address → floating address
	SecurityGroups []SecurityGroup
}

// SecurityGroup is a port's group, for display.
type SecurityGroup struct{ ID, Name, Description string }

// Images is what servers need of images.
type Images interface {
	// Show returns an image that the caller may use; NotFound otherwise.
	Show(ctx context.Context, caller *auth.Caller, id string) (Image, error)
}

// Image is what a root disk starts from.
type Image struct {
	protocol.Image
	Name                  string
	Status                string // "active" if it may be used
	MinDiskGiB, MinRAMMiB int
	Properties            map[string]string `json:",omitempty"` // a server keeps those that placement reads
	VirtualSize           int64             // bytes of the disk inside; 0 if not known
}

// HostLink reaches hosts. A message that is lost is made good by the next Sync.
type HostLink interface {
	// Push tells a host that the wants of servers have changed.
	Push(ctx context.Context, hostID string, servers []protocol.Server) error
	// AskSync asks a host to tell and to be told everything. It doesn't wait for that.
	AskSync(hostID string)
	// Console reads the last lines of a server's serial console; 0 lines means all. Unavailable if the host is silent.
	Console(ctx context.Context, hostID, serverID string, lines int) (string, error)
}

// Store keeps compute's rows. Whatever changes them is called in a transaction.
type Store interface {
	ServerStore
	HostStore
	BandwidthStore
	FlavorStore
	KeyStore
	UsageStore
	ActionStore
	PlacementStore
	GroupStore
	AggregateStore
}

// ServerStore keeps servers. Deleted ones stay as history and are found by the methods that say so.
type ServerStore interface {
	InsertServers(ctx context.Context, servers []Server) error
	// FindServer returns a server that is there; NotFound otherwise.
	FindServer(ctx context.Context, scope db.Scope, id string) (Server, error)
	// ListServers returns servers for display: without what only hosts and loops need.
	ListServers(ctx context.Context, scope db.Scope, f ServerFilter, page query.Page) ([]Server, error)
	// ServersByID returns what there is of some servers, the deleted too, without their user data.
	ServersByID(ctx context.Context, ids []string) ([]Server, error)
	// ServersOnHost returns all that a host should know of, user data included: deleted ones too, while they still claim.
	ServersOnHost(ctx context.Context, hostID string) ([]Server, error)
	// UncarriedOnHost is ServersOnHost, of several hosts, for servers whose wants their host has not carried out.
	UncarriedOnHost(ctx context.Context, hostIDs ...string) ([]Server, error)
	// UnplacedServers returns the first servers that wait for a host, oldest first.
	UnplacedServers(ctx context.Context, limit int) ([]Server, error)
	// HostsBehind lists the hosts with servers whose wants they have not carried out.
	HostsBehind(ctx context.Context) ([]string, error)
	// PurgeServers forgets servers, and what was asked of them, that were deleted before a time and claim nothing.
	PurgeServers(ctx context.Context, before time.Time) error
	// SaveServers writes servers back and raises their revision. It fails with Conflict if any was changed meanwhile.
	// User data and what never changes is not written.
	SaveServers(ctx context.Context, servers []Server) error
}

// ServerFilter narrows a list of servers. A zero field does not narrow.
type ServerFilter struct {
	IDs                          []string
	Name                         string // a part of the name, in any case
	ExactName                    string
	ProjectID, UserID            string
	States                       []State
	Tasks                        []Task
	ImageID, FlavorID            string
	Host                         string // name or id
	Zone, KeyName, ReservationID string
	Tags                         query.Tags
	Since, Before                *time.Time // of the last change; Since includes deleted servers
	Deleted                      bool       // only the deleted
	UserData                     bool       // read it too
	Names                        bool       // read ids and names only
}

// HostStore keeps hosts and what is claimed on them.
type HostStore interface {
	Hosts(ctx context.Context) ([]Host, error)
	FindHost(ctx context.Context, id string) (Host, error)
	HostsByID(ctx context.Context, ids []string) ([]Host, error)
	// SetHostDisabled says whether new servers may be placed on a host; NotFound if there is none.
	SetHostDisabled(ctx context.Context, id string, disabled bool, reason string) error
	// UpsertHosts writes what hosts say of themselves, and that they were seen.
	UpsertHosts(ctx context.Context, hosts []protocol.Host, zone string, seen time.Time) error
	TouchHosts(ctx context.Context, ids []string, seen time.Time) error
	// Claim adds to what is claimed on hosts; false, with nothing claimed, if that would exceed a limit of one of them
	// or a host is disabled.
	Claim(ctx context.Context, claims []Claim) (bool, error)
	// Release takes off what was claimed on hosts.
	Release(ctx context.Context, claims []Claim) error
}

// Claim is what some servers take on one host.
type Claim struct {
	HostID  string
	Servers int
	Size    Resources
	Limits  Resources
}

// FlavorStore keeps flavors.
type FlavorStore interface {
	InsertFlavor(ctx context.Context, f Flavor) error
	// DeleteFlavor fails with NotFound if there is none.
	DeleteFlavor(ctx context.Context, id string) error
	FindFlavor(ctx context.Context, id string) (Flavor, error)
	ListFlavors(ctx context.Context, f FlavorFilter, page query.Page) ([]Flavor, error)
}

// KeyStore keeps key pairs, which belong to users.
type KeyStore interface {
	InsertKeyPair(ctx context.Context, k KeyPair) error
	DeleteKeyPair(ctx context.Context, userID, name string) error
	FindKeyPair(ctx context.Context, userID, name string) (KeyPair, error)
	// ListKeyPairs returns key pairs by name, after a name, at most limit (0: all).
	ListKeyPairs(ctx context.Context, userID, after string, limit int) ([]KeyPair, error)
}

// UsageStore keeps quotas and what projects use of them.
type UsageStore interface {
	// Quota returns a project's quota, defaults where it has none of its own.
	Quota(ctx context.Context, projectID string, defaults Quota) (Quota, error)
	SetQuota(ctx context.Context, projectID string, q Quota) error
	Usage(ctx context.Context, projectID string) (Usage, error)
	// Use adds to a project's usage (or takes off); false, with nothing added, if it would exceed the quota.
	Use(ctx context.Context, projectID string, more Usage, most Quota) (bool, error)
}

// ActionStore keeps the history of what was asked of servers.
type ActionStore interface {
	InsertActions(ctx context.Context, actions []Action) error
	// FinishActions closes the open actions of servers; message is empty for those that went well.
	FinishActions(ctx context.Context, serverIDs []string, message string, at time.Time) error
	// Actions returns what was asked of a server, the latest first.
	Actions(ctx context.Context, scope db.Scope, serverID string, f ActionSearch) ([]Action, error)
}

// ActionSearch is which of a server's actions are looked for; the zero value is all.
type ActionSearch struct {
	Since, Before *time.Time // of the last change, both included
	After         string     // the request id of the action that was seen last
	Limit         int        // the most of them; 0: all
}

// Action is one thing that a user asked of a server.
type Action struct {
	ID, ServerID, ProjectID, UserID, RequestID string
	Name                                       string // "create", "stop" ...
	Message                                    string // why it failed
	StartedAt, UpdatedAt                       time.Time
	FinishedAt                                 *time.Time
}
