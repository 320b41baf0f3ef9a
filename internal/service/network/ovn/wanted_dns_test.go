package ovn

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

func TestWantedNames(t *testing.T) {
	const back = "11.0.0.10.in-addr.arpa"
	for name, c := range map[string]struct {
		name, own, in, project string
		want                   string
	}{
		"alone":                      {name: "web", want: "map[" + back + ":web web:10.0.0.11]"},
		"in the network's domain":    {name: "web", in: "net.org.", want: "map[" + back + ":web.net.org web:10.0.0.11 web.net.org:10.0.0.11]"},
		"in its own domain":          {name: "Web", own: "own.org.", in: "net.org.", want: "map[" + back + ":web.own.org web:10.0.0.11 web.net.org:10.0.0.11 web.own.org:10.0.0.11]"},
		"full":                       {name: "web.own.org.", in: "net.org.", want: "map[" + back + ":web.own.org web.own.org:10.0.0.11]"},
		"a guest's":                  {name: "web", own: "bank.com.", in: "net.org.", project: "guest", want: "map[" + back + ":web.net.org web:10.0.0.11 web.net.org:10.0.0.11]"},
		"a guest's that is full":     {name: "www.bank.com.", in: "net.org.", project: "guest", want: "map[" + back + ":www.bank.com.net.org www.bank.com.net.org:10.0.0.11]"},
		"a guest's without a domain": {name: "www.bank.com", project: "guest"},
	} {
		t.Run(name, func(t *testing.T) {
			n := testNetwork("n", testSubnet("s", "10.0.0.0/24", "10.0.0.1"))
			n.Network.DNSDomain = c.in
			p := testPort(n, "p", "fa:16:3e:00:00:11", "10.0.0.11")
			p.Port.DNSName, p.Port.DNSDomain, p.Port.ProjectID = c.name, c.own, c.project
			got := rows(Wanted(network.State{Ports: []network.PortState{p}}, nil), tableDNS)
			if c.want == "" {
				require.Empty(t, got)
				return
			}
			require.Equal(t, []string{"records=" + c.want}, got)
		})
	}
}

func TestWantedFloatingNames(t *testing.T) {
	s := world()
	f := &s.Routers[0].Floating[0].FloatingIP
	f.DNSName, f.DNSDomain = "www", "example.org."
	require.Contains(t, rows(Wanted(s, chassis()), tableDNS), "records=map[www.example.org:172.24.4.20]")
	f.ProjectID = "guest"
	require.NotContains(t, strings.Join(rows(Wanted(s, chassis()), tableDNS), " "), "www", "the network is another project's")
}

// The names of ports and floating IPs are among the flows that answer DNS.
func TestNamesWorkInOVN(t *testing.T) {
	p := newPlant(t)
	e, _ := p.engine()
	s := world()
	s.Ports[0].Port.DNSDomain = "own.org."
	s.Routers[0].Floating[0].FloatingIP.DNSName, s.Routers[0].Floating[0].FloatingIP.DNSDomain = "www", "example.org."
	require.NoError(t, e.Apply(t.Context(), s))
	p.settle()
	names := p.sbctl("--bare", "--columns=records", "list", "DNS")
	require.Contains(t, names, "one.own.org=10.0.0.11")
	require.Contains(t, names, "www.example.org=172.24.4.20")
}
