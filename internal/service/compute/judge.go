package compute

import (
	"fmt"
	"time"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

// verdict is what follows from something seen, besides the changed server itself.
type verdict struct {
	changed bool // the row is to be saved
	settled bool // what was asked for is done or has failed; message says why it failed
	message string
	left    string // the host on which the claim is to be released; empty if none
	gone    bool   // the server is no more: ports and quota are to be released
	noted   bool   // only the step has changed: nobody needs to hear of it
}

// judge applies what a host has seen of a server that is placed on it. It is pure: the row after it, and what else is
// to be done. Stale reports change nothing.
func judge(s *Server, o protocol.Observed, now time.Time, set Settings) verdict {
	if o.Generation > s.Generation { // the database has been set back: state the wants again, above what the host has
		s.Generation = o.Generation + 1
		return verdict{changed: true}
	}
	if s.State == Deleted { // its owner has seen it go while the host was lost
		if o.Power != protocol.Absent || o.Error != "" {
			return verdict{}
		}
		host := s.HostID
		s.leave()
		return verdict{changed: true, left: host, noted: true}
	}
	switch {
	case o.Error != "":
		return s.suffer(o, now, set)
	case o.Generation < s.Generation || o.Step != "":
		return s.note(o.Step)
	case o.Power == protocol.Absent && s.Wanted != protocol.Absent:
		return verdict{} // a host can't have carried that out
	}
	return s.settle(o, now)
}

// note keeps what a host is doing, for humans.
func (s *Server) note(step string) verdict {
	if step == "" || step == s.Step {
		return verdict{}
	}
	s.Step = step
	return verdict{changed: true, noted: true}
}

// settle applies a report of a host at rest that has carried out the wants.
func (s *Server) settle(o protocol.Observed, now time.Time) verdict {
	before := *s
	var saw sight
	switch o.Power {
	case protocol.Absent:
		v := verdict{changed: true, settled: true, left: s.HostID, gone: true}
		s.vanish(now)
		s.Carried = s.Generation
		s.leave()
		return v
	case protocol.Running:
		saw = sawRunning
	case protocol.Paused:
		saw = sawPaused
	case protocol.Stopped:
		if o.Cause != protocol.CauseGuest && s.Wanted == protocol.Running {
			return verdict{} // it stopped with its host and is about to be started again
		}
		saw = sawStopped
	default:
		return verdict{}
	}
	if s.Wanted == protocol.Absent {
		return verdict{}
	}
	to, ok := next(s.State, saw)
	if !ok {
		return verdict{}
	}
	s.State, s.Task, s.Step, s.Fault, s.Power, s.Carried = to, Idle, "", nil, o.Power, o.Generation
	if s.LaunchedAt == nil {
		s.LaunchedAt = &now
	}
	s.follow(o.Power)
	same := before.State == s.State && before.Task == s.Task && before.Power == s.Power && before.Wanted == s.Wanted &&
		before.Step == "" && before.Fault == nil && before.LaunchedAt != nil
	if same && before.Carried == s.Carried {
		return verdict{}
	}
	return verdict{changed: true, settled: before.Task != Idle, noted: same}
}

// follow makes the wants what a guest, or someone at the host, has made of the server.
func (s *Server) follow(seen protocol.Power) {
	if (seen == protocol.Running || seen == protocol.Stopped) && s.Wanted != seen {
		s.Wanted = seen
		s.Generation++
	}
}

// echo is how long after a new order the error of the one before may still be heard.
const echo = 2 * protocol.SyncEvery

// suffer applies a report of a host that can't carry out the wants.
func (s *Server) suffer(o protocol.Observed, now time.Time, set Settings) verdict {
	unborn := s.LaunchedAt == nil
	impatient := unborn && s.PlacedAt != nil && now.Sub(*s.PlacedAt) > set.BuildPatience
	switch {
	case s.Wanted == protocol.Absent, !o.Final && !impatient:
		return s.note(o.Error)
	case unborn:
		return s.giveUp(fmt.Sprintf("host %s could not build it: %s", s.HostName, o.Error), now, set)
	case s.State == Failed && s.Fault != nil && s.Fault.Message == o.Error && (s.Task == Idle || now.Sub(s.UpdatedAt) < echo):
		return verdict{}
	}
	s.fail(500, o.Error, "host "+s.HostName, now)
	return verdict{changed: true, settled: true, message: o.Error}
}

// giveUp takes a server that has never run off its host, for another one, or for good after some hosts.
func (s *Server) giveUp(why string, now time.Time, set Settings) verdict {
	v := verdict{changed: true, left: s.HostID}
	s.Tried = append(s.Tried[:len(s.Tried):len(s.Tried)], s.HostID)
	s.Generation++ // what the old host still reports is stale
	s.leave()
	if len(s.Tried) < set.MaxTries {
		s.State, s.Task, s.Step = Building, Placing, ""
		s.Fault = &Fault{Code: 500, Message: why, At: now}
		return v
	}
	v.settled, v.message = true, fmt.Sprintf("%s; it was tried on %d hosts", why, len(s.Tried))
	s.fail(500, v.message, "", now)
	return v
}

// vanish makes the server history for its owner. Where it is placed is left alone.
func (s *Server) vanish(now time.Time) {
	s.State, s.Task, s.Step, s.Power, s.Wanted = Deleted, Idle, "", protocol.Absent, protocol.Absent
	s.DeletedAt = &now
}

// forsake applies that the host of a server is lost: one that never ran is built elsewhere, one that is to go is gone
// for its owner. Others wait for their host.
func (s *Server) forsake(now time.Time, set Settings) verdict {
	switch {
	case s.State == Deleted:
		return verdict{}
	case s.Wanted == protocol.Absent:
		s.vanish(now)
		return verdict{changed: true, settled: true, gone: true}
	case s.LaunchedAt == nil && s.State == Building:
		return s.giveUp(fmt.Sprintf("host %s was lost while it built it", s.HostName), now, set)
	}
	return verdict{}
}
