package network_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/store"
)

// joinedNorth is a northbound that knows what hosts are joined to.
type joinedNorth struct{ *network.Unwired }

func (joinedNorth) Joined() map[string][]string {
	return map[string][]string{"edge": {"outside"}, "inner": nil}
}

func TestHostsThatLeadOutsideHaveGatewayAgents(t *testing.T) {
	d := dbtest.SQLite(t, sets()...)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	hosts := &someHosts{list: []network.Host{{ID: "edge", Name: "a", Up: true, Enabled: true}, {ID: "inner", Name: "b", Up: true, Enabled: true}}}
	types := func(north network.Northbound) map[string]string {
		s := network.New(network.Config{Hosts: hosts}, store.New(d), d, event.New(d, nil, log), north, log)
		list, err := s.Agents(t.Context(), admin())
		require.NoError(t, err)
		require.Len(t, list, 4, "each host has two")
		out := map[string]string{}
		for _, a := range list {
			if a.Binary == "ovn-controller" {
				out[a.ID] = a.Type
			}
		}
		return out
	}
	require.Equal(t, map[string]string{"edge": network.GatewayAgent, "inner": network.ControllerAgent}, types(joinedNorth{network.NewUnwired()}))
	require.Equal(t, map[string]string{"edge": network.ControllerAgent, "inner": network.ControllerAgent}, types(network.NewUnwired()))
}
