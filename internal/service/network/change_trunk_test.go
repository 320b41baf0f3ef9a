package network_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

func TestTrunks(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		b, c, ctx := newBench(t, d, nil), tenant("one"), t.Context()
		under, _ := b.segment(c, "10.0.0.0/24")
		n, _ := b.segment(c, "10.1.0.0/24")
		parent, err := b.CreatePort(ctx, c, network.NewPort{NetworkID: under.ID, DeviceID: "server", DeviceOwner: "compute:nova"})
		require.NoError(t, err)
		one, two := b.port(c, n), b.port(c, n)
		trunk, err := b.CreateTrunk(ctx, c, network.NewTrunk{PortID: parent.ID, SubPorts: []network.SubPort{{PortID: one.ID, VLAN: 101}}})
		require.NoError(t, err)
		require.Equal(t, []network.SubPort{{PortID: one.ID, VLAN: 101, MAC: one.MAC}}, trunk.SubPorts)

		add := func(id string, vlan int) error {
			_, err := b.AddSubPorts(ctx, c, trunk.ID, []network.SubPort{{PortID: id, VLAN: vlan}})
			return err
		}
		require.Equal(t, "DuplicateSubPort", code(add(two.ID, 101)))
		require.Equal(t, "PortInUseAsSubPort", code(add(one.ID, 102)))
		require.Equal(t, "PortInUseAsTrunkParent", code(add(parent.ID, 102)))
		require.Equal(t, "InvalidInput", code(add(two.ID, 4095)))
		require.Equal(t, "PortNotFound", code(add("nothing", 102)))
		used, err := b.CreatePort(ctx, c, network.NewPort{NetworkID: n.ID, DeviceID: "another", DeviceOwner: "compute:nova"})
		require.NoError(t, err)
		require.Equal(t, "PortInUse", code(add(used.ID, 102)))
		small := 1000
		tight, err := b.CreateNetwork(ctx, c, network.NewNetwork{MTU: &small})
		require.NoError(t, err)
		narrow, err := b.CreatePort(ctx, c, network.NewPort{NetworkID: tight.ID})
		require.NoError(t, err)
		_, err = b.CreateTrunk(ctx, c, network.NewTrunk{PortID: narrow.ID, SubPorts: []network.SubPort{{PortID: two.ID, VLAN: 1}}})
		require.Equal(t, "SubPortMtuGreaterThanTrunkPortMtu", code(err))
		_, err = b.CreateTrunk(ctx, c, network.NewTrunk{PortID: parent.ID})
		require.Equal(t, "PortInUseAsTrunkParent", code(err))
		_, err = b.CreateTrunk(ctx, c, network.NewTrunk{PortID: one.ID})
		require.Equal(t, "PortInUseAsSubPort", code(err))
		_, err = b.ShowTrunk(ctx, tenant("two"), trunk.ID)
		require.Equal(t, "TrunkNotFound", code(err))
		require.Equal(t, "PortInUseAsTrunkParent", code(b.DeletePort(ctx, c, parent.ID, nil)))
		require.Equal(t, "PortInUseAsSubPort", code(b.DeletePort(ctx, c, one.ID, nil)))

		require.NoError(t, add(two.ID, 102))
		require.NoError(t, b.BindPorts(ctx, "server", "host-1"))
		bound, err := b.ShowPort(ctx, c, two.ID)
		require.NoError(t, err)
		require.Equal(t, "host-1", bound.HostID, "a sub-port is where its parent is")
		require.Equal(t, network.OwnerSubPort, bound.DeviceOwner)
		_, err = b.RemoveSubPorts(ctx, c, trunk.ID, []string{parent.ID})
		require.Equal(t, "SubPortNotFound", code(err))
		trunk, err = b.RemoveSubPorts(ctx, c, trunk.ID, []string{one.ID})
		require.NoError(t, err)
		require.Len(t, trunk.SubPorts, 1)
		require.NoError(t, b.DeletePort(ctx, c, one.ID, nil))
		off := false
		_, err = b.ChangeTrunk(ctx, c, trunk.ID, network.TrunkChange{AdminUp: &off})
		require.NoError(t, err)
		_, err = b.RemoveSubPorts(ctx, c, trunk.ID, []string{two.ID})
		require.Equal(t, "TrunkDisabled", code(err))
		require.NoError(t, b.DeleteTrunk(ctx, c, trunk.ID, nil))
		freed, err := b.ShowPort(ctx, c, two.ID)
		require.NoError(t, err)
		require.Empty(t, freed.DeviceID+freed.DeviceOwner+freed.HostID)
	})
}
