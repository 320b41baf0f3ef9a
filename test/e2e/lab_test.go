package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/aloft-cloud/aloft/test/namespace"
)

// TestLab is a cloud of three real hosts, each in namespaces of its own, with a guest on each. The parts run in order.
func TestLab(t *testing.T) {
	namespace.Required(t)
	l := newLab(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, *lab)
	}{
		{"the guests are on three hosts", testSpread},
		{"one network on two hosts", testTunnel},
		{"two networks by a router, and out by SNAT", testRouter},
		{"a floating address is served by its server's own host", testFloatingHost},
		{"the MTU passes and nothing larger", testMTU},
		{"a rule for a remote group, between hosts", testRemoteGroup},
		{"an address moves between two ports", testMovingAddress},
		{"SLAAC gives a guest its port's address", testSLAAC},
		{"stateful DHCPv6 gives another one its own, and a router joins them", testDHCPv6},
		{"a trunk carries two networks into a guest", testTrunk},
		{"a port's bandwidth is limited both ways", testBandwidth},
		{"engines of the network die under a connection", testEngineDeaths},
		{"a host is cut off and healed", testPartition},
		{"the gateway's host is killed", testGatewayKilled},
	} {
		ok := t.Run(part.name, func(t *testing.T) { part.test(t, l) })
		if !ok && strings.HasPrefix(part.name, "the guests are") {
			t.Fatal("the rest needs this part")
		}
	}
	run(t, patience, l.binary, "lab", "down", "--data", l.dir)
	require.NoDirExists(t, l.dir)
	_, err := net.InterfaceByName("aloft-lab")
	require.Error(t, err, "the machine's device is gone")
}

// lab is the laboratory under test: servers a and b on the network demo, and c on the network second.
type lab struct {
	binary, dir string
	host        map[string]string // of each server
	at          map[string]string // where ssh reaches each server, "address:port"
	fixed       map[string]string
	gateway     string // the floating address whose ports lead to guests
}

func newLab(t *testing.T) *lab {
	t.Helper()
	in := newInstallation(t)
	l := &lab{binary: in.binary, dir: filepath.Join(t.TempDir(), "lab"), host: map[string]string{}, at: map[string]string{}, fixed: map[string]string{}}
	t.Cleanup(func() { run(t, patience, l.binary, "lab", "down", "--data", l.dir) })
	run(t, 15*time.Minute, l.binary, "lab", "--real", "3", "--image", in.image, "--data", l.dir)
	return l
}

// openstack runs Debian's client against the laboratory.
func (l *lab) openstack(t *testing.T, cloud string, into any, args ...string) {
	t.Helper()
	openstackBy(t, filepath.Join(l.dir, "etc", "clouds.yaml"), cloud, into, args...)
}

// on runs a command on a node.
func (l *lab) on(t *testing.T, node string, argv ...string) string {
	t.Helper()
	return strings.TrimSpace(run(t, time.Minute, l.binary, append([]string{"lab", "enter", node, "--data", l.dir, "--"}, argv...)...))
}

// dial logs in to a guest, as soon as that answers.
func (l *lab) dial(t *testing.T, guest string) *ssh.Client {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(l.dir, "etc", "demo_ed25519"))
	require.NoError(t, err)
	key, err := ssh.ParsePrivateKey(raw)
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(l.at[guest])
	require.NoError(t, err)
	var client *ssh.Client
	eventually(t, func() error {
		client, err = ssh.Dial("tcp", net.JoinHostPort(host, port), &ssh.ClientConfig{
			User: guestUser, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, Timeout: 10 * time.Second,
			HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		})
		return err
	})
	return client
}

// in runs a command in a guest once, and returns what it printed.
func (l *lab) in(t *testing.T, guest, command string) (string, error) {
	t.Helper()
	client := l.dial(t, guest)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer session.Close()
	raw, err := session.CombinedOutput(command)
	return strings.TrimSpace(string(raw)), err
}

