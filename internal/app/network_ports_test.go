package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The network service must not take a project that is there for one that is gone: it would remove what that has.
func TestTheNetworkKnowsProjects(t *testing.T) {
	p := newPlane(t)
	id := p.make(p.admin, "POST", "/identity/v3/projects", obj{"project": obj{"name": "first", "domain_id": "default"}}, "project", "id")
	projects := networkProjects{p.control.identity}
	there, err := projects.Exists(t.Context(), id)
	require.NoError(t, err)
	require.True(t, there)
	require.Equal(t, 204, p.call("DELETE", "/identity/v3/projects/"+id, "", p.admin).Code)
	there, err = projects.Exists(t.Context(), id)
	require.NoError(t, err)
	require.False(t, there)
}
