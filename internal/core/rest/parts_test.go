package rest

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLongListsComeWhole encodes lists that are shared by processors as those that are not.
func TestLongListsComeWhole(t *testing.T) {
	type item struct {
		ID int `json:"id"`
	}
	for _, n := range []int{0, 1, alone, 2*alone - 1, 2 * alone, 1001} {
		list := make([]item, n)
		for i := range list {
			list[i].ID = i
		}
		got, err := encoder{}.append([]byte("before"), reflect.ValueOf(list))
		require.NoError(t, err)
		want, err := json.Marshal(list)
		require.NoError(t, err)
		require.Equal(t, "before"+string(want), string(got))
	}
}

func TestPartsAreAllAndOnce(t *testing.T) {
	for _, n := range []int{0, 1, alone, 2 * alone, 1001} {
		seen := make([]int, n)
		InParts(n, func(from, to int) {
			for i := from; i < to; i++ {
				seen[i]++
			}
		})
		for i := range seen {
			require.Equal(t, 1, seen[i])
		}
	}
}
