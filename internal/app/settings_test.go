package app

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/host/settings"
	"github.com/aloft-cloud/aloft/internal/protocol"
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
	out, err := r.own(method, path, body)
	require.NoError(r.t, err)
	if into != nil {
		require.NoError(r.t, json.Unmarshal(out, into))
	}
}

// refused calls it with what it must refuse.
func (r *rig) refused(path string, body any, status int, names string) {
	r.t.Helper()
	_, err := r.own("PUT", path, body)
	var e gophercloud.ErrUnexpectedResponseCode
	require.ErrorAs(r.t, err, &e)
	require.Equal(r.t, status, e.Actual, "%s", e.Body)
	require.Contains(r.t, string(e.Body), names)
}

func (r *rig) own(method, path string, body any) (out json.RawMessage, err error) {
	c := *r.compute
	c.Endpoint, c.Microversion = r.cfg.PublicURL+"/v1/", ""
	resp, err := c.Request(r.t.Context(), method, c.ServiceURL(path), &gophercloud.RequestOpts{JSONBody: body, JSONResponse: &out, OkCodes: []int{200}})
	if err != nil {
		return nil, err
	}
	return out, resp.Body.Close()
}

// playedSettings are those of a simulated host, which has whatever it is told but for one network.
type playedSettings struct{ *settings.Store }

// Seen implements agent.Settings.
func (p playedSettings) Seen() *protocol.NetworkSeen {
	seen := protocol.NetworkSeen{EncapAddress: "192.0.2.1"}
	n := p.Get().Network
	if n == nil {
		return &seen
	}
	seen.Generation = n.Generation
	for _, m := range n.BridgeMappings {
		if m.Device == "eth9" {
			seen.Error = "physical network " + m.PhysicalNetwork + ": the device eth9 is not there"
			continue
		}
		seen.BridgeMappings = append(seen.BridgeMappings, m)
	}
	if n.EncapAddress != "" {
		seen.EncapAddress = n.EncapAddress
	}
	return &seen
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

// What is set for a host reaches that host, and what the host cannot do is seen; both outlive restarts.
func TestHowAHostIsJoinedIsSetByTheAPI(t *testing.T) {
	r := newRig(t)
	a, b := r.addHost(0, 0), r.addHost(0, 0)
	var out struct{ Host obj }
	show := func(h *simHost) obj {
		r.ask("GET", "settings/network/hosts/"+h.id, nil, &out)
		return out.Host
	}
	path := "settings/network/hosts/" + a.id
	settled(t, "the hosts have told how they are joined", func() bool {
		var all struct{ Hosts []obj }
		r.ask("GET", "settings/network/hosts", nil, &all)
		return len(all.Hosts) == 2 && all.Hosts[0]["state"] == "applied" && all.Hosts[1]["state"] == "applied"
	})
	dc, lab := obj{"physical_network": "dc", "bridge": "br-dc", "device": "eth1"}, obj{"physical_network": "lab", "bridge": "br-lab", "device": "eth9"}
	r.ask("PUT", path, obj{"host": obj{"bridge_mappings": []obj{dc, lab}, "encap_address": "10.0.0.11"}}, nil)
	settled(t, "the host has told what it could not do", func() bool { return show(a)["state"] == "failed" })
	current := out.Host["current"].(obj)
	require.Equal(t, "physical network lab: the device eth9 is not there", current["error"])
	require.Equal(t, []any{dc}, current["bridge_mappings"])
	require.Equal(t, "10.0.0.11", current["encap_address"])
	require.Nil(t, b.set.Get().Network, "another host hears nothing of it")

	for names, body := range map[string]obj{
		"bridge_mappings":           {"bridge_mappings": "dc:br-dc"},
		"bridge":                    {"bridge_mappings": []obj{{"physical_network": "dc"}}},
		"mtu":                       {"bridge_mappings": []obj{{"physical_network": "dc", "bridge": "br-dc", "mtu": 9000}}},
		"physical_network must be":  {"bridge_mappings": []obj{{"physical_network": "d,c", "bridge": "br-dc"}}},
		"other than br-int":         {"bridge_mappings": []obj{{"physical_network": "dc", "bridge": "br-int"}}},
		"encap_address must be":     {"encap_address": "host-1"},
		"physical network dc twice": {"bridge_mappings": []obj{dc, {"physical_network": "dc", "bridge": "br-2"}}},
	} {
		r.refused(path, obj{"host": body}, 400, names)
	}
	r.refused("settings/network/hosts/"+b.id, obj{"host": obj{"encap_address": "10.0.0.11"}}, 409, "encap_address 10.0.0.11 is that of host")
	r.refused("settings/network/hosts/nothing", obj{"host": obj{"encap_address": "10.0.0.12"}}, 404, "nothing")

	a.kill()
	r.ask("PUT", path, obj{"host": obj{"bridge_mappings": []obj{dc}}}, nil)
	require.Equal(t, "pending", show(a)["state"], "the host is away")
	require.Equal(t, "10.0.0.11", out.Host["encap_address"], "what is not named stays")
	r.stop()
	r.start()
	a.run(r)
	settled(t, "the host has done it", func() bool { return show(a)["state"] == "applied" })
	require.Equal(t, []any{dc}, out.Host["current"].(obj)["bridge_mappings"])
	r.ask("PUT", path, obj{"host": obj{"bridge_mappings": nil, "encap_address": nil}}, nil)
	settled(t, "the flags of the host hold again", func() bool {
		n := a.set.Get().Network
		return n != nil && n.BridgeMappings == nil && n.EncapAddress == "" && show(a)["state"] == "applied"
	})
}
