package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/ovn"
	"github.com/aloft-cloud/aloft/internal/service/network/store"
)

// northbound is the network service over OVN's own database server, without hosts and so without ovn-northd.
type northbound struct {
	*network.Service
	tb     testing.TB
	nb, sb string
	caller *auth.Caller
	north  *heard
	run    func()
}

// heard tells of the ports that were written.
type heard struct {
	*ovn.Engine
	ports chan string
}

// Apply implements network.Northbound.
func (h *heard) Apply(ctx context.Context, s network.State) error {
	err := h.Engine.Apply(ctx, s)
	if err == nil && !s.Full {
		for _, p := range s.Ports {
			select {
			case h.ports <- p.Port.ID:
			default: // nobody waits for so many
			}
		}
	}
	return err
}

func newNorthbound(tb testing.TB) *northbound {
	tb.Helper()
	if _, err := exec.LookPath("ovsdb-server"); err != nil {
		tb.Skip(err)
	}
	dir, err := os.MkdirTemp("", "north") // a socket's path must be short
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, os.RemoveAll(dir)) })
	n := &northbound{tb: tb, nb: "unix:" + dir + "/nb.sock", sb: "unix:" + dir + "/sb.sock"}
	args := []string{"-vconsole:err", "--remote=p" + n.nb, "--remote=p" + n.sb, "--unixctl=" + dir + "/ctl"}
	for _, side := range []string{"nb", "sb"} {
		file := filepath.Join(dir, side+".db")
		out, err := exec.Command("ovsdb-tool", "create", file, "/usr/share/ovn/ovn-"+side+".ovsschema").CombinedOutput()
		require.NoError(tb, err, string(out))
		args = append(args, file)
	}
	server := exec.Command("ovsdb-server", args...)
	require.NoError(tb, server.Start())
	tb.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	require.Eventually(tb, func() bool {
		_, err := os.Stat(strings.TrimPrefix(n.sb, "unix:"))
		return err == nil
	}, time.Minute, 10*time.Millisecond)

	sets := []db.Migrations{event.Migrations(), store.Migrations()}
	d := dbtest.SQLite(tb, sets...)
	log := slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	events := event.New(d, nil, log)
	n.north = &heard{ovn.New(ovn.Config{Northbound: []string{n.nb}, Southbound: []string{n.sb}}, log), make(chan string, 10_000)}
	unlimited := network.DefaultQuota()
	for k := range unlimited {
		unlimited[k] = -1
	}
	n.Service = network.New(network.Config{Quota: unlimited, Audit: time.Hour}, store.New(d), d, events, n.north, log)
	n.caller = &auth.Caller{UserID: "user", ProjectID: "project", Roles: []string{"admin", "member", "reader"}}
	n.run = func() {
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		for _, run := range []func(context.Context) error{n.Run, events.Run} {
			wg.Go(func() { _ = run(ctx) }) // ends with ctx
		}
		tb.Cleanup(func() {
			cancel()
			wg.Wait()
		})
	}
	return n
}

// fill makes networks with a subnet each, groups with twenty rules each, and ports in the first network.
func (n *northbound) fill(networks, groups, ports int) (first network.Network) {
	n.tb.Helper()
	ctx := context.Background()
	inBatches(n.tb, n.Service, networks, func(ctx context.Context, i int) error {
		made, err := n.CreateNetwork(ctx, n.caller, network.NewNetwork{Name: fmt.Sprint("network-", i)})
		if err != nil {
			return err
		}
		cidr := fmt.Sprintf("10.%d.%d.0/24", i/256, i%256)
		if i == 0 {
			first, cidr = made, "172.16.0.0/16"
		}
		_, err = n.CreateSubnet(ctx, n.caller, network.NewSubnet{NetworkID: made.ID, IPVersion: 4, CIDR: netip.MustParsePrefix(cidr)})
		return err
	})
	inBatches(n.tb, n.Service, groups, func(ctx context.Context, i int) error {
		g, err := n.CreateSecurityGroup(ctx, n.caller, network.NewSecurityGroup{Name: fmt.Sprint("group-", i)})
		if err != nil {
			return err
		}
		var rules []network.NewRule
		for j := range 20 - len(g.Rules) {
			port := 1000 + j
			rules = append(rules, network.NewRule{GroupID: g.ID, Direction: network.Ingress, Protocol: "tcp", PortMin: &port, PortMax: &port})
		}
		_, err = n.CreateRules(ctx, n.caller, rules...)
		return err
	})
	for at := 0; at < ports; at += 500 {
		list := make([]network.NewPort, min(500, ports-at))
		for i := range list {
			list[i] = network.NewPort{NetworkID: first.ID, DeviceID: fmt.Sprint("device-", at+i), DeviceOwner: "compute:nova", DNSName: fmt.Sprint("name-", at+i)}
		}
		_, err := n.CreatePorts(ctx, n.caller, list)
		require.NoError(n.tb, err)
	}
	return first
}

