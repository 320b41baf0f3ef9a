package ovn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawChassis draws hosts of which some are joined to the outside.
func drawChassis(t *rapid.T) []Chassis {
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[0-9a-f]{8}`), 0, 12, rapid.ID).Draw(t, "chassis")
	out := make([]Chassis, len(names))
	for i, n := range names {
		out[i].Name = n
		if rapid.Bool().Draw(t, "joined") {
			out[i].Physical = []string{"dc", "outside"}
		}
	}
	return out
}

func TestGatewaysMoveMinimally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		router, hosts := rapid.StringMatching(`[0-9a-f]{8}`).Draw(t, "router"), drawChassis(t)
		got := gateways(router, "outside", hosts)
		joined := 0
		for _, c := range hosts {
			if slices.Contains(c.Physical, "outside") {
				joined++
			} else {
				require.NotContains(t, got, c.Name)
			}
		}
		require.Len(t, got, min(joined, mostGateways))

		shuffled := slices.Clone(hosts)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		require.Equal(t, got, gateways(router, "outside", shuffled), "the order in which hosts are told does not matter")
		if len(hosts) == 0 {
			return
		}
		// One host goes; seen the other way round, one comes.
		gone := rapid.IntRange(0, len(hosts)-1).Draw(t, "gone")
		left := gateways(router, "outside", slices.Delete(slices.Clone(hosts), gone, gone+1))
		stay := slices.DeleteFunc(slices.Clone(got), func(n string) bool { return n == hosts[gone].Name })
		require.True(t, slices.Equal(stay, left[:len(stay)]), "those that stay keep their order: %v, %v", stay, left)
		require.LessOrEqual(t, len(left), len(stay)+1, "only the last place may be somebody else's now")
		if len(got) > 0 && got[0] != hosts[gone].Name {
			require.Equal(t, got[0], left[0], "the gateway does not move for another host's sake")
		}
	})
}

func TestGatewaysAreSpread(t *testing.T) {
	for _, hosts := range []int{2, 3, 10, 50} {
		var list []Chassis
		for i := range hosts {
			list = append(list, Chassis{Name: fmt.Sprintf("host-%d", i)})
		}
		const routers = 5000
		first := map[string]int{}
		for i := range routers {
			first[gateways(id(fmt.Sprint("router-", i)), "", list)[0]]++
		}
		for name, n := range first {
			require.InEpsilon(t, routers/hosts, n, 0.4, "%s of %d hosts is the gateway of %d of %d routers", name, hosts, n, routers)
		}
		require.Len(t, first, hosts)
	}
}
