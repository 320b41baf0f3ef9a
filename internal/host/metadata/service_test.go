package metadata

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netns"

	"github.com/aloft-cloud/aloft/internal/host/engine"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/test/namespace"
)

func TestMain(m *testing.M) { namespace.Main(m) }

// source is what the agent knows: servers by network and address.
type source struct {
	mu      sync.Mutex
	servers map[string]protocol.Server
}

func (s *source) ServerAt(networkID, ip string) (protocol.Server, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	server, ok := s.servers[networkID+"/"+ip]
	return server, ok
}

const (
	netA  = "aaaaaaaa-1111-4000-8000-000000000001"
	netB  = "bbbbbbbb-1111-4000-8000-000000000001"
	hello = "6f1a8b6e-3c1d-4f9e-9d6b-0a1b2c3d4e5f"
	other = "7f1a8b6e-3c1d-4f9e-9d6b-0a1b2c3d4e5f"
)

// patience is far above what anything here takes, because other tests run beside it.
const patience = 10 * time.Minute

func startEngines(t *testing.T) {
	t.Helper()
	namespace.Required(t)
	if _, err := exec.LookPath("ovn-nbctl"); err != nil {
		t.Skip("needs the engines: make deps")
	}
	e := engine.New(engine.Config{RunDir: t.TempDir(), DataDir: t.TempDir(), HostID: "host-1", Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, e.Ensure(ctx, func(name, state string) {
		require.NotEqual(t, "adopted", state, "%s of an earlier test still runs", name)
	}))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, New(Config{}).Purge(ctx))
		require.NoError(t, e.Stop(ctx))
	})
}

func do(t *testing.T, line string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
	require.NoError(t, err, "%s: %s", line, out)
}

// network makes a network in OVN with a metadata port at 10.0.0.2 and a guest at 10.0.0.5, the same in every network.
func network(t *testing.T, id string) (protocol.MetadataPort, netns.NsHandle) {
	t.Helper()
	n := id[:2]
	meta := protocol.MetadataPort{PortID: "meta-" + n, MAC: "fa:16:3e:00:00:02", Addresses: []string{"10.0.0.2/24"}}
	do(t, "ovn-nbctl ls-add "+n+" -- lsp-add "+n+" "+meta.PortID+" -- lsp-set-type "+meta.PortID+" localport")
	do(t, "ovn-nbctl lsp-add "+n+" vm-"+n)
	do(t, "ovn-nbctl set Logical_Switch_Port "+meta.PortID+` addresses='"fa:16:3e:00:00:02 10.0.0.2"'`)
	do(t, "ovn-nbctl set Logical_Switch_Port vm-"+n+` addresses='"fa:16:3e:00:00:05 10.0.0.5"' port_security='"fa:16:3e:00:00:05 10.0.0.5"'`)
	for _, line := range []string{
		"ip netns add guest-" + n,
		"ip link add tap" + n + " type veth peer name eth0 netns guest-" + n,
		"ethtool -K tap" + n + " tx off",
		"nsenter --net=/run/netns/guest-" + n + " ethtool -K eth0 tx off",
		"ip link set tap" + n + " up",
		"ip -n guest-" + n + " link set eth0 address fa:16:3e:00:00:05 up",
		"ip -n guest-" + n + " addr add 10.0.0.5/24 dev eth0",
		"ip -n guest-" + n + " route add 169.254.169.254 via 10.0.0.2",
		"ovs-vsctl add-port br-int tap" + n + " -- set Interface tap" + n + " external_ids:iface-id=vm-" + n,
		"ovn-nbctl --timeout=300 wait-until Logical_Switch_Port vm-" + n + " up=true",
		"ovn-nbctl --timeout=300 --wait=hv sync",
	} {
		do(t, line)
	}
	ns, err := netns.GetFromName("guest-" + n)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, ns.Close())
		require.NoError(t, exec.Command("ip", "netns", "del", "guest-"+n).Run())
		require.NoError(t, exec.Command("ovn-nbctl", "ls-del", n).Run())
	})
	return meta, ns
}

// get asks for a document as a guest does, from its namespace.
func get(t *testing.T, guest netns.NsHandle, path string) (int, string) {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (c net.Conn, err error) {
		err = inside(guest, func() error {
			c, err = (&net.Dialer{}).DialContext(ctx, network, address)
			return err
		})
		return c, err
	}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	reply, err := client.Get("http://169.254.169.254" + path)
	require.NoError(t, err)
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	return reply.StatusCode, string(body)
}

