package network_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// What ports on physical networks are guaranteed is summed up by device, and stays while they are bound.
func TestGuarantees(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		b, ctx, boss := newBench(t, d, nil), t.Context(), admin()
		policy := func(name string, rules ...network.QoSRule) string {
			p, err := b.CreateQoSPolicy(ctx, boss, network.NewQoSPolicy{Name: name})
			require.NoError(t, err)
			for _, r := range rules {
				r.PolicyID, r.Kind = p.ID, network.MinimumBandwidth
				_, err := b.AddQoSRule(ctx, boss, r)
				require.NoError(t, err)
			}
			return p.ID
		}
		some := policy("some", network.QoSRule{Direction: network.Egress, Rate: 500}, network.QoSRule{Direction: network.Ingress, Rate: 200})
		more := policy("more", network.QoSRule{Direction: network.Egress, Rate: 900})
		dc, err := b.CreateNetwork(ctx, boss, network.NewNetwork{Provider: &network.Provider{Kind: network.Flat, Physical: "dc"}, QoSPolicyID: &some})
		require.NoError(t, err)
		overlay, err := b.CreateNetwork(ctx, boss, network.NewNetwork{QoSPolicyID: &some})
		require.NoError(t, err)
		port := func(n network.Network, device, policy string) network.Port {
			p, err := b.CreatePort(ctx, boss, network.NewPort{NetworkID: n.ID, DeviceID: device, DeviceOwner: "compute:nova", QoSPolicyID: policy})
			require.NoError(t, err)
			return p
		}
		first, own := port(dc, "server", ""), port(dc, "server", more)
		port(overlay, "server", "")
		port(overlay, "other", "")
		list, err := b.Guaranteed(ctx, []string{"server", "other", ""})
		require.NoError(t, err)
		require.ElementsMatch(t, []network.Guarantee{
			{DeviceID: "server", Physical: "dc", Direction: network.Egress, Kbps: 1400},
			{DeviceID: "server", Physical: "dc", Direction: network.Ingress, Kbps: 200},
		}, list, "the network's and the port's own, and nothing of overlays")

		require.NoError(t, b.BindPorts(ctx, "server", "host"))
		refused := func(err error) {
			t.Helper()
			require.Equal(t, "QosPlacementAllocationUpdateConflict", code(err), "%v", err)
		}
		none := ""
		_, err = b.ChangePort(ctx, boss, own.ID, network.PortChange{QoSPolicyID: &none})
		refused(err)
		_, err = b.ChangePort(ctx, boss, first.ID, network.PortChange{QoSPolicyID: &some})
		require.NoError(t, err, "the same guarantees by another way")
		_, err = b.ChangePort(ctx, boss, first.ID, network.PortChange{QoSPolicyID: &none})
		require.NoError(t, err)
		_, err = b.ChangeNetwork(ctx, boss, dc.ID, network.NetworkChange{QoSPolicyID: &more})
		refused(err)
		_, err = b.ChangeNetwork(ctx, boss, overlay.ID, network.NetworkChange{QoSPolicyID: &more})
		require.NoError(t, err)
		rate := 100
		for _, id := range []string{some, more} {
			p, err := b.ShowQoSPolicy(ctx, boss, id)
			require.NoError(t, err)
			_, err = b.ChangeQoSRule(ctx, boss, id, network.MinimumBandwidth, p.Rules[0].ID, network.QoSRuleChange{Rate: &rate})
			refused(err)
			refused(b.DeleteQoSRule(ctx, boss, id, network.MinimumBandwidth, p.Rules[0].ID))
		}
		_, err = b.AddQoSRule(ctx, boss, network.QoSRule{PolicyID: more, Kind: network.MinimumBandwidth, Direction: network.Ingress, Rate: 1})
		refused(err)
		_, err = b.AddQoSRule(ctx, boss, network.QoSRule{PolicyID: more, Kind: network.BandwidthLimit, Direction: network.Egress, Rate: 5000})
		require.NoError(t, err, "a limit is nobody's promise")

		require.NoError(t, b.BindPorts(ctx, "server", ""))
		_, err = b.ChangeNetwork(ctx, boss, dc.ID, network.NetworkChange{QoSPolicyID: &none})
		require.NoError(t, err)
		_, err = b.ChangePort(ctx, boss, own.ID, network.PortChange{QoSPolicyID: &none})
		require.NoError(t, err)
		list, err = b.Guaranteed(ctx, []string{"server"})
		require.NoError(t, err)
		require.Empty(t, list)
	})
}
