package app

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/stretchr/testify/require"
)

// settled waits until something is so.
func settled(t *testing.T, what string, so func() bool) {
	t.Helper()
	eventually(t, func() error {
		if so() {
			return nil
		}
		return errors.New(what)
	})
}

// ask calls Aloft's own API as the admin.
func (r *rig) ask(method, path string, body, into any) {
	r.t.Helper()
	c := *r.compute
	c.Endpoint, c.Microversion = r.cfg.PublicURL+"/v1/", ""
	var out json.RawMessage
	resp, err := c.Request(r.t.Context(), method, c.ServiceURL(path), &gophercloud.RequestOpts{JSONBody: body, JSONResponse: &out, OkCodes: []int{200}})
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
	if into != nil {
		require.NoError(r.t, json.Unmarshal(out, into))
	}
}

func TestTheInstallationsNetworkSettings(t *testing.T) {
	p := newPlane(t)
	answer := func(method, body string) obj {
		t.Helper()
		w := p.call(method, "/v1/settings/network", body, p.admin)
		require.Equal(t, 200, w.Code, "%s", w.Body)
		var out struct{ Network obj }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
		return out.Network
	}
	want := obj{"underlay_mtu": 1500.0, "overlay_mtu": 1442.0, "physical_mtu": 1500.0, "dns_forwarders": []any{}}
	require.Equal(t, want, answer("GET", ""))
	want["underlay_mtu"], want["overlay_mtu"], want["dns_forwarders"] = 9000.0, 8942.0, []any{"9.9.9.9", "2620:fe::fe"}
	require.Equal(t, want, answer("PUT", `{"network":{"underlay_mtu":9000,"dns_forwarders":["9.9.9.9","2620:fe::fe"]}}`))
	require.Equal(t, want, answer("GET", ""))
	want["underlay_mtu"], want["overlay_mtu"] = 1500.0, 1442.0
	require.Equal(t, want, answer("PUT", `{"network":{"underlay_mtu":null}}`), "back to the default, and the rest stays")
	for body, names := range map[string]string{
		`{"network":{"underlay_mtu":1000}}`:              "underlay_mtu must be from 1338",
		`{"network":{"underlay_mtu":"much"}}`:            "underlay_mtu",
		`{"network":{"overlay_mtu":1400}}`:               "overlay_mtu",
		`{"network":{"dns_forwarders":["dns.example"]}}`: `must be IP addresses, such as 9.9.9.9, but one is \"dns.example\"`,
		`{"network":{"dns_forwarders":["0.0.0.0"]}}`:     "dns_forwarders",
		`{}`: "network",
	} {
		w := p.call("PUT", "/v1/settings/network", body, p.admin)
		require.Equal(t, 400, w.Code, "%s: %s", body, w.Body)
		require.Contains(t, w.Body.String(), names)
	}
	require.Equal(t, want, answer("GET", ""))
}

// Hosts hear of the DNS forwarders without a restart, and know them after one of their own and of the control plane.
func TestForwardersReachTheHosts(t *testing.T) {
	r := newRig(t)
	a, b := r.addHost(0, 0), r.addHost(0, 0)
	forwarders := func(h *simHost) []string { return h.set.Get().DNSForwarders }
	r.ask("PUT", "settings/network", obj{"network": obj{"dns_forwarders": []string{"9.9.9.9"}}}, nil)
	for _, h := range []*simHost{a, b} {
		settled(t, "the host has heard", func() bool { return len(forwarders(h)) == 1 })
	}
	a.kill()
	r.ask("PUT", "settings/network", obj{"network": obj{"dns_forwarders": []string{"1.1.1.1", "9.9.9.9"}}}, nil)
	settled(t, "the host that is there has heard", func() bool { return len(forwarders(b)) == 2 })
	b.kill()
	r.stop()
	b.open(r)
	require.Equal(t, []string{"1.1.1.1", "9.9.9.9"}, forwarders(b), "without a control plane it knows what it heard")
	r.start()
	a.run(r)
	b.run(r)
	settled(t, "the host that was away has heard", func() bool { return len(forwarders(a)) == 2 })
	r.ask("PUT", "settings/network", obj{"network": obj{"dns_forwarders": nil}}, nil)
	settled(t, "the hosts ask their own resolvers again", func() bool { return len(forwarders(a))+len(forwarders(b)) == 0 })
}
