package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	computestore "github.com/aloft-cloud/aloft/internal/service/compute/store"
	"github.com/aloft-cloud/aloft/internal/service/network"
	networkstore "github.com/aloft-cloud/aloft/internal/service/network/store"
)

// vastProject has the servers of vast databases.
const vastProject = "vast"

// fill writes servers, each with a port and an address, and the hosts that they are on, into the tables of a laboratory
// that does not run. They are rows and nothing else: none of these hosts will ever call.
func fill(tb testing.TB, dir string, servers, hosts int) {
	tb.Helper()
	url := os.Getenv("ALOFT_BENCH_DATABASE")
	if url == "" {
		url = "sqlite://" + filepath.Join(dir, "data", "aloft.db")
	}
	d, err := db.Open(tb.Context(), url, slog.New(slog.DiscardHandler))
	require.NoError(tb, err)
	defer func() { require.NoError(tb, d.Close()) }()
	const batch = 1000
	for from := 0; from < max(servers, hosts); from += batch {
		require.NoError(tb, d.Tx(tb.Context(), func(ctx context.Context) error {
			if err := fillHosts(ctx, computestore.New(d), from, min(hosts, from+batch)); err != nil {
				return err
			}
			return fillServers(ctx, d, from, min(servers, from+batch), hosts)
		}))
	}
}

func vastHost(i int) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "vast-%d", i)).String()
}

func fillHosts(ctx context.Context, s *computestore.Store, from, to int) error {
	var list []protocol.Host
	for i := from; i < to; i++ {
		list = append(list, protocol.Host{
			ID: vastHost(i), Name: fmt.Sprintf("vast-%06d", i), Version: protocol.Version, Arch: "amd64", Hypervisor: "simulated",
			Capacity: protocol.Capacity{VCPUs: 64, MemoryMiB: 256 << 10, DiskGiB: 10 << 10},
		})
	}
	return s.UpsertHosts(ctx, list, "nova", time.Now().Add(-24*time.Hour))
}

func fillServers(ctx context.Context, d *db.DB, from, to, hosts int) error {
	var servers []compute.Server
	var ports []*network.Port
	var taken []network.Taking
	at := time.Now().UTC().Truncate(time.Microsecond)
	for i := from; i < to; i++ {
		sv := compute.Server{
			ID: uuid.NewString(), ProjectID: vastProject, UserID: vastProject, Name: fmt.Sprintf("vast-%07d", i), Hostname: "vast",
			State: compute.Active, Power: protocol.Running, Wanted: protocol.Running, Generation: 2, Carried: 2, Revision: 3,
			HostID: vastHost(i % hosts), HostName: fmt.Sprintf("vast-%06d", i%hosts), Zone: "nova",
			Size:      compute.Resources{VCPUs: 1, MemoryMiB: 256, DiskGiB: 1},
			Flavor:    compute.FlavorCopy{ID: "lab", Name: "lab", VCPUs: 1, MemoryMiB: 256, DiskGiB: 1},
			Image:     compute.Image{Image: protocol.Image{ID: "image", Format: "raw", Size: 1}, Name: "lab", Status: "active"},
			CreatedAt: at.Add(time.Duration(i) * time.Microsecond), UpdatedAt: at, PlacedAt: &at, LaunchedAt: &at,
		}
		port := &network.Port{
			ID: uuid.NewString(), NetworkID: vastProject, ProjectID: vastProject, AdminUp: true, Status: network.StatusActive,
			MAC: fmt.Sprintf("fa:16:%02x:%02x:%02x:%02x", byte(i>>24), byte(i>>16), byte(i>>8), byte(i)), DeviceID: sv.ID,
			DeviceOwner: "compute:nova", HostID: sv.HostID, PortSecurity: true, ForDevice: true,
			Stamp: network.Stamp{CreatedAt: at, UpdatedAt: at, Revision: 1},
		}
		var address [4]byte
		binary.BigEndian.PutUint32(address[:], 10<<24|uint32(i)) //nolint:gosec // there are fewer servers than addresses
		servers, ports = append(servers, sv), append(ports, port)
		taken = append(taken, network.Taking{
			PortID: port.ID, NetworkID: vastProject, FixedIP: network.FixedIP{SubnetID: vastProject, Address: netip.AddrFrom4(address)},
		})
	}
	if err := computestore.New(d).InsertServers(ctx, servers); err != nil {
		return err
	}
	n := networkstore.New(d)
	if _, err := n.AddPorts(ctx, ports); err != nil {
		return err
	}
	_, err := n.TakeAddresses(ctx, taken)
	return err
}

