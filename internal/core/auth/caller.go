// Package auth knows who calls and what they may do: the caller in the context, the rules of the policies, and the
// tokens that are verified without a read of the database.
package auth

import (
	"context"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// Caller is who a request acts for, as its token says. It never changes during a request.
type Caller struct {
	UserID, UserName, UserDomainID, UserDomainName             string
	ProjectID, ProjectName, ProjectDomainID, ProjectDomainName string // empty unless scoped to a project
	DomainID, DomainName                                       string // empty unless scoped to a domain
	System                                                     bool   // scoped to the whole system
	Roles                                                      []string
	Methods                                                    []string
	AuditIDs                                                   []string
	IssuedAt, ExpiresAt                                        time.Time
	PasswordExpiresAt                                          time.Time // zero: never
	Delegation

	Bounded bool // an admin on its scope only: the policy file says so
}

// Has tells whether the caller holds a role on its scope.
func (c *Caller) Has(role string) bool { return c != nil && slices.Contains(c.Roles, role) }

// Admin tells whether the caller may act on every project's objects: an admin on the system or, unless the policy file
// says otherwise, on any project. An admin on a domain is one in there only, which the identity service sees to.
func (c *Caller) Admin() bool { return c.Has("admin") && c.DomainID == "" && !c.Bounded }

// Scope is what the caller may see of rows that belong to projects: an admin all of them, others their project's.
func (c *Caller) Scope() db.Scope {
	if c.Admin() {
		return db.Everywhere()
	}
	return c.Own()
}

// Own is the caller's own project, for an admin too. Without a project it matches nothing.
func (c *Caller) Own() db.Scope {
	if c == nil {
		return db.Scope{}
	}
	return db.InProject(c.ProjectID)
}

// System is the caller of Aloft's own loops, which act for nobody in particular.
func System() *Caller {
	return &Caller{UserID: "aloft", UserName: "aloft", System: true, Roles: []string{"admin"}}
}

type callerKey struct{}

// With returns a context that carries the caller.
func With(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From returns the caller of a request; nil where the route needs none.
func From(ctx context.Context) *Caller {
	c, _ := ctx.Value(callerKey{}).(*Caller)
	return c
}
