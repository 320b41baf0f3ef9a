package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// awaitAddress waits until a device of a guest has an address, by whatever the guest does itself.
func (l *lab) awaitAddress(t *testing.T, guest, device, address string) {
	t.Helper()
	eventually(t, func() error {
		out, err := l.in(t, guest, "ip addr show dev "+device)
		if err != nil || !strings.Contains(out, address+"/") {
			return fmt.Errorf("%s has no %s on %s: %w: %s", guest, address, device, err, out)
		}
		return nil
	})
}

func testSLAAC(t *testing.T, l *lab) {
	require.NotEmpty(t, l.fixed["c6"])
	l.awaitAddress(t, "c", "eth0", l.fixed["c6"])
	l.until(t, "c", "ping -c 1 -W 5 fd00:20::1")
}

func testDHCPv6(t *testing.T, l *lab) {
	l.openstack(t, "demo", nil, "security", "group", "rule", "create", "demo", "--ethertype", "IPv6", "--protocol", "ipv6-icmp")
	l.openstack(t, "demo", nil, "subnet", "create", "demo6", "--network", "demo", "--subnet-range", "fd00:10::/64", "--ip-version", "6",
		"--ipv6-ra-mode", "dhcpv6-stateful", "--ipv6-address-mode", "dhcpv6-stateful")
	l.openstack(t, "demo", nil, "port", "set", "--fixed-ip", "subnet=demo6", l.port(t, "a"))
	l.port(t, "a")
	require.NotEmpty(t, l.fixed["a6"])
	l.openstack(t, "demo", nil, "router", "add", "subnet", "demo", "demo6")
	l.awaitAddress(t, "a", "eth0", l.fixed["a6"])
	require.Contains(t, l.until(t, "a", "ping -c 1 -W 5 "+l.fixed["c6"]), "1 packets received")
	require.Contains(t, l.until(t, "c", "ping -c 1 -W 5 "+l.fixed["a6"]), "1 packets received")
}

// subPort is a port that a guest gets as a VLAN.
type subPort struct {
	ID      string `json:"id"`
	MAC     string `json:"mac_address"`
	Address []struct {
		IP string `json:"ip_address"`
	} `json:"fixed_ips"`
}

// trunk carries networks into a guest, each by its VLAN, and returns the addresses that the guest then has, by network.
func (l *lab) trunk(t *testing.T, guest string, networks map[string]int) map[string]string {
	t.Helper()
	create := []string{"network", "trunk", "create", guest, "--parent-port", l.port(t, guest)}
	commands, addresses := map[string]string{}, map[string]string{}
	for network, vlan := range networks {
		var p subPort
		l.openstack(t, "demo", &p, "port", "create", guest+"-"+network, "--network", network, "--security-group", "demo")
		create = append(create, "--subport", fmt.Sprintf("port=%s,segmentation-type=vlan,segmentation-id=%d", p.ID, vlan))
		commands[network] = fmt.Sprintf("ip link add link eth0 name eth0.%d address %s type vlan id %d", vlan, p.MAC, vlan)
		for _, a := range p.Address {
			if !strings.Contains(a.IP, ":") {
				addresses[network] = a.IP
			}
		}
	}
	l.openstack(t, "demo", nil, create...)
	for network, vlan := range networks {
		l.until(t, guest, commands[network])
		l.awaitAddress(t, guest, fmt.Sprintf("eth0.%d", vlan), addresses[network]) // from that network's DHCP
	}
	return addresses
}

// testTrunk has a reach two networks by VLANs: second, where c is, and third, where b is by a trunk of its own. All are on
// different hosts.
func testTrunk(t *testing.T, l *lab) {
	l.openstack(t, "demo", nil, "network", "create", "third")
	l.openstack(t, "demo", nil, "subnet", "create", "third", "--network", "third", "--subnet-range", "10.30.0.0/24", "--gateway", "none")
	b := l.trunk(t, "b", map[string]int{"third": 7})
	a := l.trunk(t, "a", map[string]int{"second": 101, "third": 102})
	require.Contains(t, l.until(t, "a", "ping -c 1 -W 5 -I eth0.102 "+b["third"]), "1 packets received")
	require.Contains(t, l.until(t, "b", "ping -c 1 -W 5 -I eth0.7 "+a["third"]), "1 packets received")
	require.Contains(t, l.until(t, "a", "ping -c 1 -W 5 -I eth0.101 "+l.fixed["c"]), "1 packets received")
	require.Contains(t, l.until(t, "c", "ping -c 1 -W 5 "+a["second"]), "1 packets received")
	for guest, devices := range map[string]string{"a": "eth0.101 eth0.102", "b": "eth0.7"} { // what follows knows of no second way
		l.until(t, guest, "for d in "+devices+"; do ip link del $d; done")
	}
}

// testBandwidth has a and b send to one another as much as passes, with b's port limited, and counts what comes out of the
// receiver's port: headers, too, as the limit does.
func testBandwidth(t *testing.T, l *lab) {
	limit := map[string]float64{"b": 2, "a": 1} // Mbit/s to each: b's ingress and egress
	l.openstack(t, "aloft", nil, "network", "qos", "policy", "create", "limited", "--share")
	l.openstack(t, "aloft", nil, "network", "qos", "rule", "create", "limited", "--type", "bandwidth-limit", "--max-kbps", "2000", "--ingress")
	l.openstack(t, "aloft", nil, "network", "qos", "rule", "create", "limited", "--type", "bandwidth-limit", "--max-kbps", "1000", "--egress")
	port := map[string]string{"a": l.port(t, "a"), "b": l.port(t, "b")}
	l.openstack(t, "demo", nil, "security", "group", "rule", "create", "demo", "--protocol", "tcp", "--dst-port", "5001")
	l.openstack(t, "demo", nil, "port", "set", "--qos-policy", "limited", port["b"])
	for to, from := range map[string]string{"b": "a", "a": "b"} {
		l.until(t, to, "nc -ll -p 5001 -e sh -c 'cat >/dev/null' </dev/null >/dev/null 2>&1 &")
		l.until(t, from, "nc "+l.fixed[to]+" 5001 </dev/zero >/dev/null 2>&1 &")
		tap := l.on(t, l.host[to], "ovs-vsctl", "--bare", "--columns=name", "find", "Interface", "external_ids:iface-id="+port[to])
		eventually(t, func() error {
			const window = 8 * time.Second
			before, begun := l.delivered(t, to, tap), time.Now()
			time.Sleep(window)
			bits := float64(l.delivered(t, to, tap)-before) * 8
			rate := bits / time.Since(begun).Seconds() / 1e6
			if rate < 0.8*limit[to] || rate > 1.2*limit[to] {
				return fmt.Errorf("%.3f Mbit/s reach %s, and the limit is %g", rate, to, limit[to])
			}
			t.Logf("%.3f Mbit/s reach %s, and the limit is %g", rate, to, limit[to])
			return nil
		})
		l.until(t, from, "killall nc || true")
	}
	l.openstack(t, "demo", nil, "port", "unset", "--qos-policy", port["b"])
}

// delivered is how many bytes a guest's host has given it at a device.
func (l *lab) delivered(t *testing.T, guest, tap string) int {
	t.Helper()
	var links []struct {
		Stats struct{ TX struct{ Bytes int } } `json:"stats64"`
	}
	require.NoError(t, json.Unmarshal([]byte(l.on(t, l.host[guest], "ip", "-s", "-j", "link", "show", tap)), &links))
	require.Len(t, links, 1)
	return links[0].Stats.TX.Bytes
}
