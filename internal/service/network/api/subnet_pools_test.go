package api_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// Subnets are cut of a pool without an overlap, within its bounds and its quota, and the pool stays while there is one.
func TestSubnetPools(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		s := &sharing{t: t, admin: caller{t, url, "admin"}, one: caller{t, url, "one"}, two: caller{t, url, "two"}}
		s.poolBounds()
		s.poolCuts()
		s.poolDefaults()
	})
}

func pool(fields object) object { return object{"subnetpool": fields} }

func (s *sharing) poolBounds() {
	for _, bad := range []struct {
		fields object
		want   int
		kind   string
	}{
		{object{"prefixes": []string{}}, 400, "EmptySubnetPoolPrefixList"},
		{object{"prefixes": []string{"10.0.0.0/8", "fd00::/48"}}, 400, "PrefixVersionMismatch"},
		{object{"prefixes": []string{"10.0.0.1/8"}}, 400, "InvalidInput"},
		{object{"prefixes": []string{"ten"}}, 400, "InvalidInput"},
		{object{"prefixes": []any{10}}, 400, "InvalidInput"},
		{object{"prefixes": []string{"10.0.0.0/8"}, "min_prefixlen": 25, "max_prefixlen": 24}, 400, "IllegalSubnetPoolPrefixBounds"},
		{object{"prefixes": []string{"10.0.0.0/8"}, "max_prefixlen": 33}, 400, "IllegalSubnetPoolPrefixBounds"},
		{object{"prefixes": []string{"10.0.0.0/8"}, "default_prefixlen": 7}, 400, "IllegalSubnetPoolPrefixBounds"},
		{object{"prefixes": []string{"10.0.0.0/8"}, "default_quota": -1}, 400, "InvalidInput"},
		{object{"prefixes": []string{"10.0.0.0/8"}, "is_default": true}, 403, "PolicyNotAuthorized"},
		{object{"prefixes": []string{"10.0.0.0/8"}, "shared": true}, 403, "PolicyNotAuthorized"},
	} {
		require.Equal(s.t, bad.kind, s.expect(s.one, "POST", "subnetpools", pool(bad.fields), bad.want)["type"], bad.fields)
	}
	single := s.expect(s.one, "POST", "subnetpools", pool(object{"name": "old style", "prefixes": "10.9.0.0/16"}), 201)
	require.Equal(s.t, []any{"10.9.0.0/16"}, single["prefixes"])
	s.expect(s.two, "GET", "subnetpools/"+single["id"].(string), nil, 404)
	s.expect(s.one, "DELETE", "subnetpools/"+single["id"].(string), nil, 204)
}

func (s *sharing) poolCuts() {
	t := s.t
	p := s.expect(s.one, "POST", "subnetpools", pool(object{
		"prefixes": []string{"10.0.0.0/24", "10.0.1.0/26"}, "default_prefixlen": 26, "min_prefixlen": 25, "max_prefixlen": 28,
	}), 201)
	at := "subnetpools/" + p["id"].(string)
	subnet := func(more object) object {
		body := object{"network_id": s.one.make("networks", "network", object{})["id"], "ip_version": 4, "subnetpool_id": p["id"]}
		for k, v := range more {
			body[k] = v
		}
		return object{"subnet": body}
	}
	refused := func(more object, want int, kind string) {
		t.Helper()
		require.Equal(t, kind, s.expect(s.one, "POST", "subnets", subnet(more), want)["type"], more)
	}
	got := s.expect(s.one, "POST", "subnets", subnet(object{"cidr": "10.0.0.64/26"}), 201)
	require.Equal(t, p["id"], got["subnetpool_id"])
	refused(object{"cidr": "10.0.0.64/27"}, 409, "SubnetAllocationError")
	refused(object{"cidr": "10.5.0.0/26"}, 400, "InvalidInput")
	refused(object{"prefixlen": 24}, 400, "MinPrefixSubnetAllocationError")
	refused(object{"prefixlen": 29}, 400, "MaxPrefixSubnetAllocationError")
	refused(object{"ip_version": 6}, 400, "InvalidInput")
	refused(object{"subnetpool_id": "nowhere"}, 404, "SubnetPoolNotFound")
	require.Equal(t, "10.0.0.0/26", s.expect(s.one, "POST", "subnets", subnet(nil), 201)["cidr"])
	require.Equal(t, "10.0.0.128/25", s.expect(s.one, "POST", "subnets", subnet(object{"prefixlen": 25}), 201)["cidr"])
	refused(object{"prefixlen": 25}, 409, "SubnetAllocationError")

	s.expect(s.one, "PUT", at, pool(object{"default_quota": 256}), 200) // all of the first prefix is used
	refused(nil, 409, "SubnetPoolQuotaExceeded")
	require.Nil(t, s.expect(s.one, "PUT", at, pool(object{"default_quota": nil}), 200)["default_quota"])
	s.oneWins(subnet)

	require.Equal(t, "IllegalSubnetPoolUpdate", s.expect(s.one, "PUT", at, pool(object{"prefixes": []string{"10.0.0.0/24"}}), 400)["type"])
	wider := s.expect(s.one, "PUT", at, pool(object{"name": "wider", "prefixes": []string{"10.0.0.0/23"}}), 200)
	require.Equal(t, []any{"10.0.0.0/23"}, wider["prefixes"])
	require.Equal(t, "SubnetPoolDeleteError", s.expect(s.one, "DELETE", at, nil, 400)["type"])
	require.Len(t, s.expect(s.one, "GET", "subnets?subnetpool_id="+p["id"].(string), nil, 200)["subnets"], 4)
	n := got["network_id"]
	e := s.expect(s.one, "POST", "subnets", object{"subnet": object{"network_id": n, "ip_version": 4, "cidr": "172.16.0.0/24"}}, 201)
	require.Nil(t, e["subnetpool_id"])
	refused(object{"network_id": n}, 400, "NetworkSubnetPoolAffinityError")
}

// oneWins lets several ask for the last prefix at the same time.
func (s *sharing) oneWins(subnet func(object) object) {
	var wg sync.WaitGroup
	statuses := make([]int, 4)
	for i := range statuses {
		body := subnet(nil)
		wg.Go(func() { statuses[i], _ = s.one.call("POST", "subnets", "", body) })
	}
	wg.Wait()
	require.ElementsMatch(s.t, []int{201, 409, 409, 409}, statuses)
}

func (s *sharing) poolDefaults() {
	t := s.t
	ask := func() object {
		return object{"subnet": object{"network_id": s.one.make("networks", "network", object{})["id"], "ip_version": 6, "use_default_subnetpool": true}}
	}
	require.Equal(t, "NoDefaultSubnetpoolFound", s.expect(s.one, "POST", "subnets", ask(), 404)["type"])
	p := s.expect(s.admin, "POST", "subnetpools", pool(object{"prefixes": []string{"fd00::/48"}, "is_default": true, "shared": true}), 201)
	require.Equal(t, "InvalidInput", s.expect(s.admin, "POST", "subnetpools", pool(object{"prefixes": []string{"fd01::/48"}, "is_default": true}), 400)["type"])
	require.Equal(t, true, s.expect(s.one, "GET", "subnetpools/"+p["id"].(string), nil, 200)["shared"])
	s.expect(s.one, "PUT", "subnetpools/"+p["id"].(string), pool(object{"name": "mine"}), 403)
	require.Equal(t, "fd00::/64", s.expect(s.one, "POST", "subnets", ask(), 201)["cidr"])
	require.Equal(t, "fd00:0:0:1::/64", s.expect(s.one, "POST", "subnets", ask(), 201)["cidr"])
}
