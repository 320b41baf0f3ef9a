package identity

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// Tx runs work in a transaction that travels in the context. *db.DB is one.
type Tx interface {
	Tx(ctx context.Context, fn func(ctx context.Context) error) error
	AfterCommit(ctx context.Context, fn func())
}

// Events takes events in the caller's transaction and tells of those that were committed. *event.Log is one.
type Events interface {
	Add(ctx context.Context, ev event.Event) error
	Subscribe(prefix string, fn func(event.Event)) (cancel func())
}

// Stores are the tables of the service. Reads of one thing return a fault of class NotFound where there is none;
// inserts and updates one of class Conflict where the name is taken, or where the row has another revision than the one
// that is given. Updates raise the revision.
type Stores struct {
	Projects    Projects
	Users       Users
	Groups      Groups
	Roles       Roles
	Assignments Assignments
	Tokens      Tokens
	AppCreds    AppCreds
	Credentials Credentials
	Trusts      Trusts
	Guards      Guards
	Configs     DomainConfigs
	ResourceStores
}

// Projects keeps projects and domains.
type Projects interface {
	InsertProject(ctx context.Context, p Project) error
	UpdateProject(ctx context.Context, p Project) error
	DeleteProject(ctx context.Context, id string) error
	Project(ctx context.Context, id string) (Project, error)
	ProjectByName(ctx context.Context, domainID, name string) (Project, error) // domainID "": a domain
	ListProjects(ctx context.Context, f ProjectFilter, page query.Page) ([]Project, error)
}

// ProjectFilter selects projects by all of its fields that are set.
type ProjectFilter struct {
	IsDomain                 bool
	ID                       string
	Name, DomainID, ParentID string
	Enabled                  *bool
	UserID                   string // holds a role on it, by itself or through a group, there or inherited
	Below                    string // a project or domain that it is below, however deep
	InEnabledDomain          bool
	NameIs                   []query.Match
	Tags                     query.Tags
}

// Users keeps users.
type Users interface {
	InsertUser(ctx context.Context, u User) error
	UpdateUser(ctx context.Context, u User) error
	DeleteUser(ctx context.Context, id string) error // with memberships
	User(ctx context.Context, id string) (User, error)
	UserByName(ctx context.Context, domainID, name string) (User, error)
	ListUsers(ctx context.Context, f UserFilter, page query.Page) ([]User, error)
	ClearDefaultProject(ctx context.Context, projectID string) error
}

// UserFilter selects users by all of its fields that are set.
type UserFilter struct {
	Name, DomainID, GroupID string
	Enabled                 *bool
	NameIs                  []query.Match
	PasswordExpires         []query.Bound
}

// Groups keeps groups and their members.
type Groups interface {
	InsertGroup(ctx context.Context, g Group) error
	UpdateGroup(ctx context.Context, g Group) error
	DeleteGroup(ctx context.Context, id string) error // with memberships
	Group(ctx context.Context, id string) (Group, error)
	ListGroups(ctx context.Context, f GroupFilter, page query.Page) ([]Group, error)
	AddMember(ctx context.Context, groupID, userID string) error // nothing if it is one
	RemoveMember(ctx context.Context, groupID, userID string) error
	IsMember(ctx context.Context, groupID, userID string) (bool, error)
}

// GroupFilter selects groups by all of its fields that are set.
type GroupFilter struct {
	Name, DomainID, UserID string
	NameIs                 []query.Match
}

// Roles keeps roles and what they imply.
type Roles interface {
	InsertRole(ctx context.Context, r Role) error
	UpdateRole(ctx context.Context, r Role) error
	DeleteRole(ctx context.Context, id string) error // with assignments and implications
	Role(ctx context.Context, id string) (Role, error)
	ListRoles(ctx context.Context, f RoleFilter, page query.Page) ([]Role, error)
	Imply(ctx context.Context, i Implication) error // nothing if it does
	Unimply(ctx context.Context, i Implication) (found bool, err error)
	Implications(ctx context.Context) ([]Implication, error)
}

// RoleFilter selects roles; DomainID "" selects the global ones, EveryDomain all.
type RoleFilter struct {
	Name, DomainID string
	EveryDomain    bool
	NameIs         []query.Match
}

// Assignments keeps who holds which role on what.
type Assignments interface {
	Assign(ctx context.Context, a Assignment) error // nothing if it is
	Unassign(ctx context.Context, a Assignment) (found bool, err error)
	Assigned(ctx context.Context, a Assignment) (bool, error)
	ListAssignments(ctx context.Context, f AssignmentFilter) ([]Assignment, error)
	// Held returns the ids of the roles that a user holds on a scope, by itself or through groups, assigned there or
	// inherited, without those implied.
	Held(ctx context.Context, userID string, on Scope) ([]string, error)
	UnassignActor(ctx context.Context, actor Actor) error
	UnassignScope(ctx context.Context, on Scope) error
}

// AssignmentFilter selects assignments by all of its fields that are set.
type AssignmentFilter struct {
	Actor
	Scope
	RoleID    string
	Inherited *bool
	InDomain  string      // their scope is this domain or a project in it
	After     *Assignment // those that come behind it in the order of the list
	Limit     int         // the most; 0: all
}

// DomainConfigs keeps the options of domains. Values are JSON, or encrypted.
type DomainConfigs interface {
	PutDomainOptions(ctx context.Context, domainID string, options []DomainOption) error // adds or replaces
	DomainOptions(ctx context.Context, domainID string) ([]DomainOption, error)
	// DeleteDomainOptions removes those of a group, or with an option that one; without both all. It tells how many.
	DeleteDomainOptions(ctx context.Context, domainID, group, option string) (int64, error)
}

// Tokens keeps what all control nodes must know to verify tokens.
type Tokens interface {
	Keys(ctx context.Context) ([]SealedKey, error)
	InsertKey(ctx context.Context, k SealedKey) error // Conflict where the id is taken
	DeleteKeys(ctx context.Context, ids []uint32) error
	InsertRevocations(ctx context.Context, revs []auth.Revocation) error
	Revocations(ctx context.Context, since time.Time) ([]auth.Revocation, error) // by IssuedBefore
	DeleteRevocations(ctx context.Context, expired time.Time) error
}

// SealedKey is a token key as it is stored: encrypted with the master key.
type SealedKey struct {
	ID        uint32
	Secret    string
	SignsFrom time.Time
}
