package app

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/cli"
	"github.com/aloft-cloud/aloft/internal/cli/bench"
)

// bencher is a control plane with hosts, and the command line as its admin uses it.
func bencher(t *testing.T, bootDelay time.Duration) *rig {
	t.Helper()
	r := newRig(t)
	r.prepare()
	for range 3 {
		r.addHost(0, bootDelay)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, r.control.Authority().CAPEM(), 0o600))
	for name, value := range map[string]string{
		"OS_CLOUD": "", "OS_AUTH_URL": r.cfg.PublicURL + "/identity/v3", "OS_CACERT": ca, "OS_USERNAME": "admin", "OS_PASSWORD": adminPassword,
		"OS_PROJECT_NAME": "admin", "OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default", "OS_REGION_NAME": "RegionOne",
	} {
		t.Setenv(name, value)
	}
	return r
}

// bench runs `aloft bench servers` and returns its exit code, its figures and what it said.
func (r *rig) bench(ctx context.Context, args ...string) (code int, report bench.Report, said string) {
	r.t.Helper()
	root := cli.Root("test")
	var out, errOut bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errOut)
	root.SetArgs(append([]string{"bench", "servers", "-o", "json", "--read-for", "50ms", "--timeout", "5m", "--flavor", "tiny"}, args...))
	code = cli.Run(ctx, root)
	require.NoError(r.t, json.Unmarshal(out.Bytes(), &report), "%s %s", out.String(), errOut.String())
	return code, report, errOut.String()
}

// gone waits until nothing of the servers is left anywhere.
func (r *rig) gone() {
	r.t.Helper()
	require.Empty(r.t, r.list(), "the command returns when they are gone")
	eventually(r.t, r.leftovers)
}

func TestBenchServers(t *testing.T) {
	r := bencher(t, 5*time.Millisecond)
	file := filepath.Join(t.TempDir(), "result.json")
	code, got, said := r.bench(t.Context(), "--count", "60", "--concurrency", "16", "--json", file)
	require.Zero(t, code, said)
	require.Empty(t, got.Errors)
	require.Equal(t, "tiny", got.Flavor)
	require.Equal(t, "nothing", got.Image)
	require.Equal(t, "net", got.Network)
	require.Equal(t, 3, got.Hosts.Count)
	require.True(t, *got.Hosts.Simulated, "hypervisors of type %v", got.Hosts.Types)
	require.True(t, got.Client.SameMachine)

	require.Equal(t, 60, got.Create.Active)
	require.Equal(t, 60, got.Create.Post.Count)
	require.Equal(t, 60, got.Create.ToActive.Count)
	require.LessOrEqual(t, got.Create.ToActive.P50, got.Create.ToActive.P99)
	require.GreaterOrEqual(t, got.Create.Seconds*1000, got.Create.ToActive.Max)
	require.Positive(t, got.Create.Look.Count)
	require.Equal(t, 60, got.List.Servers)
	require.GreaterOrEqual(t, got.Show.Times.Count, 16)
	require.Equal(t, 60, got.Delete.Servers)
	require.Zero(t, got.Delete.Left)
	require.Positive(t, got.Memory.Before)
	require.GreaterOrEqual(t, got.Memory.Peak, got.Memory.After)
	r.gone()

	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var same bench.Report
	require.NoError(t, json.Unmarshal(raw, &same))
	require.Equal(t, got, same)
}

func TestBenchServersSeveralARequest(t *testing.T) {
	r := bencher(t, 5*time.Millisecond)
	code, got, said := r.bench(t.Context(), "--count", "33", "--multi", "10", "--concurrency", "2", "--keep")
	require.Zero(t, code, said)
	require.Equal(t, 4, got.Create.Post.Count, "requests: the last for three servers")
	require.Equal(t, 33, got.Create.ToActive.Count)
	require.Nil(t, got.Delete)
	require.True(t, got.Kept)
	kept := r.list()
	require.Len(t, kept, 33)
	require.Equal(t, got.Run, kept[0].Metadata["bench"])

	code, got, said = r.bench(t.Context(), "--count", "2", "--network", "none")
	require.Zero(t, code, said)
	require.Equal(t, 2, got.Delete.Servers, "those of another run are left alone")
	require.Len(t, r.list(), 33)
}

func TestBenchServersThatFail(t *testing.T) {
	r := bencher(t, 5*time.Millisecond)
	ctx, disk, five := t.Context(), 1, 5
	_, err := flavors.Create(ctx, r.compute, flavors.CreateOpts{Name: "huge", ID: "huge", VCPUs: 100_000, RAM: 64, Disk: &disk}).Extract()
	require.NoError(t, err)
	code, got, said := r.bench(ctx, "--count", "12", "--flavor", "huge")
	require.Equal(t, 1, code)
	require.Equal(t, 12, got.Create.Failed)
	require.Zero(t, got.Create.Active)
	require.Len(t, got.Errors, 1, "what says the same is one line")
	require.Equal(t, 12, got.Errors[0].Count)
	require.Contains(t, said, got.Errors[0].Message)
	r.gone()

	me, err := tokens.Get(ctx, r.identity, r.identity.Token()).ExtractProject()
	require.NoError(t, err)
	_, err = quotasets.Update(ctx, r.compute, me.ID, quotasets.UpdateOpts{Instances: &five}).Extract()
	require.NoError(t, err)
	code, got, said = r.bench(ctx, "--count", "12")
	require.Equal(t, 1, code)
	require.Equal(t, 5, got.Create.Accepted)
	require.Equal(t, 5, got.Create.Active)
	require.Contains(t, said, "Quota exceeded")
	total := 0
	for _, f := range got.Errors {
		require.Equal(t, "create", f.Phase)
		total += f.Count
	}
	require.Equal(t, 7, total)
	r.gone()
}

// Whoever interrupts a run finds his project as it was.
func TestBenchServersInterrupted(t *testing.T) {
	r := bencher(t, 200*time.Millisecond)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var watch errgroup.Group
	watch.Go(func() error {
		defer interrupt()
		for ctx.Err() == nil {
			if all, err := r.servers(); err != nil || len(all) >= 10 {
				return err
			}
			time.Sleep(10 * time.Millisecond)
		}
		return nil
	})
	code, got, said := r.bench(ctx, "--count", "5000", "--concurrency", "8")
	interrupt()
	require.NoError(t, watch.Wait())
	require.Equal(t, 1, code)
	require.Contains(t, said, "did not come to its end")
	require.True(t, got.Interrupted)
	require.NotNil(t, got.Create)
	require.Empty(t, got.Errors, "what was broken off has not failed")
	require.Nil(t, got.Delete, "what was deleted after all is no measurement")
	r.gone()
}
