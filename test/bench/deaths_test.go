package bench

import (
	"strconv"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/hypervisors"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/stretchr/testify/require"
)

// admin is the compute API as the laboratory's administrator calls it.
func (l *laboratory) admin(tb testing.TB) *gophercloud.ServiceClient {
	tb.Helper()
	auth, where, tlsConfig, err := clouds.Parse(clouds.WithCloudName("aloft"), clouds.WithLocations(l.clouds))
	require.NoError(tb, err)
	p, err := config.NewProviderClient(tb.Context(), auth, config.WithTLSConfig(tlsConfig))
	require.NoError(tb, err)
	compute, err := openstack.NewComputeV2(p, where)
	require.NoError(tb, err)
	return compute
}

// hosts counts the hosts that are up, and all.
func hosts(tb testing.TB, admin *gophercloud.ServiceClient) (up, all int) {
	tb.Helper()
	pages, err := hypervisors.List(admin, nil).AllPages(tb.Context())
	require.NoError(tb, err)
	list, err := hypervisors.ExtractHypervisors(pages)
	require.NoError(tb, err)
	for _, h := range list {
		if h.State == "up" {
			up++
		}
	}
	return up, len(list)
}

// awaitHosts waits until so many hosts are up, and returns how long that took.
func awaitHosts(tb testing.TB, admin *gophercloud.ServiceClient, want int) time.Duration {
	tb.Helper()
	begun := time.Now()
	for {
		up, all := hosts(tb, admin)
		if up == want {
			return time.Since(begun)
		}
		require.Less(tb, time.Since(begun), 10*time.Minute, "%d of %d hosts are up, not %d", up, all, want)
		time.Sleep(100 * time.Millisecond)
	}
}

// die switches off most hosts of a laboratory at the same moment, while servers are made on the others, and on again. It
// returns how long that took to be noticed, and the servers' times before, meanwhile and when all hosts are back.
func (l *laboratory) die(tb testing.TB, dead, left, servers int) (noticed, back time.Duration, toActive [3]float64) {
	tb.Helper()
	admin := l.admin(tb)
	awaitHosts(tb, admin, dead+left)
	some := func() float64 {
		r := l.servers(tb, "--count", strconv.Itoa(servers), "--concurrency", "4", "--read-for", "10ms")
		require.Equal(tb, servers, r.Create.Active)
		require.Empty(tb, r.Errors)
		return r.Create.ToActive.P50
	}
	ask := func(args ...string) {
		code, out, errOut := l.run(append([]string{"lab"}, append(args, "--lab", l.dir)...)...)
		require.Zero(tb, code, "%s%s", out, errOut)
	}
	toActive[0] = some()
	ask("kill", "--hosts", strconv.Itoa(dead))
	noticed = awaitHosts(tb, admin, left)
	toActive[1] = some()
	ask("heal")
	back = awaitHosts(tb, admin, dead+left)
	toActive[2] = some()
	return noticed, back, toActive
}

// TestHostsDie is the short form of BenchmarkDeaths.
func TestHostsDie(t *testing.T) {
	newLab(t, 25).die(t, 20, 5, 10)
}

// BenchmarkDeaths switches off 1,000 of 1,100 hosts at once. They should be missed within 15 s, and servers be made on the
// others meanwhile as fast as before.
func BenchmarkDeaths(b *testing.B) {
	dead := number(b, "ALOFT_BENCH_DEAD", 1000)
	for b.Loop() {
		noticed, back, toActive := newLab(b, dead+100).die(b, dead, 100, 200)
		b.ReportMetric(noticed.Seconds(), "s-noticed")
		b.ReportMetric(back.Seconds(), "s-back")
		b.ReportMetric(toActive[0], "ms-active-before")
		b.ReportMetric(toActive[1]/toActive[0], "after-death/before")
		b.ReportMetric(toActive[2]/toActive[0], "after-return/before")
	}
}
