package protocol_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

func TestBandwidth(t *testing.T) {
	links := map[string]int{"outside": 1_000_000, "dc": 10_000_000, "a=b": 5}
	require.Equal(t, protocol.Bandwidth("a=b=5,dc=10000000,outside=1000000"), protocol.NewBandwidth(links))
	require.Equal(t, links, protocol.NewBandwidth(links).Of())
	require.Empty(t, protocol.NewBandwidth(nil))
	require.Empty(t, protocol.Bandwidth("").Of())
	require.Empty(t, protocol.Bandwidth("dc,x=,y=-1,z=0").Of(), "what is not known is not there")
}
