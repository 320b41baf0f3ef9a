package identity

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// The rules of who may see and change what. Where no one acts, Aloft itself does, and may do everything.

// Manager tells whether a caller may change anything in some domain: the rules below know in which.
func Manager(c *auth.Caller) bool { return c.Admin() || (c != nil && managesDomain(c, c.DomainID)) }

// readsAll tells whether a caller may read everything.
func readsAll(c *auth.Caller) bool { return auth.SystemReader(c) }

// managesDomain tells whether a caller may change the users, groups and projects of a domain.
func managesDomain(c *auth.Caller, domainID string) bool {
	return c.Admin() || (c != nil && c.DomainID != "" && c.DomainID == domainID && (c.Has(RoleAdmin) || c.Has(RoleManager)))
}

// readsDomain tells whether a caller may read the users, groups and projects of a domain.
func readsDomain(c *auth.Caller, domainID string) bool {
	return readsAll(c) || (c != nil && c.DomainID != "" && c.DomainID == domainID && c.Has(RoleReader))
}

// readsUser tells whether a caller may read a user and what belongs to it.
func readsUser(c *auth.Caller, u User) bool {
	return readsDomain(c, u.DomainID) || (c != nil && c.UserID == u.ID)
}

// readsProject tells whether a caller may read a project.
func readsProject(c *auth.Caller, p Project) bool {
	return readsDomain(c, p.DomainID) || (c != nil && c.ProjectID == p.ID && c.Has(RoleReader))
}

// managesProject tells whether a caller may change what a project says of itself: its tags.
func managesProject(c *auth.Caller, p Project) bool {
	return managesDomain(c, p.DomainID) || (c != nil && c.ProjectID == p.ID && (c.Has(RoleAdmin) || c.Has(RoleManager)))
}

// seesDomain tells whether a caller may read a domain itself.
func seesDomain(c *auth.Caller, id string) bool {
	return readsAll(c) || (c != nil && (c.DomainID == id || c.ProjectDomainID == id))
}

// readableDomain is the domain that a list is limited to: any for those who read all, their own for readers of a
// domain, and for others the list is refused.
func readableDomain(c *auth.Caller, asked, policy string) (string, error) {
	if readsAll(c) {
		return asked, nil
	}
	if c != nil && readsDomain(c, c.DomainID) && (asked == "" || asked == c.DomainID) {
		return c.DomainID, nil
	}
	return "", refused(policy)
}

// ownDomain is the domain that what a caller finds is limited to; empty for those who read all.
func ownDomain(c *auth.Caller) string {
	if readsAll(c) || c == nil {
		return ""
	}
	return c.DomainID
}

// administer refuses who acts, unless they may do everything.
func administer(ctx context.Context, policy string) error {
	if c := auth.From(ctx); c != nil && !c.Admin() {
		return refused(policy)
	}
	return nil
}

// manage refuses who acts, unless they may change what is in a domain.
func manage(ctx context.Context, domainID, policy string) error {
	if c := auth.From(ctx); c != nil && !managesDomain(c, domainID) {
		return refused(policy)
	}
	return nil
}

// manageFound is manage for what was looked for: what is not there is refused as what is another's.
func manageFound(ctx context.Context, domainID string, err error, policy string) error {
	if err != nil {
		return hideFromActor(ctx, err, policy)
	}
	return manage(ctx, domainID, policy)
}

// hideFromActor turns "there is no such thing" into a refusal for who acts, unless they may do everything.
func hideFromActor(ctx context.Context, err error, policy string) error {
	if c := auth.From(ctx); c != nil && !c.Admin() && fault.Is(err, fault.NotFound) {
		return refused(policy)
	}
	return err
}

// refused is the answer to those who may not. It is the same whether the thing exists or not.
func refused(policy string) error {
	return fault.New(fault.Forbidden, "You are not authorized to perform the requested action: %s.", policy)
}

// hide turns "there is no such thing" into a refusal for those who may not know.
func hide(c *auth.Caller, err error, policy string) error {
	if fault.Is(err, fault.NotFound) && !readsAll(c) {
		return refused(policy)
	}
	return err
}
