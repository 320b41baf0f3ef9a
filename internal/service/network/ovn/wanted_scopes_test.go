package ovn

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// scoped is the world whose router joins a second network, with the networks in some address scopes.
func scoped(inside, second, outside string) network.State {
	s := world()
	other := testNetwork("second", testSubnet("second4", "10.1.0.0/24", "10.1.0.1"))
	other.Network.V4ScopeID = second
	leg := owned(testPort(other, "leg2", "fa:16:3e:00:00:21", "10.1.0.1"), network.OwnerRouterInterface, id("router"))
	s.Networks = append(s.Networks, other)
	three := testPort(other, "three", "fa:16:3e:00:00:23", "10.1.0.23", s.Groups[0])
	s.Ports = append(s.Ports, leg, three)
	r := &s.Routers[0]
	r.Legs = append(r.Legs, leg)
	r.Legs[0].Network.V4ScopeID = inside
	gateway := *r.Gateway
	gateway.Network.V4ScopeID = outside
	r.Gateway = &gateway
	return s
}

func TestWantedScopes(t *testing.T) {
	policies := func(s network.State) string { return strings.Join(rows(Wanted(s, nil), tablePolicy), "\n") }
	nats := func(s network.State) string { return strings.Join(rows(Wanted(s, nil), tableNAT), "\n") }
	require.Empty(t, policies(scoped("", "", "")), "without scopes everything is as ever")
	require.Contains(t, nats(scoped("", "", "")), "logical_ip=10.0.0.0/24")
	require.Empty(t, policies(scoped("a", "a", "a")))

	apart := scoped("a", "b", "a")
	require.Equal(t, 2, strings.Count(policies(apart), "action=drop"), "either way between the two")
	require.Contains(t, policies(apart), `inport == "lrp-`+id("leg")+`" && ip4 && ip4.dst == {10.1.0.0/24} action=drop`)
	require.NotContains(t, nats(apart), "logical_ip=10.0.0.0/24", "the network outside knows the addresses")
	require.Contains(t, nats(apart), "logical_ip=10.1.0.0/24", "those of another scope are hidden")

	apart.Routers[0].Router.Gateway.SNAT = false
	require.Contains(t, policies(apart), `inport == "lrp-`+id("leg2")+`" && ip4 && ip4.dst != {10.0.0.0/24, 10.1.0.0/24} action=drop`)
	require.NotContains(t, policies(apart), `inport == "lrp-`+id("leg")+`" && ip4 && ip4.dst != `, "the same scope needs no translation")
	strange := scoped("b", "b", "a")
	strange.Routers[0].Router.Gateway.SNAT = false
	require.Contains(t, policies(strange), "ip4.src == 10.0.0.12 && ip4.dst != {10.0.0.0/24, 10.1.0.0/24} action=allow", "what has a floating IP is translated")
}

// A packet between two scopes goes nowhere, and one within a scope arrives.
func TestScopesWorkInOVN(t *testing.T) {
	for scopes, arrives := range map[[2]string]bool{{"a", "a"}: true, {"a", "b"}: false} {
		p := newPlant(t)
		e, _ := p.engine()
		s := scoped(scopes[0], scopes[1], "a")
		s.Groups[0].Rules = append(s.Groups[0].Rules, network.Rule{ID: id("any"), GroupID: s.Groups[0].ID, Direction: network.Ingress})
		require.NoError(t, e.Apply(t.Context(), s))
		out := p.trace(`inport == "` + id("one") + `" && eth.src == fa:16:3e:00:00:11 && eth.dst == fa:16:3e:00:00:01 && ip4.src == 10.0.0.11 && ip4.dst == 10.1.0.23 && ip.ttl == 64 && icmp4.type == 8`)
		require.Equal(t, arrives, strings.Contains(out, `output("`+id("three")[:6]), "%v: %s", scopes, out)
	}
}
