package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseMembers(t *testing.T) {
	const status = `9bf1
Name: OVN_Northbound
Cluster ID: 2a8e (2a8e1f0c-3b8c-4c47-9d8b-6f0f0f5a3c11)
Server ID: 9bf1 (9bf1c8a4-52d5-4c4e-8e6a-1d6a4d1f3b22)
Address: ssl:10.0.0.1:6643
Status: cluster member
Role: follower
Term: 4
Leader: 6d7e
Vote: 6d7e

Election timer: 1000
Log: [2, 9]
Entries not yet committed: 0
Entries not yet applied: 0
Connections: ->6d7e <-6d7e <-aa01
Disconnections: 1
Servers:
    9bf1 (9bf1 at ssl:10.0.0.1:6643) (self)
    6d7e (6d7e at ssl:10.0.0.2:6643) last msg 210 ms ago
    aa01 (aa01 at ssl:10.0.0.3:6643)
`
	require.Equal(t, []Member{
		{Database: northDatabase, ID: "9bf1", Address: "10.0.0.1", Role: "follower"},
		{Database: northDatabase, ID: "6d7e", Address: "10.0.0.2", Role: "leader", Heard: "210 ms"},
		{Database: northDatabase, ID: "aa01", Address: "10.0.0.3", Role: "follower"},
	}, parseMembers(northDatabase, status))
}
