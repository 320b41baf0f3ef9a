package auth

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRevocations(t *testing.T) {
	project := sample()
	domain := sample()
	domain.ProjectID, domain.ProjectDomainID = "", ""
	domain.DomainID = "d2"
	system := sample()
	system.ProjectID, system.ProjectDomainID = "", ""
	system.System = true
	guest := sample() // a user of another domain than the project's
	guest.UserDomainID = "d3"

	user := project.UserID
	cases := []struct {
		name                           string
		target                         Target
		project, domain, system, guest bool
	}{
		{"audit id", ByAudit(project.AuditIDs[0]), true, true, true, true},
		{"other audit id", ByAudit("other"), false, false, false, false},
		{"user", ByUser(user), true, true, true, true},
		{"other user", ByUser("other"), false, false, false, false},
		{"project", ByProject(project.ProjectID), true, false, false, true},
		{"user's domain", ByDomain("default"), true, true, true, true},
		{"scope's domain", ByDomain("d2"), false, true, false, false},
		{"guest's domain", ByDomain("d3"), false, false, false, true},
		{"assignment on project", ByProjectAssignment(user, project.ProjectID), true, false, false, true},
		{"other's assignment", ByProjectAssignment("other", project.ProjectID), false, false, false, false},
		{"assignment on domain", ByDomainAssignment(user, "d2"), false, true, false, false},
		{"assignment on the user's own domain", ByDomainAssignment(user, "default"), false, false, false, false},
		{"assignment on system", BySystemAssignment(user), false, false, true, false},
		{"role", ByRole(project.RoleIDs[1]), true, true, true, true},
		{"other role", ByRole("other"), false, false, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			list := &Revocations{}
			list.Add(Revocation{Target: c.target, IssuedBefore: issued, ExpiresAt: issued.Add(time.Hour)})
			require.Equal(t, c.project, list.Revoked(project), "project token")
			require.Equal(t, c.domain, list.Revoked(domain), "domain token")
			require.Equal(t, c.system, list.Revoked(system), "system token")
			require.Equal(t, c.guest, list.Revoked(guest), "guest's token")
			later := *project
			later.IssuedAt = issued.Add(time.Microsecond)
			require.False(t, list.Revoked(&later), "issued after")
		})
	}
}

func TestRevocationsKeepTheLatestAndForgetTheDead(t *testing.T) {
	list := &Revocations{}
	tok := sample()
	require.False(t, list.Revoked(tok))
	list.Add(Revocation{Target: ByUser(tok.UserID), IssuedBefore: issued, ExpiresAt: issued.Add(2 * time.Hour)})
	list.Add(Revocation{Target: ByUser(tok.UserID), IssuedBefore: issued.Add(-time.Hour), ExpiresAt: issued.Add(time.Hour)})
	require.True(t, list.Revoked(tok), "an older revocation does not undo a newer one")

	list.Prune(issued.Add(2 * time.Hour))
	require.True(t, list.Revoked(tok))
	list.Prune(issued.Add(2*time.Hour + 1))
	require.False(t, list.Revoked(tok))
	require.Zero(t, list.Len())
}