// ids finds those of servers, and of nothing else that a server carries.
var ids = regexp.MustCompile(`\{"id":"([0-9a-f-]{36})","name":"`)

// vastPages times pages of 1,000 servers of all projects with details, each from another place of the list.
func vastPages(tb testing.TB, admin *gophercloud.ServiceClient, pages int) []time.Duration {
	tb.Helper()
	var took []time.Duration
	marker := ""
	for range pages {
		url := admin.ServiceURL("servers", "detail") + "?all_tenants=1&limit=1000" + marker
		begun := time.Now()
		resp, err := admin.Get(tb.Context(), url, nil, &gophercloud.RequestOpts{KeepResponseBody: true})
		require.NoError(tb, err)
		raw, err := io.ReadAll(resp.Body)
		require.NoError(tb, err)
		require.NoError(tb, resp.Body.Close())
		took = append(took, time.Since(begun))
		require.Equal(tb, http.StatusOK, resp.StatusCode)
		seen := ids.FindAllSubmatch(raw, -1)
		require.NotEmpty(tb, seen)
		marker = "&marker=" + string(seen[len(seen)-1][1])
	}
	slices.Sort(took)
	return took
}

// vast starts a laboratory on a database with so many servers and hosts, and makes some more servers. It returns how long
// the laboratory took until it answered, the pages' times, and how long servers took until they were ACTIVE.
func vast(tb testing.TB, servers, idle, more int) (start time.Duration, pages []time.Duration, toActive float64, memory int64) {
	tb.Helper()
	dir := tb.TempDir()
	newLabIn(tb, dir, 10).stop()
	fill(tb, dir, servers, idle)
	begun := time.Now()
	l := newLabIn(tb, dir, 10)
	start = time.Since(begun)
	admin := l.admin(tb)
	up, all := hosts(tb, admin)
	require.GreaterOrEqual(tb, all, idle)
	require.LessOrEqual(tb, up, 10)
	pages = vastPages(tb, admin, min(50, max(1, servers/1000)))
	r := l.servers(tb, "--count", fmt.Sprint(more), "--concurrency", "1", "--read-for", "10ms")
	require.Equal(tb, more, r.Create.Active)
	require.Empty(tb, r.Errors)
	return start, pages, r.Create.ToActive.P50, r.Memory.Peak
}

// TestVast is the short form of BenchmarkVast.
func TestVast(t *testing.T) {
	_, pages, _, _ := vast(t, 2500, 300, 5)
	require.Len(t, pages, 2)
}

// BenchmarkVast has 1,000,000 servers and 100,000 hosts in the database, of which ten call.
func BenchmarkVast(b *testing.B) {
	servers, hosts := number(b, "ALOFT_BENCH_SERVERS", 1_000_000), number(b, "ALOFT_BENCH_HOSTS", 100_000)
	for b.Loop() {
		start, pages, toActive, memory := vast(b, servers, hosts, 50)
		b.ReportMetric(start.Seconds(), "s-start")
		b.ReportMetric(quantile(pages, 0.5), "ms-page-p50")
		b.ReportMetric(quantile(pages, 0.99), "ms-page-p99")
		b.ReportMetric(toActive, "ms-active-p50")
		b.ReportMetric(float64(memory)/(1<<20), "MiB-peak")
	}
}
