package app

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// TestManyServersCostTheStatementsOfOne counts what servers cost that are made together, with their ports, quota, actions
// and events.
func TestManyServersCostTheStatementsOfOne(t *testing.T) {
	p := newPlane(t)
	count := dbtest.Count(p.control.db)
	network := p.make(p.admin, "POST", "/network/v2.0/networks", obj{"network": obj{"name": "net"}}, "network", "id")
	p.make(p.admin, "POST", "/network/v2.0/subnets", obj{"subnet": obj{"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/12"}}, "subnet", "id")
	image := p.make(p.admin, "POST", "/image/v2/images", obj{"name": "image", "disk_format": "raw", "container_format": "bare"}, "id")
	require.Equal(t, http.StatusNoContent, p.call("PUT", "/image/v2/images/"+image+"/file", "bytes", p.admin, "Content-Type", "application/octet-stream").Code)
	p.make(p.admin, "POST", "/compute/v2.1/flavors", obj{"flavor": obj{"name": "tiny", "id": "tiny", "vcpus": 1, "ram": 64, "disk": 1}}, "flavor", "id")
	create := func(servers int) int {
		return count.Of(func() {
			p.make(p.admin, "POST", "/compute/v2.1/servers", obj{"server": obj{
				"name": "many", "flavorRef": "tiny", "imageRef": image, "min_count": servers, "networks": []obj{{"uuid": network}},
			}}, "server", "id")
		})
	}
	create(1) // makes the default security group
	one, five := create(1), create(5)
	require.LessOrEqual(t, five, one+1, "a guessed address may be taken once")
	require.Less(t, one, 30)
	t.Logf("%d statements to make servers", five)
}

// TestServersMadeAtTheSameMomentKeepTheQuota makes more than there may be, from many clients.
func TestServersMadeAtTheSameMomentKeepTheQuota(t *testing.T) {
	p := newPlane(t)
	image := p.make(p.admin, "POST", "/image/v2/images", obj{"name": "image", "disk_format": "raw", "container_format": "bare"}, "id")
	require.Equal(t, http.StatusNoContent, p.call("PUT", "/image/v2/images/"+image+"/file", "bytes", p.admin, "Content-Type", "application/octet-stream").Code)
	p.make(p.admin, "POST", "/compute/v2.1/flavors", obj{"flavor": obj{"name": "tiny", "id": "tiny", "vcpus": 1, "ram": 64, "disk": 1}}, "flavor", "id")
	var mu sync.Mutex
	var clients sync.WaitGroup
	codes := map[int]int{}
	for range 40 {
		clients.Go(func() {
			w := p.call("POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"tiny","imageRef":"`+image+`","networks":"none"}}`, p.admin,
				"X-OpenStack-Nova-API-Version", "2.37")
			mu.Lock()
			defer mu.Unlock()
			codes[w.Code]++
		})
	}
	clients.Wait()
	require.Equal(t, map[int]int{http.StatusAccepted: 10, http.StatusForbidden: 30}, codes, "the default quota is ten servers")
}
