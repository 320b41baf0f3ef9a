package ovn

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

const (
	sshToOne  = `inport=="%s" && eth.src==fa:16:3e:00:00:12 && eth.dst==fa:16:3e:00:00:11 && ip4.src==10.0.0.12 && ip4.dst==10.0.0.11 && ip.ttl==64 && tcp && tcp.dst==22`
	httpToOne = `inport=="%s" && eth.src==fa:16:3e:00:00:12 && eth.dst==fa:16:3e:00:00:11 && ip4.src==10.0.0.12 && ip4.dst==10.0.0.11 && ip.ttl==64 && tcp && tcp.dst==80`
	spoofed   = `inport=="%s" && eth.src==fa:16:3e:00:00:12 && eth.dst==fa:16:3e:00:00:11 && ip4.src==10.0.0.99 && ip4.dst==10.0.0.11 && ip.ttl==64 && tcp && tcp.dst==22`
)

func TestTheNetworkWorksInOVN(t *testing.T) {
	p := newPlant(t)
	p.sbctl("chassis-add", "host-2", "geneve", "127.0.0.1")
	p.sbctl("set", "Chassis", "host-2", "other_config:ovn-bridge-mappings=outside:br-outside")
	e, _ := p.engine()
	require.Eventually(t, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return len(e.chassis) == 1 && len(e.chassis[0].Physical) == 1
	}, patience, 10*time.Millisecond)
	s := world()
	require.NoError(t, e.Apply(t.Context(), s))
	two := id("two")

	out := `output("` + id("one")[:6]
	require.Contains(t, p.trace(sprintf(sshToOne, two)), out)
	require.NotContains(t, p.trace(sprintf(httpToOne, two)), out, "no rule lets this in")
	require.NotContains(t, p.trace(sprintf(spoofed, two)), out, "port security drops this")

	const from = `inport=="%s" && eth.src==fa:16:3e:00:00:12 && ip.ttl==64 && `
	lease := p.trace(sprintf(from+`eth.dst==ff:ff:ff:ff:ff:ff && ip4.src==0.0.0.0 && ip4.dst==255.255.255.255 && udp.src==68 && udp.dst==67`, two))
	require.Contains(t, lease, `output("`+two[:6], "OVN answers DHCP itself")
	require.Contains(t, lease, "ip4.src = 10.0.0.2")
	metadata := p.trace(sprintf(from+`eth.dst==fa:16:3e:00:00:02 && ip4.src==10.0.0.12 && ip4.dst==169.254.169.254 && tcp && tcp.dst==80`, two))
	require.Contains(t, metadata, `output("`+id("meta")[:6])
	away := p.trace(sprintf(from+`eth.dst==fa:16:3e:00:00:01 && ip4.src==10.0.0.12 && ip4.dst==9.9.9.9 && tcp && tcp.dst==80`, two))
	require.Contains(t, away, "eth.src = fa:16:3e:00:02:01", "it leaves with the floating IP's MAC")
	require.Contains(t, away, `output("localnet`)

	t.Run("an unchanged state changes nothing", func(t *testing.T) {
		before := p.nbctl("--format=json", "list", "Logical_Switch_Port")
		e.mu.Lock()
		r, chassis := e.replica, e.chassis
		e.mu.Unlock()
		c, err := diff(r, true, nil, Wanted(s, chassis))
		require.NoError(t, err)
		require.True(t, c.empty(), "%+v", c)
		require.NoError(t, e.Apply(t.Context(), s))
		require.Equal(t, before, p.nbctl("--format=json", "list", "Logical_Switch_Port"))
	})

	t.Run("without the rule ssh is dropped", func(t *testing.T) {
		g := s.Groups[0]
		g.Rules = g.Rules[:1]
		require.NoError(t, e.Apply(t.Context(), network.State{Units: []network.Unit{{Kind: network.KindGroup, ID: g.ID}}, Groups: []network.SecurityGroup{g}}))
		require.NotContains(t, p.trace(sprintf(sshToOne, two)), out)
		require.NoError(t, e.Apply(t.Context(), network.State{Units: []network.Unit{{Kind: network.KindGroup, ID: g.ID}}, Groups: s.Groups}))
		require.Contains(t, p.trace(sprintf(sshToOne, two)), out)
	})

	t.Run("a port that is gone leaves nothing", func(t *testing.T) {
		units := []network.Unit{{Kind: network.KindPort, ID: id("one")}}
		require.NoError(t, e.Apply(t.Context(), network.State{Units: units}))
		require.NotContains(t, p.nbctl("--bare", "--columns=name", "list", "Logical_Switch_Port"), id("one"))
		require.NotContains(t, p.nbctl("list", "DNS"), "10.0.0.11")
		require.NoError(t, e.Apply(t.Context(), network.State{Units: units, Ports: s.Ports[:1]}))
		require.Contains(t, p.trace(sprintf(sshToOne, two)), out)
	})

	t.Run("a port whose network was never stated asks for it", func(t *testing.T) {
		n := testNetwork("late", testSubnet("late4", "10.9.0.0/24", "10.9.0.1"))
		port := testPort(n, "early", "fa:16:3e:00:00:99", "10.9.0.5", network.SecurityGroup{ID: id("unknown")})
		err := e.Apply(t.Context(), network.State{Units: []network.Unit{{Kind: network.KindPort, ID: port.Port.ID}}, Ports: []network.PortState{port}})
		var incomplete *network.Incomplete
		require.True(t, errors.As(err, &incomplete), "%v", err)
		require.ElementsMatch(t, []network.Unit{{Kind: network.KindNetwork, ID: n.Network.ID}, {Kind: network.KindGroup, ID: id("unknown")}}, incomplete.Units)
	})

	t.Run("everything goes when nothing is wanted", func(t *testing.T) {
		p.nbctl("ls-add", "foreign")
		require.NoError(t, e.Apply(t.Context(), network.State{Full: true}))
		require.Contains(t, p.nbctl("show"), "foreign")
		require.Empty(t, p.nbctl("--bare", "--columns=name", "list", "Logical_Switch_Port"))
		require.Empty(t, p.nbctl("list", "NAT"))
		require.Empty(t, p.nbctl("list", "DHCP_Options"))
	})
}

