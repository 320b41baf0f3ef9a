package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// Ports say what they are called at each address; floating IPs keep their names.
func TestDNSNames(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		admin, one := caller{t, url, "admin"}, caller{t, url, "one"}
		n := one.make("networks", "network", object{"name": "n", "dns_domain": "Net.org."})
		require.Equal(t, "net.org.", n["dns_domain"])
		one.make("subnets", "subnet", object{"network_id": n["id"], "ip_version": 4, "cidr": "10.0.0.0/24"})
		assigned := func(hostname, fqdn string) []any {
			return []any{object{"ip_address": "10.0.0.5", "hostname": hostname, "fqdn": fqdn}}
		}
		p := one.make("ports", "port", object{"network_id": n["id"], "fixed_ips": []object{{"ip_address": "10.0.0.5"}}})
		require.Equal(t, "", p["dns_domain"])
		require.Equal(t, assigned("host-10-0-0-5", "host-10-0-0-5.net.org."), p["dns_assignment"])
		path := "ports/" + p["id"].(string)
		for _, c := range []struct {
			set            object
			hostname, fqdn string
		}{
			{object{"dns_name": "Web"}, "web", "web.net.org."},
			{object{"dns_domain": "own.org."}, "web", "web.own.org."},
			{object{"dns_name": "db.else.org."}, "db.else.org.", "db.else.org."},
			{object{"dns_name": ""}, "host-10-0-0-5", "host-10-0-0-5.own.org."},
			{object{"dns_domain": "", "dns_name": "x"}, "x", "x.net.org."},
		} {
			changed := one.change(path, object{"port": c.set})
			require.Equal(t, assigned(c.hostname, c.fqdn), changed["dns_assignment"], c.set)
			require.Equal(t, changed["dns_assignment"], one.show(path)["dns_assignment"])
		}
		one.change("networks/"+n["id"].(string), object{"network": object{"dns_domain": ""}})
		listed := one.show("ports?dns_name=x")["ports"].([]any)
		require.Equal(t, assigned("x", "x."), listed[0].(object)["dns_assignment"])
		require.Empty(t, one.show("ports?dns_domain=own.org.")["ports"])

		outside := admin.make("networks", "network", object{"name": "outside", "router:external": true})
		admin.make("subnets", "subnet", object{"network_id": outside["id"], "ip_version": 4, "cidr": "172.24.4.0/24", "enable_dhcp": false})
		f := one.make("floatingips", "floatingip", object{"floating_network_id": outside["id"], "dns_name": "WWW", "dns_domain": "example.org."})
		require.Equal(t, "www", f["dns_name"])
		f = one.show("floatingips/" + f["id"].(string))
		require.Equal(t, "example.org.", f["dns_domain"])
		require.Equal(t, "", one.make("floatingips", "floatingip", object{"floating_network_id": outside["id"]})["dns_name"])
	})
}
