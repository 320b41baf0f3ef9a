package network_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

func TestExtraRoutes(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		b, c, ctx := newBench(t, d, nil), tenant("one"), t.Context()
		_, _, r := b.routed(b.outside(), "10.0.0.0/24")
		route := func(n int) network.Route {
			return network.Route{Destination: netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", n)), NextHop: netip.MustParseAddr("10.0.0.99")}
		}
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { _, errs[i] = b.AddRoutes(ctx, c, r.ID, []network.Route{route(20 + i), route(50)}) })
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		r, err := b.ShowRouter(ctx, c, r.ID)
		require.NoError(t, err)
		require.ElementsMatch(t, []network.Route{route(20), route(21), route(22), route(23), route(50)}, r.Routes, "none is lost")

		far := network.Route{Destination: netip.MustParsePrefix("10.9.0.0/16"), NextHop: netip.MustParseAddr("192.0.2.1")}
		_, err = b.AddRoutes(ctx, c, r.ID, []network.Route{far})
		require.Equal(t, "InvalidRoutes", code(err))
		_, err = b.AddRoutes(ctx, tenant("two"), r.ID, []network.Route{route(30)})
		require.Equal(t, "RouterNotFound", code(err))
		r, err = b.RemoveRoutes(ctx, c, r.ID, []network.Route{route(20), route(21), route(22), route(99)})
		require.NoError(t, err)
		require.ElementsMatch(t, []network.Route{route(23), route(50)}, r.Routes)
	})
}
