package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/rest"
)

// TestMicroversions asks every route of compute at every version that there is. Where the shape of an answer changes
// between two of them is up to the fields; that it is always an answer is tested here.
func TestMicroversions(t *testing.T) {
	p := newPlane(t)
	project := p.make(p.admin, "POST", "/identity/v3/projects", obj{"project": obj{"name": "first", "domain_id": "default"}}, "project", "id")
	owner, _ := p.user("member", "default", project, "member")
	boss, _ := p.user("boss", "default", project, "admin")
	p.furnish(owner, project)
	lowest, err := rest.ParseVersion("2.1")
	require.NoError(t, err)
	var compute rest.Service
	for _, s := range p.control.services() {
		if s.Type == "compute" {
			compute = s
		}
	}
	highest, err := rest.ParseVersion(compute.Micro.Max)
	require.NoError(t, err)
	for minor := lowest.Minor; minor <= highest.Minor; minor++ {
		version := fmt.Sprintf("2.%d", minor)
		for _, e := range p.endpoints() {
			if e.service != "compute" {
				continue
			}
			w := p.call(e.Method, p.path(e, e.Method == http.MethodGet), p.body(e), boss, "OpenStack-API-Version", "compute "+version)
			require.Less(t, w.Code, 500, "%s at %s: %s", e, version, w.Body)
			if e.Policy.NeedsToken() || w.Code < 300 {
				require.Equal(t, "compute "+version, w.Header().Get("OpenStack-API-Version"), e.String())
			}
			exists := within(version, e.Since, e.Until)
			if !exists {
				require.Equal(t, http.StatusNotFound, w.Code, "%s is not there at %s", e, version)
			}
			if w.Body.Len() > 0 {
				var object map[string]any
				require.NoError(t, json.Unmarshal(w.Body.Bytes(), &object), "%s at %s: %s", e, version, w.Body)
			}
		}
		p.changesAt(owner, version)
	}
	w := p.call("GET", "/compute/v2.1/servers", "", owner, "OpenStack-API-Version", fmt.Sprintf("compute 2.%d", highest.Minor+1))
	require.Equal(t, http.StatusNotAcceptable, w.Code)
}

// changesAt makes, changes and deletes a server and a key pair at a version.
func (p *plane) changesAt(token, version string) {
	p.tb.Helper()
	do := func(method, path string, body any) map[string]any {
		raw, err := json.Marshal(body)
		require.NoError(p.tb, err)
		w := p.call(method, "/compute/v2.1"+path, string(raw), token, "X-OpenStack-Nova-API-Version", version)
		require.Less(p.tb, w.Code, 300, "%s %s at %s: %s", method, path, version, w.Body)
		var out map[string]any
		if w.Body.Len() > 0 {
			require.NoError(p.tb, json.Unmarshal(w.Body.Bytes(), &out))
		}
		return out
	}
	made := do("POST", "/servers", obj{"server": obj{"name": "s", "flavorRef": "tiny", "imageRef": p.ids["image_id"], "networks": []obj{{"uuid": p.ids["networks"]}}}})
	path := "/servers/" + made["server"].(map[string]any)["id"].(string)
	shown := do("GET", path, nil)["server"].(map[string]any)
	flavor := shown["flavor"].(map[string]any)
	if within(version, "2.47", "") {
		require.Equal(p.tb, "tiny", flavor["original_name"], version)
	} else {
		require.Equal(p.tb, "tiny", flavor["id"], version)
	}
	_, described := shown["description"]
	require.Equal(p.tb, within(version, "2.19", ""), described, version)
	_, tagged := shown["tags"]
	require.Equal(p.tb, within(version, "2.26", ""), tagged, version)
	do("PUT", path, obj{"server": obj{"name": "t"}})
	do("POST", path+"/metadata", obj{"metadata": obj{"a": "b"}})
	do("DELETE", path, nil)
	pair := obj{"name": "k"}
	if within(version, "2.92", "") {
		pair["public_key"] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f k"
	}
	do("POST", "/os-keypairs", obj{"keypair": pair})
	do("DELETE", "/os-keypairs/k", nil)
}

func within(version, since, until string) bool {
	v, _ := rest.ParseVersion(version)
	if since != "" && !v.AtLeast(since) {
		return false
	}
	last, err := rest.ParseVersion(until)
	return err != nil || !last.Less(v)
}
