package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/cli"
	"github.com/aloft-cloud/aloft/internal/cli/bench"
)

func TestBenchTable(t *testing.T) {
	yes := true
	whole := bench.Report{
		Cloud: "https://cloud/compute/v2.1", Run: "bench-x", Count: 1000, Concurrency: 100, Multi: 1, Image: "i", Flavor: "f", Network: "n",
		Hosts:  bench.Hosts{Told: true, Count: 10, Types: []string{"simulated"}, Simulated: &yes},
		Client: bench.Client{Cores: 2, SameMachine: true, CPUSeconds: 1.25, Requests: 3000},
		Create: &bench.Create{
			Seconds: 2.5, PostSeconds: 2, PostRate: 500, ActiveRate: 400, Accepted: 1000, Active: 1000,
			Post: bench.Times{Count: 1000, P50: 12.3456, P99: 99, Max: 1234.5}, ToActive: bench.Times{Count: 1000, P50: 100, P99: 200, Max: 300},
			Look: bench.Times{Count: 20, P50: 50, P99: 60, Max: 60},
		},
		List:   &bench.List{PageLimit: 1000, Servers: 1000, SweepSeconds: .02, Page: bench.Times{Count: 9, P50: 20, P99: 21, Max: 21}},
		Show:   &bench.Show{Connections: 16, Rate: 5000, Times: bench.Times{Count: 9999, P50: 3, P99: 4, Max: 5}},
		Delete: &bench.Delete{Servers: 1000, Seconds: 2, Rate: 500, Times: bench.Times{Count: 1000, P50: 1, P99: 2, Max: 3}},
		Memory: &bench.Memory{Source: "https://cloud/metrics", Before: 100 << 20, Peak: 200 << 20, After: 150 << 20},
	}
	var out bytes.Buffer
	require.NoError(t, cli.BenchTable(&out, &whole))
	require.Equal(t, strings.TrimPrefix(`
cloud        https://cloud/compute/v2.1
servers      1000, one a request, 100 clients at a time
of           image i, flavor f, network n
hypervisors  10 of type simulated: SIMULATED, no guest was started
client       on the machine of the API, 2 cores; took 1.2 s of processor time for 3000 requests (0 told to wait, 0 tokens refused)
create       until all are seen       2.500 s  400/s ACTIVE
             requests                 2.000 s  500/s servers  p50 12.3ms    p99 99ms      max 1.235s
             time to ACTIVE                                   p50 100ms     p99 200ms     max 300ms
             looked every                                     p50 50ms      p99 60ms      max 60ms
             1000 ACTIVE, 0 in ERROR, 0 not seen to the end
list         details, 1000 a page                             p50 20ms      p99 21ms      max 21ms
             all 1000 servers         0.020 s
show         16 connections                    5000/s         p50 3ms       p99 4ms       max 5ms
delete       until all are gone       2.000 s  500/s
             requests                                         p50 1ms       p99 2ms       max 3ms
             looked every                                     -
memory       100 MiB before, 200 MiB at most, 150 MiB after, of the process behind https://cloud/metrics
errors       none
`, "\n"), out.String())

	out.Reset()
	require.NoError(t, cli.BenchTable(&out, &bench.Report{
		Cloud: "c", Multi: 10, Interrupted: true, Errors: []bench.Failure{{Phase: "create", Message: "a\x1b[31m", Count: 3}, {Phase: "show", Message: "b", Count: 1}},
	}))
	for _, line := range []string{
		"10 a request", "the cloud does not tell (only administrators are told)", "memory       the cloud does not tell",
		"errors       3 × create: a\uFFFD[31m", "             1 × show: b", "interrupted before the end",
	} {
		require.Contains(t, out.String(), line)
	}
}

// What a run works with is found before anything is made.
func TestBenchServersFindsItsParts(t *testing.T) {
	c := newCloud(t)
	c.answer("GET /compute/v2.1/flavors/detail", 200, `{"flavors":[{"id":"2","name":"big","ram":2048},{"id":"1","name":"small","ram":512}]}`)
	c.answer("GET /network/v2.0/networks", 200, `{"networks":[{"id":"30000000-0000-4000-8000-000000000001","name":"out","router:external":true},
		{"id":"30000000-0000-4000-8000-000000000002","name":"b"},{"id":"30000000-0000-4000-8000-000000000003","name":"a"}]}`)
	for _, one := range []struct {
		args []string
		says string
	}{
		{[]string{"--count", "0"}, "--count must be at least 1, not 0"},
		{[]string{"--multi", "-1"}, "--multi must be at least 1"},
		{[]string{"--json", "/nowhere/x.json"}, "/nowhere/x.json"},
		{[]string{"--image", "none"}, `there is no image with the name or id "none"`},
		{nil, "there are 2 networks; say which with --network: a, b"},
	} {
		code, _, errOut := aloft(t, append([]string{"--os-cloud", "demo", "bench", "servers"}, one.args...)...)
		require.Equal(t, 1, code)
		require.Contains(t, errOut, one.says)
	}
	require.False(t, c.was("POST /compute/v2.1/servers"))

	requests := make(chan map[string]any, 3) // at the same time
	c.handle("POST /compute/v2.1/servers", func(body map[string]any) (int, string) {
		requests <- body["server"].(map[string]any)
		return 403, `{"forbidden":{"code":403,"message":"Quota exceeded for instances"}}`
	})
	c.answer("GET /compute/v2.1/servers", 200, `{"servers":[]}`)
	c.answer("GET /compute/v2.1/servers/detail", 200, `{"servers":[]}`)
	code, out, errOut := aloft(t, "--os-cloud", "demo", "bench", "servers", "--count", "3", "--network", "a", "--read-for", "1ms", "--json", "f.json")
	require.Equal(t, 1, code)
	require.Equal(t, "aloft: not all went well; the most frequent error of 1: Quota exceeded for instances\n", errOut)
	require.Contains(t, out, "errors       3 × create: Quota exceeded for instances")
	asked := <-requests
	require.Equal(t, "1", asked["flavorRef"], "the flavor with the least memory")
	require.Equal(t, "10000000-0000-4000-8000-000000000001", asked["imageRef"], "the only image")
	require.Equal(t, []any{map[string]any{"uuid": "30000000-0000-4000-8000-000000000003"}}, asked["networks"])

	raw, err := os.ReadFile("f.json")
	require.NoError(t, err)
	var figures map[string]any
	require.NoError(t, json.Unmarshal(raw, &figures))
	require.NotContains(t, string(raw), `"token"`)
	for _, key := range []string{"cloud", "run", "started", "count", "hosts", "client", "create", "list", "delete", "memory", "errors", "interrupted"} {
		require.Contains(t, figures, key)
	}
	require.Nil(t, figures["memory"])
}
