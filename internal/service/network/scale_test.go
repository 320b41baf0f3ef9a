package network_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// TestTenThousandPorts prints what ports cost; it runs where ALOFT_SCALE is set.
func TestTenThousandPorts(t *testing.T) {
	if os.Getenv("ALOFT_SCALE") == "" {
		t.Skip("set ALOFT_SCALE=1 to measure")
	}
	const ports = 10_000
	b := newBench(t, dbtest.SQLite(t, sets()...), nil)
	c := tenant("one")
	n, _ := b.segment(c, "10.0.0.0/16")
	begun := time.Now()
	for range ports {
		_, err := b.CreatePort(t.Context(), c, network.NewPort{NetworkID: n.ID, DeviceID: "d", DeviceOwner: "compute:nova", DNSName: "name"})
		require.NoError(t, err)
	}
	t.Logf("%d ports in %s", ports, time.Since(begun))
	begun = time.Now()
	list, err := b.Ports(t.Context(), c, network.Query{})
	require.NoError(t, err)
	require.Len(t, list, ports+1)
	t.Logf("listed in %s", time.Since(begun))
}

// TestManyPortsCostTheStatementsOfOne counts, as a statement for each port is how such a service becomes slow.
func TestManyPortsCostTheStatementsOfOne(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		count := dbtest.Count(d)
		b := newBench(t, d, nil)
		c := tenant("one")
		n, _ := b.segment(c, "10.0.0.0/12")
		_, err := b.DefaultGroup(t.Context(), "one")
		require.NoError(t, err)
		life := func(ports int) (made, bound, again, told, gone int) {
			list, hosts, devices := make([]network.NewPort, ports), map[string]string{}, make([]string, ports)
			for i := range list {
				devices[i] = fmt.Sprintf("device-%d-%d", ports, i)
				list[i] = network.NewPort{NetworkID: n.ID, DeviceID: devices[i], DeviceOwner: "compute:nova", ForDevice: true}
				hosts[devices[i]] = "host"
			}
			made = count.Of(func() {
				out, err := b.CreatePorts(t.Context(), c, list)
				require.NoError(t, err)
				require.Len(t, out, ports)
			})
			bound = count.Of(func() { require.NoError(t, b.BindAll(t.Context(), hosts)) })
			again = count.Of(func() { require.NoError(t, b.BindAll(t.Context(), hosts)) })
			told = count.Of(func() {
				plugs, err := b.PlugsOf(t.Context(), devices)
				require.NoError(t, err)
				require.Len(t, plugs, ports)
				sites, err := b.SitesOf(t.Context(), []string{n.ID})
				require.NoError(t, err)
				require.Len(t, sites, 1)
			})
			gone = count.Of(func() { require.NoError(t, b.ReleasePorts(t.Context(), devices...)) })
			return
		}
		oneMade, oneBound, oneAgain, oneTold, oneGone := life(1)
		made, bound, again, told, gone := life(200)
		require.LessOrEqual(t, made, oneMade+1, "a guessed address may be taken once")
		require.Equal(t, oneBound, bound)
		require.Equal(t, oneAgain, again)
		require.Equal(t, oneTold, told)
		require.Equal(t, oneGone, gone)
		t.Logf("statements: %d to make ports, %d to bind, %d to read, %d to release them", made, bound, told, gone)
	})
}