func TestGuestsOfTwoNetworks(t *testing.T) {
	startEngines(t)
	portA, guestA := network(t, netA)
	portB, guestB := network(t, netB)
	long := strings.Repeat("x", 60_000) // more than a packet and more than a window
	src := &source{servers: map[string]protocol.Server{
		netA + "/10.0.0.5": {ID: hello, Guest: protocol.Guest{UserData: []byte(long)}},
		netB + "/10.0.0.5": {ID: other},
	}}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s := New(Config{Source: src, Log: log})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	both := map[string]protocol.MetadataPort{netA: portA, netB: portB}

	// A process that was killed has left a file that is no namespace.
	require.NoError(t, os.WriteFile(filepath.Join(spaceDir, spaceName(netA)), nil, 0o644))
	begun := time.Now()
	require.NoError(t, s.Sync(ctx, both))
	t.Log("two networks took", time.Since(begun))
	begun = time.Now()
	require.NoError(t, s.Sync(ctx, both))
	t.Log("nothing to do took", time.Since(begun))
	do(t, "ovn-nbctl --timeout=300 --wait=hv sync")

	_, body := get(t, guestA, "/openstack/latest/meta_data.json")
	require.Contains(t, body, hello)
	_, body = get(t, guestB, "/openstack/latest/meta_data.json")
	require.Contains(t, body, other, "the same address in another network is another server")
	_, body = get(t, guestA, "/openstack/latest/user_data")
	require.Equal(t, long, body)
	code, _ := get(t, guestB, "/openstack/latest/user_data")
	require.Equal(t, http.StatusNotFound, code)

	// Another process adopts what is there.
	require.NoError(t, s.Close())
	s = New(Config{Source: src, Log: log})
	require.NoError(t, s.Sync(ctx, both))
	_, body = get(t, guestA, "/2009-04-04/meta-data/instance-id")
	require.Equal(t, ec2ID("i", hello), body)

	// What somebody breaks is repaired.
	do(t, "ip netns del "+spaceName(netA))
	do(t, "ovs-vsctl del-port "+outerName(shortID(netB)))
	require.NoError(t, s.Sync(ctx, both))
	do(t, "ovn-nbctl --timeout=300 --wait=hv sync")
	for _, guest := range []netns.NsHandle{guestA, guestB} {
		code, _ := get(t, guest, "/latest/meta-data/local-ipv4")
		require.Equal(t, http.StatusOK, code)
	}

	// A caller that no server here has is told nothing.
	src.mu.Lock()
	delete(src.servers, netB+"/10.0.0.5")
	src.mu.Unlock()
	code, _ = get(t, guestB, "/openstack")
	require.Equal(t, http.StatusNotFound, code)

	require.NoError(t, s.Sync(ctx, map[string]protocol.MetadataPort{netA: portA}))
	have, err := spaces()
	require.NoError(t, err)
	require.Equal(t, []string{shortID(netA)}, have)
	require.NoError(t, s.Purge(ctx))
	have, err = spaces()
	require.NoError(t, err)
	require.Empty(t, have)
	plugged, err := pluggedPorts(ctx)
	require.NoError(t, err)
	require.Empty(t, plugged)
	require.NoError(t, s.Purge(ctx))
}

func TestPurgeNeedsNoSwitch(t *testing.T) {
	namespace.Required(t)
	ns, made, err := openSpace(spaceName(netA))
	require.NoError(t, err)
	require.True(t, made)
	require.NoError(t, ns.Close())
	require.NoError(t, New(Config{}).Purge(t.Context()))
	have, err := spaces()
	require.NoError(t, err)
	require.Empty(t, have)
}

// TestNamesResolve asks for names as a guest does: of its network's servers, which OVN answers, and of others, which the
// host's resolvers do.
func TestNamesResolve(t *testing.T) {
	startEngines(t)
	meta, guest := network(t, netA)
	do(t, `ovn-nbctl --id=@d create DNS 'records={"one"="10.0.0.5","5.0.0.10.in-addr.arpa"="one"}' -- add Logical_Switch aa dns_records @d`)
	do(t, "ovn-nbctl --timeout=20 --wait=hv sync")
	up := resolver(t)
	s := New(Config{Source: &source{}, Resolvers: func() []string { return []string{up} }, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Sync(t.Context(), map[string]protocol.MetadataPort{netA: meta}))
	dns := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (c net.Conn, err error) {
		err = inside(guest, func() error {
			c, err = (&net.Dialer{}).DialContext(ctx, network, "10.0.0.2:53")
			return err
		})
		return c, err
	}}
	require.Eventually(t, func() bool {
		found, err := dns.LookupHost(t.Context(), "one.")
		return err == nil && len(found) == 1 && found[0] == "10.0.0.5"
	}, time.Minute, 100*time.Millisecond)
	out, err := exec.CommandContext(t.Context(), "nsenter", "--net=/run/netns/guest-aa", "busybox", "nslookup", "one", "10.0.0.2").CombinedOutput()
	require.NoError(t, err, "a question without extensions, and one for an IPv6 address: %s", out)
	names, err := dns.LookupAddr(t.Context(), "10.0.0.5")
	require.NoError(t, err)
	require.Equal(t, []string{"one."}, names)

	require.Eventually(t, func() bool {
		c, err := dns.Dial(t.Context(), "udp", "")
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.SetDeadline(time.Now().Add(5*time.Second)))
		question := append([]byte{7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3}, "abc\x00\x00\x01\x00\x01"...)
		if _, err := c.Write(question); err != nil {
			return false
		}
		answer := make([]byte, dnsMessage)
		n, err := c.Read(answer)
		return err == nil && answer[n-1] == '!'
	}, time.Minute, 100*time.Millisecond, "the host's resolver has answered")
}
