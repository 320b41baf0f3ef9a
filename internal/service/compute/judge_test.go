package compute

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

func placed(change ...func(*Server)) Server {
	now := time.Now()
	s := Server{
		ID: "s1", State: Active, Wanted: protocol.Running, Power: protocol.Running, Generation: 3, Carried: 3,
		HostID: "h1", HostName: "one", PlacedAt: &now, LaunchedAt: &now,
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

func spawning(s *Server) {
	s.State, s.Task, s.Carried, s.Power, s.LaunchedAt = Building, Spawning, 0, "", nil
}

func TestJudge(t *testing.T) {
	deleting := func(s *Server) { s.Wanted, s.Task, s.Generation = protocol.Absent, Deleting, 4 }
	saw := func(p protocol.Power, g int64) protocol.Observed {
		return protocol.Observed{ID: "s1", Generation: g, Power: p}
	}
	guest := saw(protocol.Stopped, 3)
	guest.Cause = protocol.CauseGuest
	lost := saw(protocol.Stopped, 3)
	lost.Cause = protocol.CauseLost
	final := protocol.Observed{ID: "s1", Error: "disk full", Final: true}
	soft := protocol.Observed{ID: "s1", Error: "busy"}
	step := protocol.Observed{ID: "s1", Step: "fetching image (40 %)"}
	for _, tc := range []struct {
		name  string
		s     Server
		o     protocol.Observed
		check func(*testing.T, Server, verdict)
	}{
		{"built", placed(spawning), saw(protocol.Running, 3), func(t *testing.T, s Server, v verdict) {
			require.Equal(t, Active, s.State)
			require.Equal(t, Idle, s.Task)
			require.NotNil(t, s.LaunchedAt)
			require.True(t, v.changed && v.settled && !v.gone)
			require.EqualValues(t, 3, s.Carried)
		}},
		{"stale", placed(spawning), saw(protocol.Running, 2), func(t *testing.T, s Server, v verdict) {
			require.Equal(t, verdict{}, v)
			require.Equal(t, Building, s.State)
		}},
		{"still the same", placed(), saw(protocol.Running, 3), func(t *testing.T, _ Server, v verdict) {
			require.False(t, v.changed)
		}},
		{"a step", placed(spawning), step, func(t *testing.T, s Server, v verdict) {
			require.Equal(t, "fetching image (40 %)", s.Step)
			require.True(t, v.changed && v.noted)
		}},
		{"powered off by the guest", placed(), guest, func(t *testing.T, s Server, v verdict) {
			require.Equal(t, Stopped, s.State)
			require.Equal(t, protocol.Stopped, s.Wanted)
			require.EqualValues(t, 4, s.Generation)
			require.True(t, v.changed)
		}},
		{"lost with its host", placed(), lost, func(t *testing.T, s Server, v verdict) {
			require.Equal(t, Active, s.State)
			require.Equal(t, protocol.Running, s.Wanted)
			require.False(t, v.changed)
		}},
		{"stopped as asked", placed(func(s *Server) { s.Wanted, s.Task = protocol.Stopped, Stopping }), saw(protocol.Stopped, 3), func(t *testing.T, s Server, v verdict) {
			require.Equal(t, Stopped, s.State)
			require.EqualValues(t, 3, s.Generation)
			require.True(t, v.settled)
		}},
		{"started behind our back", placed(func(s *Server) { s.State, s.Wanted, s.Power = Stopped, protocol.Stopped, protocol.Stopped }), saw(protocol.Running, 3), func(t *testing.T, s Server, _ verdict) {
			require.Equal(t, Active, s.State)
			require.Equal(t, protocol.Running, s.Wanted)
		}},
		{"gone as asked", placed(deleting), saw(protocol.Absent, 4), func(t *testing.T, s Server, v verdict) {
			require.Equal(t, Deleted, s.State)
			require.NotNil(t, s.DeletedAt)
			require.Empty(t, s.HostID)
			require.Equal(t, verdict{changed: true, settled: true, gone: true, left: "h1"}, v)
		}},
		{"not gone yet", placed(deleting), saw(protocol.Running, 4), func(t *testing.T, s Server, v verdict) {
			require.False(t, v.changed)
			require.Equal(t, Active, s.State)
		}},
		{"absent unasked", placed(), saw(protocol.Absent, 3), func(t *testing.T, _ Server, v verdict) {
			require.False(t, v.changed)
		}},
		{"build failed: another host", placed(spawning), final, func(t *testing.T, s Server, v verdict) {
			require.Equal(t, Building, s.State)
			require.Equal(t, Placing, s.Task)
			require.Equal(t, []string{"h1"}, s.Tried)
			require.Equal(t, "h1", v.left)
			require.EqualValues(t, 4, s.Generation)
		}},
		{"build failed on the last host", placed(spawning, func(s *Server) { s.Tried = []string{"h7", "h8"} }), final, func(t *testing.T, s Server, v verdict) {
			require.Equal(t, Failed, s.State)
			require.Equal(t, "host one could not build it: disk full; it was tried on 3 hosts", s.Fault.Message)
			require.Empty(t, s.HostID)
			require.Equal(t, "h1", v.left)
		}},
		{"build stumbles", placed(spawning), soft, func(t *testing.T, s Server, v verdict) {
			require.Equal(t, Building, s.State)
			require.Equal(t, "busy", s.Step)
			require.True(t, v.noted)
		}},
		{"build stumbles for too long", placed(spawning, func(s *Server) { old := time.Now().Add(-time.Hour); s.PlacedAt = &old }), soft, func(t *testing.T, s Server, _ verdict) {
			require.Equal(t, Placing, s.Task)
		}},
		{"start failed", placed(func(s *Server) { s.State, s.Task = Stopped, Starting }), final, func(t *testing.T, s Server, v verdict) {
			require.Equal(t, Failed, s.State)
			require.Equal(t, "disk full", s.Fault.Message)
			require.Equal(t, "h1", s.HostID, "it stays where its disk is")
			require.Empty(t, v.left)
		}},
		{"error is over", placed(func(s *Server) { s.State, s.Fault = Failed, &Fault{Message: "x"} }), saw(protocol.Running, 3), func(t *testing.T, s Server, _ verdict) {
			require.Equal(t, Active, s.State)
			require.Nil(t, s.Fault)
		}},
		{"echo of the error before", placed(func(s *Server) {
			s.State, s.Task, s.Fault, s.UpdatedAt = Failed, RebootingHard, &Fault{Message: "disk full"}, time.Now()
		}), final, func(t *testing.T, s Server, v verdict) {
			require.False(t, v.changed)
			require.Equal(t, RebootingHard, s.Task)
		}},
		{"the same error again", placed(func(s *Server) {
			s.State, s.Task, s.Fault, s.UpdatedAt = Failed, RebootingHard, &Fault{Message: "disk full"}, time.Now().Add(-time.Minute)
		}), final, func(t *testing.T, s Server, v verdict) {
			require.True(t, v.settled)
			require.Equal(t, Idle, s.Task)
		}},
		{"removal fails", placed(deleting), final, func(t *testing.T, s Server, v verdict) {
			require.Equal(t, Active, s.State)
			require.Equal(t, Deleting, s.Task)
			require.True(t, v.noted)
		}},
		{"leftover removed", placed(func(s *Server) { s.State, s.Wanted = Deleted, protocol.Absent }), saw(protocol.Absent, 3), func(t *testing.T, s Server, v verdict) {
			require.Empty(t, s.HostID)
			require.Equal(t, "h1", v.left)
			require.False(t, v.gone, "ports and quota went before")
		}},
		{"database set back", placed(), saw(protocol.Running, 9), func(t *testing.T, s Server, v verdict) {
			require.EqualValues(t, 10, s.Generation)
			require.True(t, v.changed)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.s
			v := judge(&s, tc.o, time.Now(), Defaults())
			tc.check(t, s, v)
		})
	}
}

// A second look at what was applied changes nothing: reports may be repeated at will.
func TestJudgeIsIdempotent(t *testing.T) {
	for _, p := range []protocol.Power{protocol.Running, protocol.Paused} {
		s := placed(spawning)
		o := protocol.Observed{ID: "s1", Generation: 3, Power: p}
		require.True(t, judge(&s, o, time.Now(), Defaults()).changed)
		require.False(t, judge(&s, o, time.Now(), Defaults()).changed, p)
	}
}

func TestForsake(t *testing.T) {
	s := placed(spawning)
	v := s.forsake(time.Now(), Defaults())
	require.Equal(t, "h1", v.left)
	require.Equal(t, Placing, s.Task)

	s = placed()
	require.False(t, s.forsake(time.Now(), Defaults()).changed, "what has run waits for its host")

	s = placed(func(s *Server) { s.Wanted, s.Task = protocol.Absent, Deleting })
	v = s.forsake(time.Now(), Defaults())
	require.True(t, v.gone)
	require.Empty(t, v.left, "the claim stays while the domain may still run")
	require.Equal(t, "h1", s.HostID)
	require.False(t, s.forsake(time.Now(), Defaults()).changed)
}
