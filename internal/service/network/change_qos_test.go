package network_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

func TestQoSPolicies(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		b, c, ctx, boss := newBench(t, d, nil), tenant("one"), t.Context(), admin()
		p, err := b.CreateQoSPolicy(ctx, boss, network.NewQoSPolicy{ProjectID: "one", Name: "slow", Default: true})
		require.NoError(t, err)
		_, err = b.CreateQoSPolicy(ctx, boss, network.NewQoSPolicy{ProjectID: "one", Name: "second", Default: true})
		require.Equal(t, "QoSPolicyDefaultAlreadyExists", code(err))
		second, err := b.CreateQoSPolicy(ctx, boss, network.NewQoSPolicy{ProjectID: "one", Name: "second"})
		require.NoError(t, err)
		yes := true
		_, err = b.ChangeQoSPolicy(ctx, boss, second.ID, network.QoSPolicyChange{Default: &yes})
		require.Equal(t, "QoSPolicyDefaultAlreadyExists", code(err))

		_, err = b.ShowQoSPolicy(ctx, tenant("two"), p.ID)
		require.Equal(t, "QosPolicyNotFound", code(err))
		_, err = b.ChangeQoSPolicy(ctx, boss, second.ID, network.QoSPolicyChange{Shared: &yes})
		require.NoError(t, err)
		list, err := b.QoSPolicies(ctx, tenant("two"), network.Query{})
		require.NoError(t, err)
		require.Len(t, list, 1, "the shared one")

		limit, err := b.AddQoSRule(ctx, boss, network.QoSRule{PolicyID: p.ID, Kind: network.BandwidthLimit, Direction: network.Egress, Rate: 1000, Burst: 100})
		require.NoError(t, err)
		for want, r := range map[string]network.QoSRule{
			"QoSRulesConflict":         {Kind: network.BandwidthLimit, Direction: network.Egress, Rate: 2},
			"QoSRuleParameterConflict": {Kind: network.MinimumBandwidth, Direction: network.Egress, Rate: 1001},
			"InvalidInput":             {Kind: network.DSCPMarking, Direction: network.Egress, DSCP: 7},
		} {
			r.PolicyID = p.ID
			_, err := b.AddQoSRule(ctx, boss, r)
			require.Equal(t, want, code(err), "%v", err)
		}
		_, err = b.AddQoSRule(ctx, boss, network.QoSRule{PolicyID: "none", Kind: network.BandwidthLimit, Direction: network.Egress, Rate: 1})
		require.Equal(t, "QosPolicyNotFound", code(err))
		in, err := b.AddQoSRule(ctx, boss, network.QoSRule{PolicyID: p.ID, Kind: network.BandwidthLimit, Direction: network.Ingress, Rate: 500})
		require.NoError(t, err)
		out := network.Egress
		_, err = b.ChangeQoSRule(ctx, boss, p.ID, network.BandwidthLimit, in.ID, network.QoSRuleChange{Direction: &out})
		require.Equal(t, "QoSRulesConflict", code(err))
		_, err = b.ChangeQoSRule(ctx, boss, p.ID, network.DSCPMarking, in.ID, network.QoSRuleChange{})
		require.Equal(t, "QosRuleNotFound", code(err))
		rate := 700
		_, err = b.ChangeQoSRule(ctx, boss, p.ID, network.BandwidthLimit, in.ID, network.QoSRuleChange{Rate: &rate})
		require.NoError(t, err)
		p, err = b.ShowQoSPolicy(ctx, c, p.ID)
		require.NoError(t, err)
		require.Equal(t, []network.QoSRule{limit, {ID: in.ID, PolicyID: p.ID, Kind: network.BandwidthLimit, Direction: network.Ingress, Rate: 700}}, p.Rules)

		n, _ := b.segment(c, "10.0.0.0/24")
		require.Equal(t, p.ID, n.QoSPolicyID, "the project's default")
		none, nothing := "", "nothing"
		_, err = b.ChangeNetwork(ctx, c, n.ID, network.NetworkChange{QoSPolicyID: &nothing})
		require.Equal(t, "QosPolicyNotFound", code(err))
		require.Equal(t, "QosPolicyInUse", code(b.DeleteQoSPolicy(ctx, boss, p.ID, nil)))
		port, err := b.CreatePort(ctx, c, network.NewPort{NetworkID: n.ID, QoSPolicyID: second.ID})
		require.NoError(t, err)
		require.Equal(t, "QosPolicyInUse", code(b.DeleteQoSPolicy(ctx, boss, second.ID, nil)))
		_, err = b.ChangePort(ctx, c, port.ID, network.PortChange{QoSPolicyID: &none})
		require.NoError(t, err)
		_, err = b.ChangeNetwork(ctx, c, n.ID, network.NetworkChange{QoSPolicyID: &none})
		require.NoError(t, err)
		require.NoError(t, b.DeleteQoSRule(ctx, boss, p.ID, network.BandwidthLimit, limit.ID))
		require.NoError(t, b.DeleteQoSPolicy(ctx, boss, p.ID, nil))
		require.NoError(t, b.DeleteQoSPolicy(ctx, boss, second.ID, nil))
	})
}
