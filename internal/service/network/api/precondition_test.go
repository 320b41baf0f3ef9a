package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

type object = map[string]any

// caller calls the API as it is on the wire.
type caller struct {
	t          *testing.T
	url, token string
}

// call returns the status and the object, or error, under the only key of the answer.
func (c caller) call(method, path, match string, body any) (int, object) {
	raw, err := json.Marshal(body)
	require.NoError(c.t, err)
	return c.ask(method, path, match, string(raw))
}

// send sends a body as it is.
func (c caller) send(method, path, body string) (int, object) { return c.ask(method, path, "", body) }

func (c caller) ask(method, path, match, body string) (int, object) {
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+"v2.0/"+path, strings.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("X-Auth-Token", c.token)
	if match != "" {
		r.Header.Set("If-Match", match)
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(c.t, err)
	if len(answer) == 0 {
		return res.StatusCode, nil
	}
	var tree object
	require.NoError(c.t, json.Unmarshal(answer, &tree), string(answer))
	for _, v := range tree {
		if o, ok := v.(object); ok && len(tree) == 1 {
			return res.StatusCode, o
		}
	}
	return res.StatusCode, tree
}

func (c caller) make(path, name string, body object) object {
	c.t.Helper()
	status, made := c.call("POST", path, "", object{name: body})
	require.Equal(c.t, 201, status, made)
	return made
}

func revision(o object) int { return int(o["revision_number"].(float64)) }

func match(n int) string { return fmt.Sprintf("revision_number=%d", n) }

// Every resource with a revision is changed and deleted only at the revision that the caller names.
func TestIfMatch(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		admin, one, two := caller{t, url, "admin"}, caller{t, url, "one"}, caller{t, url, "two"}
		outside := admin.make("networks", "network", object{"name": "outside", "router:external": true})
		admin.make("subnets", "subnet", object{"network_id": outside["id"], "ip_version": 4, "cidr": "192.0.2.0/24"})
		inside := one.make("networks", "network", object{"name": "inside"})
		group := one.make("security-groups", "security_group", object{"name": "g"})
		for _, r := range []struct {
			path, name   string
			make, change object
		}{
			{"networks", "network", object{"name": "n"}, object{"name": "other"}},
			{"subnets", "subnet", object{"network_id": inside["id"], "ip_version": 4, "cidr": "10.0.0.0/24"}, object{"name": "other"}},
			{"ports", "port", object{"network_id": inside["id"]}, object{"name": "other"}},
			{"routers", "router", object{"name": "r"}, object{"name": "other"}},
			{"floatingips", "floatingip", object{"floating_network_id": outside["id"]}, object{"description": "other"}},
			{"security-groups", "security_group", object{"name": "s"}, object{"name": "other"}},
			{"security-group-rules", "security_group_rule", object{"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp"}, nil},
		} {
			made := one.make(r.path, r.name, r.make)
			at, path := revision(made), r.path+"/"+made["id"].(string)
			refused := func(method string) {
				status, e := one.call(method, path, match(at+1), object{r.name: r.change})
				require.Equal(t, 412, status, "%s %s: %v", method, path, e)
				require.Equal(t, "RevisionNumberConstraintFailed", e["type"])
				status, e = one.call(method, path, `"etag"`, object{r.name: r.change})
				require.Equal(t, 400, status, "%s %s: %v", method, path, e)
				status, _ = two.call(method, path, match(at+1), object{r.name: r.change})
				require.Equal(t, 404, status, "somebody else's %s is not there, whatever its revision", r.name)
			}
			if r.change != nil {
				refused("PUT")
				status, changed := one.call("PUT", path, match(at), object{r.name: r.change})
				require.Equal(t, 200, status, changed)
				require.Greater(t, revision(changed), at)
				at = revision(changed)
			}
			refused("DELETE")
			status, e := one.call("DELETE", path, match(at), nil)
			require.Equal(t, 204, status, "%s: %v", path, e)
		}
	})
}

// A router's interfaces are added and removed only at the router's revision.
func TestIfMatchOfInterfaces(t *testing.T) {
	one := caller{t, serve(t, dbtest.SQLite(t, sets()...)), "one"}
	n := one.make("networks", "network", object{"name": "n"})
	subnet := one.make("subnets", "subnet", object{"network_id": n["id"], "ip_version": 4, "cidr": "10.0.0.0/24"})
	router := one.make("routers", "router", object{"name": "r"})
	path, leg := "routers/"+router["id"].(string), object{"subnet_id": subnet["id"]}
	status, e := one.call("PUT", path+"/add_router_interface", match(99), leg)
	require.Equal(t, 412, status, e)
	status, e = one.call("PUT", path+"/add_router_interface", match(revision(router)), leg)
	require.Equal(t, 200, status, e)
	status, e = one.call("PUT", path+"/remove_router_interface", match(revision(router)), leg)
	require.Equal(t, 412, status, "it has another revision since the interface was added: %v", e)
	status, e = one.call("PUT", path+"/remove_router_interface", "*", leg)
	require.Equal(t, 200, status, e)
}

// Of many requests that change or delete an object at the same revision at the same time, exactly one wins.
func TestIfMatchIsARaceWithOneWinner(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		one := caller{t, serve(t, d), "one"}
		for round := range 5 {
			made := one.make("networks", "network", object{"name": "n"})
			path, at := "networks/"+made["id"].(string), match(revision(made))
			var mu sync.Mutex
			var won, lost []int
			var wg sync.WaitGroup
			start := make(chan struct{})
			for i := range 8 {
				wg.Go(func() {
					<-start
					method, body := "PUT", object{"network": object{"name": fmt.Sprint(i)}}
					if i%4 == round%4 {
						method, body = "DELETE", nil
					}
					status, _ := one.call(method, path, at, body)
					mu.Lock()
					defer mu.Unlock()
					if status < 300 {
						won = append(won, status)
					} else {
						lost = append(lost, status)
					}
				})
			}
			close(start)
			wg.Wait()
			require.Len(t, won, 1, "lost: %v", lost)
			for _, status := range lost {
				if won[0] == 204 && status == 404 {
					continue // it came after the one that deleted it
				}
				require.Equal(t, 412, status)
			}
		}
	})
}
