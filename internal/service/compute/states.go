package compute

import (
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// State is where a server is in its life.
type State string

// The closed set of states.
const (
	Building State = "building"
	Active   State = "active"
	Stopped  State = "stopped"
	Paused   State = "paused"
	Failed   State = "error"
	Deleted  State = "deleted"
)

// Task is what is under way for a server.
type Task string

// The closed set of tasks.
const (
	Idle          Task = ""
	Placing       Task = "scheduling"
	Spawning      Task = "spawning"
	Starting      Task = "powering-on"
	Stopping      Task = "powering-off"
	Rebooting     Task = "rebooting"
	RebootingHard Task = "rebooting_hard"
	Deleting      Task = "deleting"
)

// sight is what has been seen of a server.
type sight int

const (
	sawRunning sight = iota
	sawStopped
	sawPaused
	sawFailure // it can't be had as it is wanted
	sawNothing // what should be gone is gone
)

// transitions is the one table of how states follow from what is seen. A pair that is not in it can't happen.
var transitions = map[State]map[sight]State{
	Building: {sawRunning: Active, sawStopped: Stopped, sawPaused: Paused, sawFailure: Failed, sawNothing: Deleted},
	Active:   {sawRunning: Active, sawStopped: Stopped, sawPaused: Paused, sawFailure: Failed, sawNothing: Deleted},
	Stopped:  {sawRunning: Active, sawStopped: Stopped, sawPaused: Paused, sawFailure: Failed, sawNothing: Deleted},
	Paused:   {sawRunning: Active, sawStopped: Stopped, sawPaused: Paused, sawFailure: Failed, sawNothing: Deleted},
	Failed:   {sawRunning: Active, sawStopped: Stopped, sawPaused: Paused, sawFailure: Failed, sawNothing: Deleted},
	Deleted:  {},
}

// next is the state that follows from what was seen; false where nothing may follow.
func next(s State, saw sight) (State, bool) {
	to, ok := transitions[s][saw]
	return to, ok
}

// Verb is what a user may ask of a server that is there.
type Verb string

// The closed set of verbs.
const (
	Start      Verb = "start"
	Stop       Verb = "stop"
	RebootSoft Verb = "reboot"
	RebootHard Verb = "hard reboot"
	Delete     Verb = "delete"
)

// rule is when a verb is allowed and what it makes of the wants.
type rule struct {
	from   []State
	during []Task
	unborn bool // also for a server that has never run
	wanted protocol.Power
	task   Task
	boots  bool // asks for another boot
}

// verbs is the one table of what may be asked when.
var verbs = map[Verb]rule{
	Start:      {from: []State{Stopped}, during: []Task{Idle}, wanted: protocol.Running, task: Starting},
	Stop:       {from: []State{Active, Paused, Failed}, during: []Task{Idle}, wanted: protocol.Stopped, task: Stopping},
	RebootSoft: {from: []State{Active}, during: []Task{Idle}, wanted: protocol.Running, task: Rebooting, boots: true},
	RebootHard: {
		from:   []State{Active, Stopped, Paused, Failed},
		during: []Task{Idle, Rebooting, RebootingHard, Starting, Stopping},
		wanted: protocol.Running, task: RebootingHard, boots: true,
	},
	Delete: {
		from:   []State{Building, Active, Stopped, Paused, Failed},
		during: []Task{Idle, Placing, Spawning, Starting, Stopping, Rebooting, RebootingHard, Deleting},
		unborn: true, wanted: protocol.Absent, task: Deleting,
	},
}

// ask changes the wants of a server as a verb says, or tells why that can't be now.
func (s *Server) ask(v Verb) error {
	r := verbs[v]
	switch {
	case !slices.Contains(r.from, s.State):
		return s.refuse(v, "vm_state "+string(s.State))
	case !slices.Contains(r.during, s.Task):
		return s.refuse(v, "task_state "+string(s.Task))
	case s.LaunchedAt == nil && !r.unborn:
		return fault.Conflictf("server", s.ID, "Instance %s is not ready: it has never run; delete it and create it again", s.ID)
	case s.Task == Deleting:
		return nil // asking twice is asking once
	}
	s.Wanted, s.Task = r.wanted, r.task
	if r.boots {
		s.Boot++
		s.HardBoot = v == RebootHard
	}
	s.Generation++
	return nil
}

func (s *Server) refuse(v Verb, where string) error {
	if v == RebootHard {
		v = RebootSoft
	}
	return fault.Conflictf("server", s.ID, "Cannot '%s' instance %s while it is in %s", v, s.ID, where)
}
