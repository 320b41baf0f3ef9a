package ovn

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// booting is the world whose port "one" is told to boot by the network.
func booting() network.State {
	s := world()
	one := &s.Ports[0].Port
	one.DHCPOptions = []network.DHCPOption{
		{Name: "bootfile-name", Value: "pxelinux.0"},
		{Name: "tftp-server", Value: "10.0.0.9"},
		{Name: "ntp-server", Value: "10.0.0.7, 10.0.0.8"},
		{Name: "mtu", Value: "1300"},
		{Name: "classless-static-route", Value: "10.9.0.0/16,10.0.0.9,0.0.0.0/0,10.0.0.1"},
	}
	s.Networks[0].Options = []network.Port{*one}
	return s
}

func TestWantedDHCPOptions(t *testing.T) {
	s := booting()
	got := Wanted(s, nil)
	own := strings.Join(rows(got, tableDHCP), "\n")
	require.Len(t, rows(got, tableDHCP), 2, "the subnet's, and the port's own")
	for _, text := range []string{
		`bootfile_name:"pxelinux.0"`, "tftp_server:10.0.0.9", "ntp_server:{10.0.0.7, 10.0.0.8}", "mtu:1300",
		"classless_static_route:{10.9.0.0/16,10.0.0.9, 0.0.0.0/0,10.0.0.1}",
	} {
		require.Contains(t, own, text)
	}
	ports := strings.Join(rows(got, tablePort), "\n")
	require.Contains(t, ports, "dhcpv4_options="+ownDHCP(s.Ports[0].Port.ID, s.Networks[0].Subnets[0].ID))
	require.Contains(t, ports, "dhcpv4_options="+s.Networks[0].Subnets[0].ID, "the other port has the subnet's")

	silent := &s.Ports[0].Port
	silent.DHCPOptions = []network.DHCPOption{{Name: network.DHCPDisabled, Value: "true"}}
	s.Networks[0].Options = []network.Port{*silent}
	got = Wanted(s, nil)
	require.Len(t, rows(got, tableDHCP), 1)
	require.Equal(t, 1, strings.Count(strings.Join(rows(got, tablePort), "\n"), "dhcpv4_options="), "the first port hears nothing")
}

// OVN answers the one port with what it was given, and the other as before.
func TestDHCPOptionsWorkInOVN(t *testing.T) {
	p := newPlant(t)
	e, _ := p.engine()
	require.NoError(t, e.Apply(t.Context(), booting()))
	p.settle()
	var one, two string
	for line := range strings.SplitSeq(p.sbctl("lflow-list", id("inside")), "\n") {
		if strings.Contains(line, "put_dhcp_opts") && strings.Contains(line, id("one")) {
			one += line
		}
		if strings.Contains(line, "put_dhcp_opts") && strings.Contains(line, id("two")) {
			two += line
		}
	}
	require.Contains(t, one, `bootfile_name = "pxelinux.0"`)
	require.Contains(t, one, "tftp_server = 10.0.0.9")
	require.Contains(t, one, "mtu = 1300")
	require.NotEmpty(t, two)
	require.NotContains(t, two, "bootfile_name")
}
