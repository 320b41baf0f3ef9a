package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// Trunks and QoS policies have tags, and are changed only as they are known.
func TestTrunksAndPoliciesHaveTagsAndRevisions(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		s := &sharing{t: t}
		admin, two := caller{t, url, "admin"}, caller{t, url, "two"}
		n := admin.make("networks", "network", object{})
		p := admin.make("ports", "port", object{"network_id": n["id"]})
		trunk := admin.make("trunks", "trunk", object{"port_id": p["id"]})
		slow := admin.make("qos/policies", "policy", object{"name": "slow"})
		for _, o := range []struct {
			path, list, tags, body string
			made                   object
		}{
			{"trunks/", "trunks", "trunks/", "trunk", trunk},
			{"qos/policies/", "policies", "policies/", "policy", slow},
		} {
			id := o.made["id"].(string)
			s.expect(admin, "PUT", o.tags+id+"/tags/blue", nil, 201)
			tagged := s.expect(admin, "GET", o.path+id, nil, 200)
			require.Equal(t, []any{"blue"}, tagged["tags"])
			require.Len(t, s.expect(admin, "GET", o.path[:len(o.path)-1]+"?tags=blue", nil, 200)[o.list], 1)
			require.Empty(t, s.expect(admin, "GET", o.path[:len(o.path)-1]+"?tags=red", nil, 200)[o.list])
			s.expect(two, "PUT", o.tags+id+"/tags/red", nil, 404)
			change := object{o.body: object{"name": "other"}}
			old, now := match(revision(o.made)), match(revision(tagged))
			for _, method := range []string{"PUT", "DELETE"} {
				status, e := admin.call(method, o.path+id, old, change)
				require.Equal(t, 412, status, "%s %s: %v", method, o.path, e)
			}
			status, changed := admin.call("PUT", o.path+id, now, change)
			require.Equal(t, 200, status, changed)
			require.Equal(t, []any{"blue"}, changed["tags"])
			status, e := admin.call("DELETE", o.path+id, match(revision(changed)), nil)
			require.Equal(t, 204, status, e)
		}
	})
}
