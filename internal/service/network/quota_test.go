package network_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// Of many requests at the same time as many succeed as the quota has room for, and no more.
func TestAQuotaHoldsUnderConcurrency(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		b := newBench(t, d, nil)
		_, err := b.SetQuota(t.Context(), "one", network.Quota{"network": 5})
		require.NoError(t, err)
		var won, lost atomic.Int32
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				_, err := b.CreateNetwork(t.Context(), tenant("one"), network.NewNetwork{})
				switch code(err) {
				case "":
					won.Add(1)
				case "OverQuota":
					lost.Add(1)
				default:
					t.Errorf("unexpected: %v", err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 5, won.Load())
		require.EqualValues(t, 7, lost.Load())
		_, err = b.CreateNetwork(t.Context(), tenant("two"), network.NewNetwork{})
		require.NoError(t, err, "another project's quota is its own")
	})
}
