package network_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/store"
)

// projects are all but those that are gone.
type projects struct {
	mu   sync.Mutex
	gone map[string]bool
}

func (p *projects) Exists(_ context.Context, id string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.gone[id], nil
}

func (p *projects) remove(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone[id] = true
}

// A project that is deleted leaves no default group and no quota behind, whether that is heard or found at the start.
func TestDeletedProjectsAreForgotten(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		log := slog.New(slog.NewTextHandler(t.Output(), nil))
		there := &projects{gone: map[string]bool{"unheard": true}}
		events := event.New(d, nil, log)
		b := &bench{network.New(network.Config{Projects: there}, store.New(d), d, events, nil, log), d, events, t}
		ctx := t.Context()
		for _, id := range []string{"unheard", "heard", "used", "stays"} {
			_, err := b.DefaultGroup(ctx, id)
			require.NoError(t, err)
			_, err = b.SetQuota(ctx, id, network.Quota{"network": 3})
			require.NoError(t, err)
		}
		n, _ := b.segment(tenant("used"), "10.0.0.0/24")
		b.port(tenant("used"), n)
		b.start()
		left := func() map[string]bool {
			out := map[string]bool{}
			q := network.By("default", "true")
			groups, err := store.New(d).Groups(ctx, db.Everywhere(), q)
			require.NoError(t, err)
			for _, g := range groups {
				out[g.ProjectID+" group"] = true
			}
			quotas, err := b.Quotas(ctx)
			require.NoError(t, err)
			for id := range quotas {
				out[id+" quota"] = true
			}
			return out
		}
		require.Eventually(t, func() bool { got := left(); return !got["unheard group"] && !got["unheard quota"] }, patience, 10*time.Millisecond)
		for _, id := range []string{"heard", "used"} {
			there.remove(id)
			require.NoError(t, events.Add(ctx, event.Event{Type: "identity.project.deleted", Object: "project", ObjectID: id}))
		}
		require.NoError(t, events.Add(ctx, event.Event{Type: "identity.project.deleted", Object: "project", ObjectID: "stays"}))
		require.Eventually(t, func() bool { got := left(); return !got["heard group"] && !got["heard quota"] && !got["used quota"] }, patience, 10*time.Millisecond)
		require.Equal(t, map[string]bool{"used group": true, "stays group": true, "stays quota": true}, left())
	})
}

// An external network takes the floating IPs with it that lead nowhere, and stays while one leads somewhere.
func TestExternalNetworksGoWithTheirFloatingIPs(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		b := newBench(t, d, nil)
		ctx, c, yes := t.Context(), tenant("one"), true
		outside, err := b.CreateNetwork(ctx, admin(), network.NewNetwork{External: &yes})
		require.NoError(t, err)
		b.subnet(admin(), outside, "172.24.4.0/24")
		n, sub := b.segment(c, "10.0.0.0/24")
		p := b.port(c, n)
		r, err := b.CreateRouter(ctx, c, network.NewRouter{Gateway: &network.WantedGateway{NetworkID: outside.ID}})
		require.NoError(t, err)
		_, err = b.AddInterface(ctx, c, r.ID, sub.ID, "", nil)
		require.NoError(t, err)
		used, err := b.CreateFloatingIP(ctx, c, network.NewFloatingIP{NetworkID: outside.ID, PortID: p.ID})
		require.NoError(t, err)
		idle, err := b.CreateFloatingIP(ctx, c, network.NewFloatingIP{NetworkID: outside.ID})
		require.NoError(t, err)
		require.Equal(t, "NetworkInUse", code(b.DeleteNetwork(ctx, admin(), outside.ID, nil)))
		_, err = b.ShowFloatingIP(ctx, c, idle.ID)
		require.NoError(t, err, "all of it, or nothing")
		require.NoError(t, b.DeleteFloatingIP(ctx, c, used.ID, nil))
		_, err = b.RemoveInterface(ctx, c, r.ID, sub.ID, "", nil)
		require.NoError(t, err)
		require.NoError(t, b.DeleteRouter(ctx, c, r.ID, nil))
		require.NoError(t, b.DeleteNetwork(ctx, admin(), outside.ID, nil))
		_, err = b.ShowFloatingIP(ctx, c, idle.ID)
		require.Equal(t, "FloatingIPNotFound", code(err))
		_, err = b.ShowNetwork(ctx, admin(), outside.ID)
		require.Equal(t, "NetworkNotFound", code(err))
	})
}