// until runs a command in a guest until it succeeds.
func (l *lab) until(t *testing.T, guest, command string) string {
	t.Helper()
	var out string
	eventually(t, func() error {
		var err error
		if out, err = l.in(t, guest, command); err != nil {
			return fmt.Errorf("%s: %s: %w: %s", guest, command, err, out)
		}
		return nil
	})
	return out
}

func testSpread(t *testing.T, l *lab) {
	l.openstack(t, "demo", nil, "network", "create", "second")
	l.openstack(t, "demo", nil, "subnet", "create", "second", "--network", "second", "--subnet-range", "10.20.0.0/24")
	l.openstack(t, "demo", nil, "subnet", "create", "second6", "--network", "second", "--subnet-range", "fd00:20::/64", "--ip-version", "6",
		"--ipv6-ra-mode", "slaac", "--ipv6-address-mode", "slaac")
	for _, subnet := range []string{"second", "second6"} {
		l.openstack(t, "demo", nil, "router", "add", "subnet", "demo", subnet)
	}
	var group struct{ ID string }
	l.openstack(t, "demo", &group, "server", "group", "create", "apart", "--policy", "anti-affinity")
	for name, network := range map[string]string{"a": "demo", "b": "demo", "c": "second"} {
		l.openstack(t, "demo", nil, "server", "create", name, "--image", "aloft-tiny", "--flavor", "tiny", "--network", network,
			"--key-name", "demo", "--security-group", "demo", "--hint", "group="+group.ID)
	}
	for _, name := range []string{"a", "b", "c"} {
		var s map[string]any
		eventually(t, func() error {
			s = nil
			l.openstack(t, "aloft", &s, "server", "show", l.id(t, name))
			if s["status"] != "ACTIVE" {
				return fmt.Errorf("%s is %v: %v", name, s["status"], s["fault"])
			}
			return nil
		})
		l.host[name], _ = s["OS-EXT-SRV-ATTR:hypervisor_hostname"].(string)
	}
	require.ElementsMatch(t, []string{"host-1", "host-2", "host-3"}, []string{l.host["a"], l.host["b"], l.host["c"]})
	for _, name := range []string{"a", "b"} {
		l.at[name] = l.newFloating(t, "--port", l.port(t, name)) + ":22"
	}
	l.gateway = l.newFloating(t)
	l.forward(t, "c", "2222")
	for _, name := range []string{"a", "b", "c"} {
		require.Equal(t, name, l.until(t, name, "hostname"))
	}
}

func (l *lab) id(t *testing.T, name string) string {
	t.Helper()
	var s struct{ ID string }
	l.openstack(t, "demo", &s, "server", "show", name)
	return s.ID
}

// port is a server's port; its IPv4 address is noted.
func (l *lab) port(t *testing.T, name string) string {
	t.Helper()
	var ports []struct {
		ID    string
		Fixed []struct {
			IP string `json:"ip_address"`
		} `json:"Fixed IP Addresses"`
	}
	l.openstack(t, "demo", &ports, "port", "list", "--server", name)
	require.Len(t, ports, 1)
	for _, f := range ports[0].Fixed {
		if strings.Contains(f.IP, ":") {
			l.fixed[name+"6"] = f.IP
		} else {
			l.fixed[name] = f.IP
		}
	}
	return ports[0].ID
}

func (l *lab) newFloating(t *testing.T, more ...string) string {
	t.Helper()
	var fip struct {
		Address string `json:"floating_ip_address"`
	}
	l.openstack(t, "demo", &fip, append([]string{"floating", "ip", "create", outside}, more...)...)
	return fip.Address
}

// forward has a port of the gateway's floating address lead to a guest's ssh.
func (l *lab) forward(t *testing.T, guest, port string) {
	t.Helper()
	id := l.port(t, guest)
	l.openstack(t, "demo", nil, "floating", "ip", "port", "forwarding", "create", l.gateway, "--port", id,
		"--internal-ip-address", l.fixed[guest], "--internal-protocol-port", "22", "--external-protocol-port", port, "--protocol", "tcp")
	l.at[guest] = net.JoinHostPort(l.gateway, port)
}

