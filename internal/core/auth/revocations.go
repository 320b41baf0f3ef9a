package auth

import (
	"sync"
	"time"
)

// Target says which tokens a revocation is about: those that match all its fields that are set.
type Target struct {
	AuditID   string `json:"audit_id,omitempty"`
	UserID    string `json:"user_id,omitempty"`
	ProjectID string `json:"project_id,omitempty"`
	DomainID  string `json:"domain_id,omitempty"`
	RoleID    string `json:"role_id,omitempty"`
	System    bool   `json:"system,omitempty"`
	// DelegationID is of an application credential or a trust.
	DelegationID string `json:"delegation_id,omitempty"`
}

// ByAudit is the one token with this audit id.
func ByAudit(id string) Target { return Target{AuditID: id} }

// ByUser is every token of a user.
func ByUser(id string) Target { return Target{UserID: id} }

// ByProject is every token scoped to a project.
func ByProject(id string) Target { return Target{ProjectID: id} }

// ByDomain is every token that a domain has to do with: its users', its projects' and those scoped to it.
func ByDomain(id string) Target { return Target{DomainID: id} }

// ByRole is every token that carries a role.
func ByRole(id string) Target { return Target{RoleID: id} }

// ByProjectAssignment is every token of a user scoped to a project.
func ByProjectAssignment(user, project string) Target {
	return Target{UserID: user, ProjectID: project}
}

// ByDomainAssignment is every token of a user scoped to a domain.
func ByDomainAssignment(user, domain string) Target { return Target{UserID: user, DomainID: domain} }

// ByDelegation is every token that stands on an application credential or a trust.
func ByDelegation(id string) Target { return Target{DelegationID: id} }

// BySystemAssignment is every token of a user scoped to the system.
func BySystemAssignment(user string) Target { return Target{UserID: user, System: true} }

// Revocation takes back the tokens of a target that were issued until IssuedBefore. After ExpiresAt no such token can
// be alive and the revocation may be forgotten.
type Revocation struct {
	Target
	IssuedBefore time.Time `json:"issued_before"`
	ExpiresAt    time.Time `json:"expires_at"`
}

// Revocations is the list of revocations in memory. It is safe for concurrent use; the zero value is an empty list.
type Revocations struct {
	mu   sync.RWMutex
	list map[Target]Revocation
}

// Add takes revocations into the list; those that are known already change nothing.
func (r *Revocations) Add(add ...Revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.list == nil {
		r.list = map[Target]Revocation{}
	}
	for _, a := range add {
		if known, ok := r.list[a.Target]; !ok || known.IssuedBefore.Before(a.IssuedBefore) {
			r.list[a.Target] = a
		}
	}
}

// Prune forgets what can no longer match.
func (r *Revocations) Prune(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for target, rev := range r.list {
		if now.After(rev.ExpiresAt) {
			delete(r.list, target)
		}
	}
}

// Len returns how many targets the list holds.
func (r *Revocations) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.list)
}

// Revoked tells whether the token was taken back.
func (r *Revocations) Revoked(t *Token) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.list) == 0 {
		return false
	}
	hit := func(target Target) bool {
		rev, ok := r.list[target]
		return ok && !t.IssuedAt.After(rev.IssuedBefore)
	}
	if hit(ByUser(t.UserID)) || hit(ByDomain(t.UserDomainID)) {
		return true
	}
	if len(t.AuditIDs) > 0 && hit(ByAudit(t.AuditIDs[0])) {
		return true
	}
	switch {
	case t.ProjectID != "":
		if hit(ByProject(t.ProjectID)) || hit(ByDomain(t.ProjectDomainID)) || hit(ByProjectAssignment(t.UserID, t.ProjectID)) {
			return true
		}
	case t.DomainID != "":
		if hit(ByDomain(t.DomainID)) || hit(ByDomainAssignment(t.UserID, t.DomainID)) {
			return true
		}
	case t.System:
		if hit(BySystemAssignment(t.UserID)) {
			return true
		}
	}
	for _, id := range t.RoleIDs {
		if hit(ByRole(id)) {
			return true
		}
	}
	if !t.Delegated() {
		return false
	}
	for _, id := range t.Delegators {
		if hit(ByUser(id)) || hit(ByProjectAssignment(id, t.ProjectID)) {
			return true
		}
	}
	return (t.AppCredID != "" && hit(ByDelegation(t.AppCredID))) || (t.TrustID != "" && hit(ByDelegation(t.TrustID)))
}
