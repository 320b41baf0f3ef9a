package network_test

import (
	"log/slog"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/ovn"
)

// translated runs northd between the databases, and a service that writes to them.
func translated(t *testing.T) (*bench, string) {
	t.Helper()
	nb, sb := northbound(t)
	northd := exec.Command("ovn-northd", "--ovnnb-db="+nb, "--ovnsb-db="+sb, "-vconsole:err", "--unixctl="+t.TempDir()+"/northd.ctl")
	require.NoError(t, northd.Start())
	t.Cleanup(func() {
		_ = northd.Process.Kill()
		_ = northd.Wait()
	})
	out, err := exec.Command("ovn-sbctl", "--db="+sb, "chassis-add", "host-1", "geneve", "127.0.0.1", "--",
		"set", "Chassis", "host-1", "other_config:ovn-bridge-mappings=outside:br-outside").CombinedOutput()
	require.NoError(t, err, string(out))
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	b := newBench(t, dbtest.SQLite(t, sets()...), ovn.New(ovn.Config{Northbound: []string{nb}, Southbound: []string{sb}}, log))
	b.start()
	return b, nb
}

func TestTracesAndAudits(t *testing.T) {
	b, nb := translated(t)
	ctx, c, yes := t.Context(), tenant("one"), true
	outside, err := b.CreateNetwork(ctx, admin(), network.NewNetwork{External: &yes, Provider: &network.Provider{Kind: network.Flat, Physical: "outside"}})
	require.NoError(t, err)
	b.subnet(admin(), outside, "172.24.4.0/24")
	n, _, r := b.routed(outside, "10.0.0.0/24")
	one, two := b.port(c, n), b.port(c, n)
	lone, _ := b.segment(c, "10.8.0.0/24")
	alone := b.port(c, lone)

	trace := func(p network.Port, to netip.Addr, protocol string, port int) network.Trace {
		t.Helper()
		nbctl(t, nb, "--wait=sb", "--timeout=30", "sync")
		out, err := b.TracePort(ctx, c, p.ID, network.Packet{Dest: to, Protocol: protocol, Port: port})
		require.NoError(t, err)
		return out
	}
	require.Eventually(t, func() bool {
		list, err := b.Audit(ctx, admin(), false)
		return err == nil && len(list) == 0
	}, patience, 20*time.Millisecond)

	t.Run("the default group lets its members in", func(t *testing.T) {
		got := trace(one, two.FixedIPs[0].Address, "tcp", 80)
		require.True(t, got.Delivered, got.Steps)
		require.Equal(t, "it reaches port "+two.ID, got.Verdict)
		require.Contains(t, strings.Join(got.Steps, "\n"), "into port "+two.ID)
	})
	t.Run("a rule is missing", func(t *testing.T) {
		g, err := b.CreateSecurityGroup(ctx, c, network.NewSecurityGroup{Name: "closed"})
		require.NoError(t, err)
		_, err = b.ChangePort(ctx, c, two.ID, network.PortChange{GroupIDs: &[]string{g.ID}})
		require.NoError(t, err)
		require.Eventually(t, func() bool { return !trace(one, two.FixedIPs[0].Address, "tcp", 80).Delivered }, patience, 20*time.Millisecond)
		got := trace(one, two.FixedIPs[0].Address, "tcp", 80)
		require.Equal(t, &network.Lack{SecurityGroupIDs: []string{g.ID}, Direction: network.Ingress}, got.Lacks)
		require.Contains(t, got.Verdict, "tcp to port 80")
		low, high := 80, 80
		rules, err := b.CreateRules(ctx, c, network.NewRule{GroupID: g.ID, Direction: network.Ingress, Protocol: "tcp", PortMin: &low, PortMax: &high})
		require.NoError(t, err)
		require.Eventually(t, func() bool { return trace(one, two.FixedIPs[0].Address, "tcp", 80).Delivered }, patience, 20*time.Millisecond)
		require.Contains(t, strings.Join(trace(one, two.FixedIPs[0].Address, "tcp", 80).Steps, "\n"), "rule "+rules[0].ID)
	})
	t.Run("it leaves by the gateway", func(t *testing.T) {
		got := trace(one, netip.MustParseAddr("9.9.9.9"), "tcp", 443)
		require.True(t, got.Delivered, got.Steps)
		require.Contains(t, got.Verdict, "for the physical network outside")
	})
	t.Run("a router is missing, or its route", func(t *testing.T) {
		got := trace(alone, netip.MustParseAddr("9.9.9.9"), "icmp", 0)
		require.False(t, got.Delivered)
		require.Equal(t, alone.FixedIPs[0].SubnetID, got.Lacks.SubnetID)
		var none *network.WantedGateway
		_, err := b.ChangeRouter(ctx, c, r.ID, network.RouterChange{Gateway: &none})
		require.NoError(t, err)
		require.Eventually(t, func() bool { return !trace(one, netip.MustParseAddr("9.9.9.9"), "icmp", 0).Delivered }, patience, 20*time.Millisecond)
		got = trace(one, netip.MustParseAddr("9.9.9.9"), "icmp", 0)
		require.NotNil(t, got.Lacks, got.Steps)
		require.Equal(t, r.ID, got.Lacks.RouterID)
	})
	t.Run("nobody has the address", func(t *testing.T) {
		require.Contains(t, trace(alone, netip.MustParseAddr("10.8.0.250"), "icmp", 0).Verdict, "no port of network")
		_, err := b.TracePort(ctx, tenant("two"), one.ID, network.Packet{Dest: two.FixedIPs[0].Address, Protocol: "icmp"})
		require.Equal(t, "PortNotFound", code(err))
	})
	t.Run("an audit finds drift and has it mended", func(t *testing.T) {
		_, err := b.Audit(ctx, c, false)
		require.Equal(t, "PolicyNotAuthorized", code(err))
		nbctl(t, nb, "lsp-set-addresses", one.ID, "unknown")
		require.Eventually(t, func() bool {
			list, err := b.Audit(ctx, admin(), true)
			return err == nil && len(list) == 0 && strings.Contains(nbctl(t, nb, "lsp-get-addresses", one.ID), one.MAC)
		}, patience, 20*time.Millisecond)
	})
}