func testTunnel(t *testing.T, l *lab) {
	require.Contains(t, l.until(t, "a", "ping -c 1 -W 5 "+l.fixed["b"]), "1 packets received")
	require.Contains(t, l.until(t, "b", "ping -c 1 -W 5 "+l.fixed["a"]), "1 packets received")
	require.Contains(t, l.on(t, l.host["a"], "ovs-vsctl", "show"), "type: geneve")
}

func testRouter(t *testing.T, l *lab) {
	require.Contains(t, l.until(t, "c", "ping -c 1 -W 5 "+l.fixed["a"]), "1 packets received")
	require.Contains(t, l.until(t, "a", "ping -c 1 -W 5 "+l.fixed["c"]), "1 packets received")
	l.until(t, "c", "ping -c 1 -W 5 172.24.4.1") // c has no floating address: it goes out by SNAT
}

// testFloatingHost counts what comes to each host from the outside.
func testFloatingHost(t *testing.T, l *lab) {
	received := func(host string) int {
		var links []struct {
			Stats struct{ RX struct{ Bytes int } } `json:"stats64"`
		}
		require.NoError(t, json.Unmarshal([]byte(l.on(t, host, "ip", "-s", "-j", "link", "show", "out0")), &links))
		require.Len(t, links, 1)
		return links[0].Stats.RX.Bytes
	}
	before := map[string]int{}
	for _, h := range l.host {
		before[h] = received(h)
	}
	address, _, _ := strings.Cut(l.at["a"], ":")
	const count, size = 50, 1000
	run(t, 2*time.Minute, "ping", "-q", "-c", strconv.Itoa(count), "-i", "0.1", "-s", strconv.Itoa(size), address)
	for _, h := range l.host {
		if got := received(h) - before[h]; h == l.host["a"] {
			require.Greater(t, got, count*size*8/10, h)
		} else {
			require.Less(t, got, count*size/2, h)
		}
	}
}

func testMTU(t *testing.T, l *lab) {
	const headers = 28 // of IP and ICMP
	require.Contains(t, l.until(t, "a", "ip link show eth0"), "mtu 1442")
	l.until(t, "a", fmt.Sprintf("ping -c 1 -W 5 -s %d %s", 1442-headers, l.fixed["b"]))
	address, _, _ := strings.Cut(l.at["a"], ":")
	eventually(t, func() error {
		_, _, err := try(t, time.Minute, "ping", "-c", "1", "-W", "5", "-M", "do", "-s", strconv.Itoa(1442-headers), address)
		return err
	})
	eventually(t, func() error {
		out, errOut, err := try(t, time.Minute, "ping", "-c", "3", "-W", "2", "-M", "do", "-s", strconv.Itoa(1443-headers), address)
		require.Error(t, err, "what may not be cut up does not arrive")
		if !regexp.MustCompile(`mtu ?[=:] ?1442\b`).MatchString(out + errOut) { // of the router's answer, or of what was learned by it
			return fmt.Errorf("nobody says what would be small enough: %s%s", out, errOut)
		}
		return nil
	})
}

func testRemoteGroup(t *testing.T, l *lab) {
	l.openstack(t, "demo", nil, "security", "group", "create", "peers")
	l.openstack(t, "demo", nil, "security", "group", "rule", "create", "peers", "--protocol", "tcp", "--dst-port", "7000", "--remote-group", "peers")
	l.openstack(t, "demo", nil, "port", "set", "--security-group", "peers", l.port(t, "b"))
	l.until(t, "b", "nc -ll -p 7000 -e /bin/hostname </dev/null >/dev/null 2>&1 &")
	connect := "nc -w 5 " + l.fixed["b"] + " 7000 </dev/null"
	out, _ := l.in(t, "a", connect)
	require.NotEqual(t, "b", out, "a is no peer yet")
	l.openstack(t, "demo", nil, "port", "set", "--security-group", "peers", l.port(t, "a"))
	eventually(t, func() error {
		if out, err := l.in(t, "a", connect); out != "b" {
			return fmt.Errorf("a hears %q of b: %w", out, err)
		}
		return nil
	})
}