// inBatches does something count times, a hundred a transaction.
func inBatches(tb testing.TB, s *network.Service, count int, do func(context.Context, int) error) {
	tb.Helper()
	for at := 0; at < count; at += 100 {
		require.NoError(tb, s.Together(context.Background(), func(ctx context.Context) error {
			for i := at; i < min(at+100, count); i++ {
				if err := do(ctx, i); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// clean waits until the northbound database holds all that it should and nothing else.
func (n *northbound) clean() {
	n.tb.Helper()
	require.Eventually(n.tb, func() bool {
		list, err := n.Audit(context.Background(), n.caller, false)
		return err == nil && len(list) == 0
	}, 10*time.Minute, 20*time.Millisecond)
}

// onePort is how long a port takes from the request until it is in the northbound database, the median of some.
func (n *northbound) onePort(in network.Network, times int) (request, written time.Duration) {
	n.tb.Helper()
	var requests, all []time.Duration
	for range times {
		begun := time.Now()
		p, err := n.CreatePort(context.Background(), n.caller, network.NewPort{NetworkID: in.ID, DeviceID: "one-more", DeviceOwner: "compute:nova", DNSName: "one-more"})
		require.NoError(n.tb, err)
		requests = append(requests, time.Since(begun))
		deadline := time.After(time.Minute)
		for heard := ""; heard != p.ID; {
			select {
			case heard = <-n.north.ports:
			case <-deadline:
				require.FailNow(n.tb, "the port is not written")
			}
		}
		all = append(all, time.Since(begun))
	}
	return median(requests), median(all)
}

// TestNorthbound is the short form, and looks at no time: what is made is written, and nothing else.
func TestNorthbound(t *testing.T) {
	n := newNorthbound(t)
	first := n.fill(5, 5, 100)
	n.run()
	n.clean()
	n.onePort(first, 3)
	n.clean()
	out, err := exec.Command("ovn-nbctl", "--db="+n.nb, "--bare", "--columns=_uuid", "list", "ACL").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, 4+5*20+4, len(strings.Fields(string(out))), "what drops, the groups' rules, and those of the default group")
}

// BenchmarkNorthbound fills an empty northbound database, as after its loss, and adds single ports to a network that is
// small and to one that is large.
//
//	ALOFT_BENCH_PORTS     ports in one network (10000)
//	ALOFT_BENCH_NETWORKS  networks (1000)
//	ALOFT_BENCH_GROUPS    security groups of 20 rules (1000)
func BenchmarkNorthbound(b *testing.B) {
	ports, networks, groups := number(b, "ALOFT_BENCH_PORTS", 10_000), number(b, "ALOFT_BENCH_NETWORKS", 1000), number(b, "ALOFT_BENCH_GROUPS", 1000)
	small := newNorthbound(b)
	few := small.fill(1, 1, 10)
	small.run()
	small.clean()
	n := newNorthbound(b)
	first := n.fill(networks, groups, ports)
	for b.Loop() {
		begun := time.Now()
		n.run()
		n.clean()
		b.ReportMetric(time.Since(begun).Seconds(), "s-converge")
		begun = time.Now()
		list, err := n.Audit(b.Context(), n.caller, false)
		require.NoError(b, err)
		require.Empty(b, list)
		b.ReportMetric(time.Since(begun).Seconds(), "s-audit")
		for len(n.north.ports) > 0 {
			<-n.north.ports
		}
		smallRequest, smallWritten := small.onePort(few, 21)
		request, written := n.onePort(first, 21)
		b.ReportMetric(float64(request.Microseconds())/1000, "ms-request")
		b.ReportMetric(float64(written.Microseconds())/1000, "ms-port")
		b.ReportMetric(float64(written)/float64(smallWritten), "port/small-port")
		b.ReportMetric(float64(request)/float64(smallRequest), "request/small-request")
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-heap")
		b.ReportMetric(float64(m.Sys-m.HeapReleased)/1e6, "MB-process")
	}
}
