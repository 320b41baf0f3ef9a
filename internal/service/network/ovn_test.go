package network_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/ovn"
)

// patience is how long a loaded machine may take for what is usually done in moments.
const patience = 5 * time.Minute

// northbound starts the databases of a private OVN, without northd, and returns their sockets.
func northbound(t *testing.T) (nb, sb string) {
	t.Helper()
	for _, p := range []string{"ovsdb-tool", "ovsdb-server", "ovn-nbctl", "ovn-sbctl"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("OVN is not installed: %v", err)
		}
	}
	dir, err := os.MkdirTemp("", "nb") // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	for _, name := range []string{"nb", "sb"} {
		out, err := exec.Command("ovsdb-tool", "create", dir+"/"+name+".db", "/usr/share/ovn/ovn-"+name+".ovsschema").CombinedOutput()
		require.NoError(t, err, string(out))
	}
	server := exec.Command("ovsdb-server", "-vconsole:err", "--remote=punix:"+dir+"/nb.sock", "--remote=punix:"+dir+"/sb.sock",
		"--unixctl="+dir+"/ctl", dir+"/nb.db", dir+"/sb.db")
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	require.Eventually(t, func() bool {
		_, err := os.Stat(dir + "/sb.sock")
		return err == nil
	}, patience, 10*time.Millisecond)
	return "unix:" + dir + "/nb.sock", "unix:" + dir + "/sb.sock"
}

func nbctl(t *testing.T, nb string, args ...string) string {
	t.Helper()
	out, err := exec.Command("ovn-nbctl", append([]string{"--db=" + nb}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.TrimSpace(string(out))
}

func TestTheServiceWritesOVN(t *testing.T) {
	nb, sb := northbound(t)
	out, err := exec.Command("ovn-sbctl", "--db="+sb, "chassis-add", "host-1", "geneve", "127.0.0.1", "--",
		"set", "Chassis", "host-1", "other_config:ovn-bridge-mappings=outside:br-outside").CombinedOutput()
	require.NoError(t, err, string(out))
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	b := newBench(t, dbtest.SQLite(t, sets()...), ovn.New(ovn.Config{Northbound: []string{nb}, Southbound: []string{sb}}, log))
	b.start()
	ctx, c, yes := t.Context(), tenant("one"), true
	outside, err := b.CreateNetwork(ctx, admin(), network.NewNetwork{External: &yes, Provider: &network.Provider{Kind: network.Flat, Physical: "outside"}})
	require.NoError(t, err)
	b.subnet(admin(), outside, "172.24.4.0/24")
	n, sub := b.segment(c, "10.0.0.0/24")
	p, err := b.CreatePort(ctx, c, network.NewPort{NetworkID: n.ID, DeviceID: "server", DeviceOwner: "compute:nova", DNSName: "Hello"})
	require.NoError(t, err)
	r, err := b.CreateRouter(ctx, c, network.NewRouter{Gateway: &network.WantedGateway{NetworkID: outside.ID}})
	require.NoError(t, err)
	_, err = b.AddInterface(ctx, c, r.ID, sub.ID, "", nil)
	require.NoError(t, err)
	f, err := b.CreateFloatingIP(ctx, c, network.NewFloatingIP{NetworkID: outside.ID, PortID: p.ID})
	require.NoError(t, err)
	require.NoError(t, b.BindPorts(ctx, "server", "host-1"))

	within := func(why string, ok func() bool) {
		t.Helper()
		require.Eventually(t, ok, patience, 20*time.Millisecond, why)
	}
	has := func(table, text string) func() bool {
		return func() bool { return strings.Contains(nbctl(t, nb, "list", table), text) }
	}
	within("the port is bound", has("Logical_Switch_Port", "requested-chassis=host-1"))
	within("the floating IP is translated on its host", has("NAT", p.ID))
	require.Contains(t, nbctl(t, nb, "list", "DNS"), "hello")
	require.Contains(t, nbctl(t, nb, "list", "DHCP_Options"), "169.254.169.254/32,10.0.0.2")
	require.Contains(t, nbctl(t, nb, "list", "HA_Chassis"), "host-1")
	require.Contains(t, nbctl(t, nb, "list", "Logical_Router_Port"), `gateway_mtu="1442"`)
	less := 1400
	_, err = b.ChangeNetwork(ctx, c, n.ID, network.NetworkChange{MTU: &less})
	require.NoError(t, err)
	within("the router hears of the MTU", has("Logical_Router_Port", `gateway_mtu="1400"`))

	nbctl(t, nb, "lsp-set-addresses", p.ID, "unknown")
	b.Resync()
	within("drift is mended", has("Logical_Switch_Port", p.MAC+" "+p.FixedIPs[0].Address.String()))
	nbctl(t, nb, "set", "Logical_Switch_Port", p.ID, "up=true")
	within("the link is seen", func() bool {
		now, err := b.ShowPort(ctx, c, p.ID)
		return err == nil && now.Status == network.StatusActive
	})

	require.NoError(t, b.DeleteFloatingIP(ctx, c, f.ID, nil))
	require.NoError(t, b.DeletePort(ctx, c, p.ID, nil))
	_, err = b.RemoveInterface(ctx, c, r.ID, sub.ID, "", nil)
	require.NoError(t, err)
	require.NoError(t, b.DeleteRouter(ctx, c, r.ID, nil))
	require.NoError(t, b.DeleteNetwork(ctx, c, n.ID, nil))
	require.NoError(t, b.DeleteNetwork(ctx, admin(), outside.ID, nil))
	for _, table := range []string{"Logical_Switch", "Logical_Switch_Port", "Logical_Router", "NAT", "DHCP_Options", "DNS", "HA_Chassis_Group"} {
		within(fmt.Sprintf("nothing is left in %s", table), func() bool { return nbctl(t, nb, "list", table) == "" })
	}
}

// TestTenThousandPortsInOVN prints what one more port costs; it runs where ALOFT_SCALE is set.
func TestTenThousandPortsInOVN(t *testing.T) {
	if os.Getenv("ALOFT_SCALE") == "" {
		t.Skip("set ALOFT_SCALE=1 to measure")
	}
	nb, sb := northbound(t)
	log := slog.New(slog.DiscardHandler)
	timed := &timed{Northbound: ovn.New(ovn.Config{Northbound: []string{nb}, Southbound: []string{sb}}, log), took: make(chan string, 20_000)}
	b := newBench(t, dbtest.SQLite(t, sets()...), timed)
	b.start()
	c := tenant("one")
	n, _ := b.segment(c, "10.0.0.0/16")
	begun := time.Now()
	var last network.Port
	for range 10_000 {
		last = b.port(c, n)
	}
	t.Logf("written in %s", time.Since(begun))
	there := func(id string) func() bool {
		return func() bool {
			return exec.Command("ovn-nbctl", "--db="+nb, "lsp-get-type", id).Run() == nil
		}
	}
	require.Eventually(t, there(last.ID), patience, 10*time.Millisecond)
	t.Logf("all in OVN after %s", time.Since(begun))
	for len(timed.took) > 0 {
		<-timed.took
	}
	for range 5 {
		b.port(c, n)
		t.Logf("one more: %s", <-timed.took)
	}
	b.Resync()
	t.Logf("all compared: %s", <-timed.took)
}

// timed says how long each Apply took.
type timed struct {
	network.Northbound
	took chan string
}

func (n *timed) Apply(ctx context.Context, s network.State) error {
	begun := time.Now()
	err := n.Northbound.Apply(ctx, s)
	n.took <- fmt.Sprintf("%s for %d units", time.Since(begun), len(s.Units))
	return err
}
