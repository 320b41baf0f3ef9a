package compute

import (
	"context"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
)

// creationsAtOnce is how many requests for servers are written in one transaction.
const creationsAtOnce = 256

// creation is a request for servers on its way into the database. It is refused on its own where its project has no room
// or what it names is not there.
type creation struct {
	NewServer
	caller   *auth.Caller
	request  string // id
	template Server
	servers  []Server // as many as it may become, and then those that it has become
	refusal  error
}

// standing is what tells callers apart who may see and do different things.
type standing struct {
	user, project, roles string
	system, bounded      bool
}

func standingOf(c *auth.Caller) standing {
	return standing{c.UserID, c.ProjectID, strings.Join(c.Roles, " "), c.System, c.Bounded}
}

// known keeps what one caller's creations in a batch have read.
type known struct {
	flavors lookup[Flavor]
	images  lookup[Image]
	keys    lookup[KeyPair]
}

// lookup reads each thing once, or finds once that it can't be had.
type lookup[T any] map[string]found[T]

type found[T any] struct {
	thing T
	err   error
}

func (l lookup[T]) of(id string, read func() (T, error)) (T, error) {
	f, ok := l[id]
	if !ok {
		f.thing, f.err = read()
		l[id] = f
	}
	return f.thing, f.err
}

// create writes creations, all that are not refused or none.
func (s *Service) create(ctx context.Context, all []*creation) error {
	accepted := s.imagine(ctx, all)
	if len(accepted) == 0 {
		return nil
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		for projectID, list := range grouped(accepted, func(c *creation) string { return c.caller.ProjectID }) {
			for _, c := range list { // anew, should this be another try
				c.servers, c.refusal = multiply(c.template, &c.NewServer), nil
			}
			if err := s.charge(ctx, projectID, list); err != nil {
				return err
			}
		}
		if err := s.joinAll(ctx, accepted); err != nil {
			return err
		}
		return s.write(ctx, accepted)
	})
}

// joinAll makes sure that the server groups that creations name have room for them: once for all of a user that name one
// group, and are told apart by what they may see.
func (s *Service) joinAll(ctx context.Context, creations []*creation) error {
	type membership struct{ groupID, userID string }
	for m, list := range grouped(creations, func(c *creation) membership { return membership{c.GroupID, c.caller.UserID} }) {
		more := 0
		for _, c := range list {
			more += len(c.servers)
		}
		for _, alike := range grouped(list, func(c *creation) standing { return standingOf(c.caller) }) {
			if err := s.join(ctx, alike[0].caller, m.groupID, more); err != nil {
				return err
			}
		}
	}
	return nil
}

// imagine makes the servers that creations ask for, and returns the creations that are not refused.
func (s *Service) imagine(ctx context.Context, all []*creation) []*creation {
	read := map[standing]*known{}
	var accepted []*creation
	for _, c := range all {
		who := standingOf(c.caller)
		if read[who] == nil {
			read[who] = &known{lookup[Flavor]{}, lookup[Image]{}, lookup[KeyPair]{}}
		}
		if c.template, c.refusal = s.newTemplate(ctx, c.caller, &c.NewServer, read[who]); c.refusal == nil {
			accepted = append(accepted, c)
		}
	}
	return accepted
}

// grouped sorts items by a key; those of one key keep their order.
func grouped[K comparable, T any](items []T, key func(T) K) map[K][]T {
	out := map[K][]T{}
	for _, item := range items {
		out[key(item)] = append(out[key(item)], item)
	}
	return out
}

// write inserts the servers of creations with all that belongs to them.
func (s *Service) write(ctx context.Context, creations []*creation) error {
	var servers []Server
	var actions []Action
	for _, c := range creations {
		servers = append(servers, c.servers...)
		actions = append(actions, actionsOf(c.caller.UserID, c.request, "create", c.servers...)...)
	}
	if len(servers) == 0 {
		return nil
	}
	if err := s.store.InsertServers(ctx, servers); err != nil {
		return err
	}
	for _, alike := range grouped(creations, func(c *creation) standing { return standingOf(c.caller) }) {
		var plugs []Plug
		for _, c := range alike {
			plugs = append(plugs, c.plugs()...)
		}
		if len(plugs) == 0 {
			continue
		}
		if err := s.networks.Plug(ctx, alike[0].caller, plugs); err != nil {
			return plugFault(err)
		}
	}
	if err := s.store.InsertActions(ctx, actions); err != nil {
		return err
	}
	for i := range servers {
		if err := s.tell(ctx, serverCreated, &servers[i]); err != nil {
			return err
		}
	}
	s.wake(ctx, &servers[0])
	return nil
}

// plugs are the connections of the servers of a creation.
func (c *creation) plugs() []Plug {
	var plugs []Plug
	for i := range c.servers {
		for _, nic := range c.Network.NICs {
			plugs = append(plugs, Plug{
				ServerID: c.servers[i].ID, Hostname: c.servers[i].Hostname, ProjectID: c.servers[i].ProjectID,
				NetworkID: nic.NetworkID, FixedIP: nic.FixedIP, PortID: nic.PortID, SecurityGroups: c.SecurityGroups, Zone: c.Zone,
			})
		}
	}
	return plugs
}
