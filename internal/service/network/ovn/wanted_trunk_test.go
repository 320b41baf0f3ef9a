package ovn

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

func TestSubPortsInOVN(t *testing.T) {
	s := world()
	s.Ports[1].Carried = &network.Carried{TrunkID: id("trunk"), ParentID: id("one"), VLAN: 101}
	require.Contains(t, sprintf("%v", rows(Wanted(s, nil), tablePort)), "tag=101 parent_name="+id("one"))

	p := newPlant(t)
	e, _ := p.engine()
	require.NoError(t, e.Apply(t.Context(), s))
	p.settle()
	require.Equal(t, id("one")+"\n101", p.sbctl("--bare", "--columns=parent_port,tag", "find", "Port_Binding", "logical_port="+id("two")))
	require.NoError(t, e.Apply(t.Context(), world()))
	require.Equal(t, "", p.nbctl("--bare", "--columns=parent_name,tag", "list", "Logical_Switch_Port", id("two")))
}