func TestDriftIsMended(t *testing.T) {
	p := newPlant(t)
	e, w := p.engine()
	for len(w.resync) > 0 {
		<-w.resync
	}
	s := world()
	require.NoError(t, e.Apply(t.Context(), s))
	inside, router, group := id("inside"), id("router"), groupName(id("web"))
	p.nbctl("ls-add", "foreign")
	p.nbctl("lr-nat-add", router, "snat", "172.24.4.10", "192.168.77.0/24") // not ours, in a list of ours
	snapshot := func() string {
		out := ""
		for _, table := range []string{"Logical_Switch", "Logical_Switch_Port", "Port_Group", "ACL", "Logical_Router", "Logical_Router_Port", "NAT", "DHCP_Options", "DNS", "Logical_Router_Static_Route", "HA_Chassis_Group"} {
			out += p.nbctl("--bare", "list", table) + "\n"
		}
		return out
	}
	p.settle()
	before := sorted(snapshot())
	require.Contains(t, before, "192.168.77.0/24")

	p.nbctl("lsp-del", id("one"))
	p.nbctl("lsp-set-addresses", id("two"), "unknown")
	p.nbctl("lsp-set-port-security", id("two"))
	p.nbctl("acl-del", group)
	p.nbctl("lr-nat-del", router, "dnat_and_snat")
	p.nbctl("lr-route-del", router)
	p.nbctl("clear", "Port_Group", dropName, "ports")
	p.nbctl("add", "Port_Group", group, "ports", id("meta"))
	p.nbctl("destroy", "DHCP_Options", id("inside4"))
	p.nbctl("set", "Logical_Switch", inside, "other_config:mcast_snoop=true")
	require.Eventually(t, func() bool {
		if err := e.Apply(t.Context(), s); err != nil { // what it knows may be older than what was tampered with
			t.Log(err)
			return false
		}
		p.settle()
		return sorted(snapshot()) == before
	}, patience, 50*time.Millisecond)
	require.Contains(t, p.nbctl("show"), "foreign")
}

func TestLinksAndReconnect(t *testing.T) {
	p := newPlant(t)
	e, w := p.engine()
	require.NoError(t, e.Apply(t.Context(), world()))
	p.settle()
	p.sbctl("chassis-add", "host-2", "geneve", "127.0.0.1")
	p.sbctl("lsp-bind", id("two"), "host-2")
	p.sbctl("set", "Port_Binding", id("two"), "up=true")
	w.await(t, network.Link{PortID: id("two"), Up: true})
	p.sbctl("lsp-unbind", id("two"))
	w.await(t, network.Link{PortID: id("two"), Up: false})

	p.stopServer()
	require.Eventually(t, func() bool { return e.Apply(t.Context(), network.State{}) != nil }, patience, 10*time.Millisecond)
	p.startServer()
	require.Eventually(t, func() bool { return e.Apply(t.Context(), world()) == nil }, patience, 50*time.Millisecond)
	require.Contains(t, p.nbctl("show"), id("one"))
}
