package ovn

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// admitting is the world whose group "web" lets the office in to port 8080.
func admitting() network.State {
	s := world()
	g := &s.Groups[0]
	g.Rules = append(g.Rules, network.Rule{
		ID: id("office-web"), GroupID: g.ID, Direction: network.Ingress, Protocol: "tcp", PortMin: number(8080), PortMax: number(8080), AddressGroupID: id("office"),
	})
	return s
}

func TestWantedAddresses(t *testing.T) {
	office := "ag_" + strings.ReplaceAll(id("office"), "-", "_")
	got := Wanted(admitting(), chassis())
	equalRows(t, []string{
		"name=" + office + "_ip4 addresses=[203.0.113.7/32]",
		"name=" + office + "_ip6 addresses=[2001:db8::/64]",
	}, rows(got, tableAddresses))
	require.Contains(t, strings.Join(rows(got, tableACL), "\n"), "&& ip4 && ip4.src == $"+office+"_ip4 && tcp && tcp.dst == 8080")
	empty := network.State{AddressGroups: []network.AddressGroup{{ID: id("office")}}}
	require.Len(t, rows(Wanted(empty, nil), tableAddresses), 2, "a rule may name what is empty")
}

// Addresses that join a group pass by the rules that name it, and those that leave it do not.
func TestAddressGroupsWorkInOVN(t *testing.T) {
	p := newPlant(t)
	e, _ := p.engine()
	s := admitting()
	require.NoError(t, e.Apply(t.Context(), s))
	sets := func() string { return p.nbctl("--bare", "--columns=addresses", "list", "Address_Set") }
	require.Contains(t, sets(), "203.0.113.7/32")
	require.Contains(t, sets(), "2001:db8::/64")
	p.settle()
	require.Contains(t, p.sbctl("lflow-list", id("inside")), "_ip4 && tcp && tcp.dst == 8080")

	unit := []network.Unit{{Kind: network.KindAddressGroup, ID: id("office")}}
	moved := s.AddressGroups[0]
	moved.Addresses = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	require.NoError(t, e.Apply(t.Context(), network.State{Units: unit, AddressGroups: []network.AddressGroup{moved}}))
	require.Equal(t, "198.51.100.0/24", strings.TrimSpace(sets()))
	list, err := e.Audit(t.Context(), s)
	require.NoError(t, err)
	require.Len(t, list, 2, "the audit sees that both sets are altered")
	require.NoError(t, e.Apply(t.Context(), s))
	require.Contains(t, sets(), "203.0.113.7/32")
	require.NoError(t, e.Apply(t.Context(), network.State{Units: unit}))
	require.Empty(t, strings.TrimSpace(sets()))
}
