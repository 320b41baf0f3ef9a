package network_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// stated keeps what a service last said of each port.
type stated struct{ ports sync.Map }

func (s *stated) Run(ctx context.Context, w network.Watch) error {
	w.Resync()
	<-ctx.Done()
	return nil
}

func (s *stated) Apply(_ context.Context, st network.State) error {
	for _, p := range st.Ports {
		s.ports.Store(p.Port.ID, p.Parents)
	}
	return nil
}

// TestAnAddressFloatsBetweenItsParents follows a port's parents through all that changes them.
func TestAnAddressFloatsBetweenItsParents(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		north := &stated{}
		b := newBench(t, d, north)
		b.start()
		c := tenant("one")
		n, _ := b.segment(c, "10.0.0.0/24")
		vip, err := b.CreatePort(t.Context(), c, network.NewPort{NetworkID: n.ID})
		require.NoError(t, err)
		parents := func(want ...string) {
			t.Helper()
			slices.Sort(want)
			require.Eventually(t, func() bool {
				got, ok := north.ports.Load(vip.ID)
				return ok && slices.Equal(want, got.([]string))
			}, time.Minute, 10*time.Millisecond)
		}
		pairs := []network.AddressPair{{CIDR: vip.FixedIPs[0].Address.String()}}
		one, err := b.CreatePort(t.Context(), c, network.NewPort{NetworkID: n.ID, Pairs: pairs})
		require.NoError(t, err)
		parents(one.ID)
		two, err := b.CreatePort(t.Context(), c, network.NewPort{NetworkID: n.ID})
		require.NoError(t, err)
		_, err = b.ChangePort(t.Context(), c, two.ID, network.PortChange{Pairs: &pairs})
		require.NoError(t, err)
		parents(one.ID, two.ID)
		none := []network.AddressPair{}
		_, err = b.ChangePort(t.Context(), c, two.ID, network.PortChange{Pairs: &none})
		require.NoError(t, err)
		parents(one.ID)
		require.NoError(t, b.DeletePort(t.Context(), c, one.ID, nil))
		parents()
	})
}
