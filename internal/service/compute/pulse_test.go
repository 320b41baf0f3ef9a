package compute

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

const patience = 10 * time.Second

// up tells whether a host is up whose row was written at a time.
func (p *pulse) up(id string, written, now time.Time) bool {
	hosts := []Host{{Host: protocol.Host{ID: id}, SeenAt: written}}
	p.freshen(hosts, now)
	return hosts[0].Up(now, p.timeout)
}

func TestAHostIsUpWhileItCalls(t *testing.T) {
	begin := time.Now()
	p := newPulse(begin, patience)
	require.True(t, p.reported("a", begin))
	require.False(t, p.reported("a", begin))
	require.False(t, p.called(protocol.Heartbeat{HostID: "a"}, begin.Add(8*time.Second)))
	require.True(t, p.up("a", begin, begin.Add(18*time.Second)), "the row is old, but it has called since")
	require.Empty(t, p.silent(begin.Add(18*time.Second)))
	late := begin.Add(19 * time.Second)
	require.False(t, p.up("a", begin, late))
	require.Equal(t, []string{"a"}, p.silent(late))

	p.giveUp([]string{"a"}, late)
	require.Empty(t, p.silent(late), "it is given up once")
	require.True(t, p.called(protocol.Heartbeat{HostID: "a"}, late), "it calls again")
	require.True(t, p.up("a", begin, late))
	p.giveUp([]string{"a"}, late)
	require.False(t, p.called(protocol.Heartbeat{HostID: "a"}, late), "it has called before it was given up")
}

func TestAFreshControlNodeGivesHostsTime(t *testing.T) {
	now := time.Now()
	p := newPulse(now, patience)
	require.True(t, p.up("a", now.Add(-time.Hour), now), "its row is written rarely")
	require.False(t, p.up("a", now.Add(-presumed-time.Second), now), "it was gone long before")
	require.False(t, p.up("a", now.Add(-time.Hour), now.Add(patience+time.Millisecond)))
	p.called(protocol.Heartbeat{HostID: "b"}, now.Add(-2*patience))
	require.False(t, p.up("b", now.Add(-time.Hour), now), "it has called, and fallen silent")

	require.True(t, p.called(protocol.Heartbeat{HostID: "c"}, now.Add(2*patience)), "it was taken for lost")
	old := newPulse(now.Add(-time.Minute), patience)
	require.False(t, old.up("a", now.Add(-time.Hour), now))
}

func TestStrangersAreMetOnce(t *testing.T) {
	p, now := newPulse(time.Now(), patience), time.Now()
	for i := range 10 {
		p.called(protocol.Heartbeat{HostID: fmt.Sprint(i), Servers: 3}, now)
	}
	require.Len(t, p.strangers(4), 4)
	require.Len(t, p.strangers(100), 10)
	p.met([]string{"0", "1"})
	p.forget("2")
	require.Len(t, p.strangers(100), 7)
	p.reported("3", now)
	require.Len(t, p.strangers(100), 6)
	require.Equal(t, 27, p.servers)
}

// TestSyncsAreRareWhereThereAreManyHosts adds up what all hosts say.
func TestSyncsAreRareWhereThereAreManyHosts(t *testing.T) {
	p, now := newPulse(time.Now(), patience), time.Now()
	beat, sync := p.pace()
	require.Equal(t, syncLeast, sync)
	require.Greater(t, patience, beat+2*livenessEvery, "a call may be late")
	for round := range 2 {
		for i := range 10_000 {
			p.called(protocol.Heartbeat{HostID: fmt.Sprint(i), Servers: 10 * (round + 1)}, now)
		}
	}
	_, sync = p.pace()
	require.Equal(t, 10_000*syncPerHost+200_000*syncPerServer, sync)
	for i := range 10_000 {
		p.called(protocol.Heartbeat{HostID: fmt.Sprint(i), Servers: 1000}, now)
	}
	_, sync = p.pace()
	require.Equal(t, syncMost, sync)
}