// testMovingAddress moves an address as two VRRP speakers would: the new holder announces it.
func testMovingAddress(t *testing.T, l *lab) {
	const address = "10.10.0.250"
	for _, name := range []string{"a", "b"} {
		l.openstack(t, "demo", nil, "port", "set", l.port(t, name), "--allowed-address", "ip-address="+address)
	}
	take := "ip addr add " + address + "/32 dev eth0; arping -c 3 -U -I eth0 " + address + " || true"
	l.until(t, "a", take)
	require.Contains(t, l.until(t, "c", "ping -c 1 -W 5 "+address), "1 packets received")
	l.until(t, "a", "ip addr del "+address+"/32 dev eth0")
	l.until(t, "b", take)
	require.Contains(t, l.until(t, "c", "ping -c 1 -W 5 "+address), "1 packets received")
	require.Contains(t, l.until(t, "a", "ping -c 1 -W 5 "+address), "1 packets received")
}

// testEngineDeaths kills what moves no packets itself, under a connection that must not notice.
func testEngineDeaths(t *testing.T, l *lab) {
	client := l.dial(t, "a")
	defer client.Close()
	say := func() {
		t.Helper()
		session, err := client.NewSession()
		require.NoError(t, err, "the connection is lost")
		defer session.Close()
		raw, err := session.Output("ping -c 1 -W 60 " + l.fixed["b"] + " >/dev/null; hostname")
		require.NoError(t, err)
		require.Equal(t, "a", strings.TrimSpace(string(raw)))
	}
	say()
	for node, engine := range map[string]string{l.host["a"]: "ovn-controller", "control": "ovn-northd"} {
		pidFile := map[string]string{"ovn-controller": "/run/ovn/ovn-controller.pid", "ovn-northd": "/run/ovn/ovn-northd.pid"}[engine]
		before := l.on(t, node, "cat", pidFile)
		l.on(t, node, "kill", "-9", before)
		say()
		eventually(t, func() error {
			out, _, err := try(t, time.Minute, l.binary, "lab", "enter", node, "--data", l.dir, "--", "cat", pidFile)
			if err == nil && strings.TrimSpace(out) == before {
				err = fmt.Errorf("%s is not back", engine)
			}
			return err
		})
		say()
	}
	require.Contains(t, l.until(t, "a", "ping -c 1 -W 5 "+l.fixed["b"]), "1 packets received")
}

func (l *lab) awaitHost(t *testing.T, host, state string) {
	t.Helper()
	eventually(t, func() error {
		out, _, _ := try(t, time.Minute, l.binary, "lab", "status", "--data", l.dir) // it fails while a host is down
		for line := range strings.Lines(out) {
			if f := strings.Fields(line); len(f) == 4 && f[0] == host && f[3] == state {
				return nil
			}
		}
		return fmt.Errorf("%s is not %s:\n%s", host, state, out)
	})
}

func testPartition(t *testing.T, l *lab) {
	host := l.host["b"]
	run(t, time.Minute, l.binary, "lab", "partition", host, "--data", l.dir)
	l.awaitHost(t, host, "down")
	_, err := l.in(t, "a", "ping -c 1 -W 5 "+l.fixed["b"])
	require.Error(t, err)
	require.Contains(t, l.on(t, host, "virsh", "list"), "running", "the guest does not notice")
	run(t, patience, l.binary, "lab", "heal", host, "--data", l.dir)
	l.awaitHost(t, host, "up")
	require.Contains(t, l.until(t, "a", "ping -c 1 -W 5 "+l.fixed["b"]), "1 packets received")
	require.Equal(t, "b", l.until(t, "b", "hostname"))
}
