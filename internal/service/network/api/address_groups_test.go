package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// Addresses join and leave a group, rules name it, and others use it if they may.
func TestAddressGroups(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		s := &sharing{t: t, admin: caller{t, url, "admin"}, one: caller{t, url, "one"}, two: caller{t, url, "two"}}
		s.addresses()
		s.addressRules()
	})
}

func addresses(list ...string) object {
	return object{"address_group": object{"addresses": list}}
}

func (s *sharing) addresses() {
	g := s.one.make("address-groups", "address_group", object{"name": "office", "addresses": []string{"203.0.113.7", "10.1.2.3/8", "2001:db8::/64", "10.0.0.0/8"}})
	path := "address-groups/" + g["id"].(string)
	require.Equal(s.t, []any{"10.0.0.0/8", "203.0.113.7/32", "2001:db8::/64"}, g["addresses"])
	for _, bad := range []string{"", "unicorn", "10.0.0.0/33"} {
		s.expect(s.one, "POST", "address-groups", addresses(bad), 400)
		s.expect(s.one, "PUT", path+"/add_addresses", addresses(bad), 400)
	}
	require.Equal(s.t, "AddressesAlreadyExist", s.expect(s.one, "PUT", path+"/add_addresses", addresses("192.0.2.1", "203.0.113.7"), 400)["type"])
	require.Equal(s.t, "AddressesNotFound", s.expect(s.one, "PUT", path+"/remove_addresses", addresses("10.0.0.0/8", "192.0.2.1"), 404)["type"])
	require.Len(s.t, s.expect(s.one, "GET", path, nil, 200)["addresses"], 3, "all of a change, or nothing")
	require.Len(s.t, s.expect(s.one, "PUT", path+"/add_addresses", addresses("192.0.2.1"), 200)["addresses"], 4)
	changed := s.expect(s.one, "PUT", path+"/remove_addresses", addresses("192.0.2.1", "10.0.0.0/8"), 200)
	require.Equal(s.t, []any{"203.0.113.7/32", "2001:db8::/64"}, changed["addresses"])
	require.Equal(s.t, "home", s.expect(s.one, "PUT", path, object{"address_group": object{"name": "home"}}, 200)["name"])
	s.expect(s.one, "PUT", path, addresses("10.0.0.0/8"), 400)
	status, e := s.one.call("DELETE", path, match(revision(changed)), nil)
	require.Equal(s.t, 412, status, "%v: it was changed since", e)
	require.Len(s.t, s.expect(s.one, "GET", "address-groups?name=home", nil, 200)["address_groups"], 1)
	require.Empty(s.t, s.expect(s.one, "GET", "address-groups?name=office", nil, 200)["address_groups"])
	for _, method := range []string{"GET", "DELETE"} {
		s.expect(s.two, method, path, nil, 404)
	}
	s.expect(s.two, "PUT", path+"/add_addresses", addresses("192.0.2.1"), 404)
	s.expect(s.one, "DELETE", path, nil, 204)
	s.expect(s.one, "GET", path, nil, 404)

	s.expect(s.admin, "PUT", "quotas/one", object{"quota": object{"address_group": 1}}, 200)
	last := s.one.make("address-groups", "address_group", object{"name": "last"})
	require.Equal(s.t, "OverQuota", s.expect(s.one, "POST", "address-groups", object{"address_group": object{}}, 409)["type"])
	s.expect(s.one, "DELETE", "address-groups/"+last["id"].(string), nil, 204)
}

func (s *sharing) addressRules() {
	g := s.one.make("address-groups", "address_group", object{"name": "office", "addresses": []string{"203.0.113.7"}})
	path := "address-groups/" + g["id"].(string)
	mine := s.one.make("security-groups", "security_group", object{"name": "mine"})
	theirs := s.two.make("security-groups", "security_group", object{"name": "theirs"})
	rule := func(group object, more object) object {
		body := object{"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp", "remote_address_group_id": g["id"]}
		for k, v := range more {
			body[k] = v
		}
		return object{"security_group_rule": body}
	}
	made := s.expect(s.one, "POST", "security-group-rules", rule(mine, nil), 201)
	require.Equal(s.t, g["id"], made["remote_address_group_id"])
	require.Equal(s.t, "SecurityGroupRuleExists", s.expect(s.one, "POST", "security-group-rules", rule(mine, nil), 409)["type"])
	s.expect(s.one, "POST", "security-group-rules", rule(mine, object{"remote_ip_prefix": "10.0.0.0/8"}), 400)
	s.expect(s.one, "POST", "security-group-rules", rule(mine, object{"remote_group_id": mine["id"]}), 400)
	s.expect(s.one, "POST", "security-group-rules", rule(mine, object{"remote_address_group_id": "nowhere"}), 404)
	list := s.expect(s.one, "GET", "security-group-rules?remote_address_group_id="+g["id"].(string), nil, 200)
	require.Len(s.t, list["security_group_rules"], 1)
	require.Equal(s.t, "AddressGroupInUse", s.expect(s.one, "DELETE", path, nil, 409)["type"])

	require.Equal(s.t, "AddressGroupNotFound", s.expect(s.two, "POST", "security-group-rules", rule(theirs, nil), 404)["type"])
	shared := s.expect(s.one, "POST", "rbac-policies", policy("address_group", g, "access_as_shared", "two"), 201)
	require.Equal(s.t, true, s.expect(s.two, "GET", path, nil, 200)["shared"])
	s.expect(s.two, "PUT", path+"/add_addresses", addresses("192.0.2.1"), 403)
	used := s.expect(s.two, "POST", "security-group-rules", rule(theirs, nil), 201)
	require.Equal(s.t, "RbacPolicyInUse", s.expect(s.one, "DELETE", "rbac-policies/"+shared["id"].(string), nil, 409)["type"])
	s.expect(s.two, "DELETE", "security-group-rules/"+used["id"].(string), nil, 204)
	s.expect(s.one, "DELETE", "rbac-policies/"+shared["id"].(string), nil, 204)
	s.expect(s.two, "GET", path, nil, 404)
	s.expect(s.one, "DELETE", "security-group-rules/"+made["id"].(string), nil, 204)
	s.expect(s.one, "DELETE", path, nil, 204)
}
