package compute

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

var (
	allStates = []State{Building, Active, Stopped, Paused, Failed, Deleted}
	allTasks  = []Task{Idle, Placing, Spawning, Starting, Stopping, Rebooting, RebootingHard, Deleting}
)

// Every state is in the table, leads to known states only, and can end; the last one leads nowhere.
func TestTransitionsAreClosed(t *testing.T) {
	for _, s := range allStates {
		row, ok := transitions[s]
		require.True(t, ok, s)
		for _, to := range row {
			require.Contains(t, allStates, to)
		}
		to, ok := next(s, sawNothing)
		require.Equal(t, s != Deleted, ok, s)
		if ok {
			require.Equal(t, Deleted, to)
		}
	}
	require.Empty(t, transitions[Deleted])
	require.Len(t, transitions, len(allStates))
}

func TestAskFollowsTheTable(t *testing.T) {
	launched := time.Now()
	for _, tc := range []struct {
		state   State
		task    Task
		verb    Verb
		message string // empty: allowed
		wanted  protocol.Power
	}{
		{Stopped, Idle, Start, "", protocol.Running},
		{Active, Idle, Start, "Cannot 'start' instance s1 while it is in vm_state active", ""},
		{Active, Idle, Stop, "", protocol.Stopped},
		{Active, Stopping, Stop, "Cannot 'stop' instance s1 while it is in task_state powering-off", ""},
		{Stopped, Idle, Stop, "Cannot 'stop' instance s1 while it is in vm_state stopped", ""},
		{Active, Idle, RebootSoft, "", protocol.Running},
		{Stopped, Idle, RebootSoft, "Cannot 'reboot' instance s1 while it is in vm_state stopped", ""},
		{Stopped, Idle, RebootHard, "", protocol.Running},
		{Failed, Idle, RebootHard, "", protocol.Running},
		{Active, Rebooting, RebootHard, "", protocol.Running},
		{Active, Deleting, RebootHard, "Cannot 'reboot' instance s1 while it is in task_state deleting", ""},
		{Building, Spawning, Delete, "", protocol.Absent},
		{Failed, Idle, Delete, "", protocol.Absent},
	} {
		s := Server{ID: "s1", State: tc.state, Task: tc.task, Generation: 4, LaunchedAt: &launched}
		err := s.ask(tc.verb)
		if tc.message != "" {
			require.EqualError(t, err, tc.message)
			require.True(t, fault.Is(err, fault.Conflict))
			require.EqualValues(t, 4, s.Generation, "a refused verb changes nothing")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, tc.wanted, s.Wanted)
		require.EqualValues(t, 5, s.Generation)
		require.Equal(t, tc.verb == RebootHard || tc.verb == RebootSoft, s.Boot == 1)
	}
}

func TestWhatHasNeverRunCanOnlyBeDeleted(t *testing.T) {
	s := Server{ID: "s1", State: Failed}
	require.ErrorContains(t, s.ask(RebootHard), "Instance s1 is not ready")
	require.NoError(t, s.ask(Delete))
	before := s.Generation
	require.NoError(t, s.ask(Delete), "asking twice is asking once")
	require.Equal(t, before, s.Generation)
}

// A deletion is possible in every state and during every task.
func TestEverythingCanBeDeleted(t *testing.T) {
	for _, state := range allStates[:len(allStates)-1] {
		for _, task := range allTasks {
			s := Server{ID: "s1", State: state, Task: task}
			require.NoError(t, s.ask(Delete), "%s %s", state, task)
			require.Equal(t, Deleting, s.Task)
		}
	}
}

func TestHostname(t *testing.T) {
	for name, want := range map[string]string{
		"hello": "hello", "My Server_1": "my-server-1", "ünïx": "nx", "---": "server-id", "例": "server-id", "a.b": "a-b",
	} {
		require.Equal(t, want, hostname(name, "id"))
	}
}
