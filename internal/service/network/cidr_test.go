package network

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

func TestDefaultPools(t *testing.T) {
	for _, c := range []struct{ cidr, gateway, want string }{
		{"10.0.0.0/24", "10.0.0.1", "10.0.0.2-10.0.0.254"},
		{"10.0.0.0/24", "10.0.0.254", "10.0.0.1-10.0.0.253"},
		{"10.0.0.0/24", "10.0.0.100", "10.0.0.1-10.0.0.99 10.0.0.101-10.0.0.254"},
		{"10.0.0.0/24", "", "10.0.0.1-10.0.0.254"},
		{"10.0.0.0/31", "", "10.0.0.0-10.0.0.1"},
		{"10.0.0.7/32", "", "10.0.0.7-10.0.0.7"},
		{"10.0.0.0/30", "10.0.0.1", "10.0.0.2-10.0.0.2"},
		{"2001:db8::/64", "2001:db8::1", "2001:db8::2-2001:db8::ffff:ffff:ffff:ffff"},
	} {
		var g netip.Addr
		if c.gateway != "" {
			g = netip.MustParseAddr(c.gateway)
		}
		got := ""
		for _, r := range defaultPools(netip.MustParsePrefix(c.cidr), g) {
			if got != "" {
				got += " "
			}
			got += r.First.String() + "-" + r.Last.String()
		}
		require.Equal(t, c.want, got, c.cidr)
	}
}

func TestBadSubnetsAreRefused(t *testing.T) {
	at := netip.MustParseAddr
	good := NewSubnet{IPVersion: 4, CIDR: netip.MustParsePrefix("10.0.0.0/24")}
	for why, c := range map[string]struct {
		change func(*NewSubnet)
		code   string
	}{
		"host bits":         {func(n *NewSubnet) { n.CIDR = netip.MustParsePrefix("10.0.0.5/24") }, "InvalidInput"},
		"multicast":         {func(n *NewSubnet) { n.CIDR = netip.MustParsePrefix("224.0.0.0/24") }, "InvalidInput"},
		"wrong version":     {func(n *NewSubnet) { n.IPVersion = 6 }, "InvalidInput"},
		"no cidr":           {func(n *NewSubnet) { n.CIDR = netip.Prefix{} }, "InvalidInput"},
		"gateway outside":   {func(n *NewSubnet) { g := at("10.0.1.1"); n.Gateway = &g }, "InvalidInput"},
		"gateway broadcast": {func(n *NewSubnet) { g := at("10.0.0.255"); n.Gateway = &g }, "InvalidInput"},
		"pool outside":      {func(n *NewSubnet) { n.Pools = []Range{{at("10.0.0.10"), at("10.0.1.10")}} }, "OutOfBoundsAllocationPool"},
		"pool backwards":    {func(n *NewSubnet) { n.Pools = []Range{{at("10.0.0.20"), at("10.0.0.10")}} }, "InvalidAllocationPool"},
		"pools overlap": {func(n *NewSubnet) {
			n.Pools = []Range{{at("10.0.0.10"), at("10.0.0.20")}, {at("10.0.0.15"), at("10.0.0.30")}}
		}, "OverlappingAllocationPools"},
		"gateway in pool": {func(n *NewSubnet) { n.Pools = []Range{{at("10.0.0.1"), at("10.0.0.20")}} }, "GatewayConflictWithAllocationPools"},
		"mode of IPv6":    {func(n *NewSubnet) { n.AddressMode = SLAAC }, "InvalidInput"},
		"slaac not of 64": {func(n *NewSubnet) {
			n.IPVersion, n.CIDR, n.AddressMode = 6, netip.MustParsePrefix("2001:db8::/80"), SLAAC
		}, "InvalidInput"},
		"route of other kind": {func(n *NewSubnet) { n.Routes = []Route{{netip.MustParsePrefix("2001:db8::/64"), at("2001:db8::1")}} }, "InvalidInput"},
	} {
		in := good
		c.change(&in)
		_, err := newSubnet(in, "one")
		require.Error(t, err, why)
		require.Equal(t, c.code, fault.Of(err).Code, why)
	}
	_, err := newSubnet(good, "one")
	require.NoError(t, err)
}

// TestPick checks that every guess is in a pool, and that all of a pool can be guessed.
func TestPick(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		bits := rapid.IntRange(20, 30).Draw(rt, "bits")
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(0, 255).Draw(rt, "b")), 0, 0}), bits).Masked()
		pools := defaultPools(p, p.Addr().Next())
		a := pick(pools)
		require.True(rt, host(p, a))
		require.NotEqual(rt, p.Addr().Next(), a)
		require.EqualValues(rt, 1<<(32-bits)-3, poolSize(pools))
		require.Len(rt, free(pools, map[netip.Addr]bool{a: true}), 1<<(32-bits)-4)
	})
	require.True(t, netip.MustParsePrefix("2001:db8::/64").Contains(pick(defaultPools(netip.MustParsePrefix("2001:db8::/64"), netip.Addr{}))))
}

func TestEUI64(t *testing.T) {
	mac, err := hardware("fa:16:3e:12:34:56")
	require.NoError(t, err)
	require.Equal(t, "2001:db8::f816:3eff:fe12:3456", eui64(netip.MustParsePrefix("2001:db8::/64"), mac).String())
}

func TestRulesAreChecked(t *testing.T) {
	n := func(i int) *int { return &i }
	for why, c := range map[string]struct {
		rule Rule
		code string
	}{
		"ports without protocol": {Rule{PortMin: n(1), PortMax: n(2)}, "SecurityGroupProtocolRequiredWithPorts"},
		"ports backwards":        {Rule{Protocol: "tcp", PortMin: n(2), PortMax: n(1)}, "SecurityGroupInvalidPortRange"},
		"one port of two":        {Rule{Protocol: "tcp", PortMin: n(2)}, "SecurityGroupInvalidPortRange"},
		"port too high":          {Rule{Protocol: "udp", PortMin: n(2), PortMax: n(70000)}, "SecurityGroupInvalidPortValue"},
		"code without type":      {Rule{Protocol: "icmp", PortMax: n(2)}, "SecurityGroupMissingIcmpType"},
		"unknown protocol":       {Rule{Protocol: "quic"}, "SecurityGroupRuleInvalidProtocol"},
		"two remotes":            {Rule{RemoteGroupID: "g", RemotePrefix: netip.MustParsePrefix("10.0.0.0/8")}, "SecurityGroupRemoteGroupAndRemoteIpPrefix"},
		"other version":          {Rule{V6: true, RemotePrefix: netip.MustParsePrefix("10.0.0.0/8")}, "SecurityGroupRuleParameterConflict"},
		"ports of esp":           {Rule{Protocol: "esp", PortMin: n(2), PortMax: n(2)}, "SecurityGroupInvalidProtocolForPort"},
		"fine":                   {Rule{Protocol: "132", PortMin: n(2), PortMax: n(2)}, ""},
	} {
		err := checkRule(&c.rule)
		if c.code == "" {
			require.NoError(t, err, why)
			continue
		}
		require.Error(t, err, why)
		require.Equal(t, c.code, fault.Of(err).Code, why)
	}
}
