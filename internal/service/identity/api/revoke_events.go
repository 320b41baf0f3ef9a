package api

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

// revokeRoutes tell services that verify tokens themselves which ones were taken back.
func (a *api) revokeRoutes() []rest.Route {
	serviceOrAdmin := func(c *auth.Caller) bool { return c.Admin() || c.Has("service") }
	return []rest.Route{
		get("/v3/OS-REVOKE/events", "Lists which tokens were taken back.", "list_revoke_events", serviceOrAdmin, rest.Do(a.listRevocations)),
	}
}

type revocationWire struct {
	AuditID       string `json:"audit_id,omitempty"`
	UserID        string `json:"user_id,omitempty"`
	ProjectID     string `json:"project_id,omitempty"`
	DomainID      string `json:"domain_id,omitempty"`       // every token that has to do with the domain
	DomainScopeID string `json:"domain_scope_id,omitempty"` // tokens scoped to the domain
	RoleID        string `json:"role_id,omitempty"`
	SystemScope   string `json:"system_scope,omitempty"`
	TrustID       string `json:"OS-TRUST:trust_id,omitempty"` // or of an application credential
	IssuedBefore  string `json:"issued_before"`
}

type revocationsOut struct {
	Events []revocationWire `json:"events"`

	listEnd
}

func revocationOf(_ context.Context, r auth.Revocation) revocationWire {
	w := revocationWire{AuditID: r.AuditID, UserID: r.UserID, ProjectID: r.ProjectID, RoleID: r.RoleID, TrustID: r.DelegationID, IssuedBefore: stamp(r.IssuedBefore)}
	if r.UserID != "" {
		w.DomainScopeID = r.DomainID
	} else {
		w.DomainID = r.DomainID
	}
	if r.System {
		w.SystemScope = "all"
	}
	return w
}

// revocationKey is what tells a revocation from all others, as it has no id on the wire.
func revocationKey(r auth.Revocation) string {
	return strings.Join([]string{stamp(r.IssuedBefore), r.AuditID, r.UserID, r.ProjectID, r.DomainID, r.RoleID, r.DelegationID, strconv.FormatBool(r.System)}, ",")
}

func (a *api) listRevocations(ctx context.Context, in struct {
	pageIn
	Since string `query:"since"`
},
) (revocationsOut, error) {
	since, err := sinceOf(in.Since)
	if err != nil {
		return revocationsOut{}, err
	}
	all, err := a.core.Revocations(ctx, since)
	if err != nil {
		return revocationsOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, all, revocationKey)
	return revocationsOut{wires(ctx, all, revocationOf), at}, err
}

// sinceOf reads a time in the forms of ISO 8601 that clients send; without a zone it is UTC.
func sinceOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fault.Invalidf("since", "Invalid input for query parameter since: %q is not a time such as 2026-01-02T03:04:05Z", text)
}
