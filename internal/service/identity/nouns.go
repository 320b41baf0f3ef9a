package identity

import "time"

// The names and ids that every installation has from its first start.
const (
	DefaultDomainID   = "default"
	DefaultDomainName = "Default"

	RoleAdmin   = "admin"
	RoleManager = "manager"
	RoleMember  = "member"
	RoleReader  = "reader"
	RoleService = "service"
)

// Project owns what other services make. A domain is a project with IsDomain: it owns projects, users and groups.
type Project struct {
	ID, Name    string
	DomainID    string // empty for a domain
	ParentID    string // another project or the domain; empty for a domain
	IsDomain    bool
	Enabled     bool
	Description string
	Tags        []string
	Options     Options
	Extra       map[string]any // what clients have added
	CreatedAt   time.Time
	Revision    int64
}

// Options guard a project, domain or role.
type Options struct {
	// Immutable things can't be changed or deleted until this is taken away. nil: never said.
	Immutable *bool `json:"immutable,omitempty"`
}

func (o Options) immutable() bool { return o.Immutable != nil && *o.Immutable }

// User is a person or a program that can log in.
type User struct {
	ID, Name, DomainID string
	DefaultProjectID   string // the scope of a log-in that names none; may be empty
	Enabled            bool
	Description        string
	Extra              map[string]any
	PasswordHash       string // empty: cannot log in with a password
	PasswordChangedAt  time.Time
	PasswordExpiresAt  time.Time // zero: never
	LastActiveAt       time.Time // zero: not known
	Options            UserOptions
	CreatedAt          time.Time
	Revision           int64
}

// Group is a set of users that are given roles together.
type Group struct {
	ID, Name, DomainID, Description string
	Extra                           map[string]any // what clients have added
	CreatedAt                       time.Time
	Revision                        int64
}

// Role is a name for what one may do. A role of a domain is of use in that domain only; DomainID is empty for the
// others.
type Role struct {
	ID, Name, DomainID, Description string
	Options                         Options
	Extra                           map[string]any // what clients have added
	CreatedAt                       time.Time
	Revision                        int64
}

// Implication says that who has the role RoleID also has the role ImpliedID.
type Implication struct{ RoleID, ImpliedID string }

// Scope is what roles are held on: a project, a domain, or the system. The zero Scope is none of them.
type Scope struct {
	ProjectID, DomainID string
	System              bool
}

// Actor is who holds a role: exactly one of a user and a group.
type Actor struct{ UserID, GroupID string }

// Assignment is a role held by an actor on a scope.
type Assignment struct {
	Actor
	Scope
	RoleID string
	// Inherited assignments hold on all projects below their scope, and not on the scope itself.
	Inherited bool
}

// Endpoint is a service of this installation as the catalog tells of it. URL may hold {project_id}.
type Endpoint struct {
	ID   string // of the service; made from the type if empty
	Type string // "compute"
	Name string // "nova"
	URL  string
}
