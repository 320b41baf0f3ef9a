package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/bus"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// controlGroup is the queue group of the control nodes: each message from a host is answered by one of them.
const controlGroup = "control"

// serveHosts answers what hosts say and ask.
func (c *Control) serveHosts() (stop func(), err error) {
	var subs []*bus.Subscription
	stop = func() {
		for _, s := range subs {
			s.Close()
		}
	}
	add := func(s *bus.Subscription, subErr error) {
		if subErr != nil && err == nil {
			err = subErr
		}
		if subErr == nil {
			subs = append(subs, s)
		}
	}
	add(bus.Serve(c.bus, protocol.SubjectSync, controlGroup, func(ctx context.Context, m protocol.Sync) (protocol.SyncReply, error) {
		if err := speaksForItself(ctx, m.Host.ID); err != nil {
			return protocol.SyncReply{}, err
		}
		reply, err := c.compute.Sync(ctx, m)
		if err == nil {
			reply.Settings, err = c.tellSettings(ctx, m.Host.ID, m.Network)
		}
		return reply, err
	}))
	add(bus.Serve(c.bus, protocol.SubjectReport, controlGroup, func(ctx context.Context, m protocol.Report) (protocol.Ack, error) {
		if err := speaksForItself(ctx, m.HostID); err != nil {
			return protocol.Ack{}, err
		}
		return c.compute.Report(ctx, m)
	}))
	add(bus.SubscribeFrom(c.bus, protocol.SubjectHeartbeat, func(sender string, m protocol.Heartbeat) {
		if sender == "" || sender == m.HostID {
			c.compute.Heartbeat(m)
		}
	}))
	add(bus.Serve(c.bus, protocol.SubjectImage, controlGroup, func(ctx context.Context, r protocol.ImageRead) (protocol.ImageData, error) {
		data, err := c.image.ReadAt(ctx, r.ID, r.Offset, min(r.Length, protocol.ImagePiece))
		return protocol.ImageData{Data: data}, err
	}))
	add(bus.Serve(c.bus, protocol.SubjectRenew, controlGroup, func(ctx context.Context, r protocol.Renew) (protocol.Membership, error) {
		return c.join.Renew(ctx, bus.Sender(ctx), r)
	}))
	if err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

// speaksForItself refuses what one host says in another's name. What comes from within the process has no sender.
func speaksForItself(ctx context.Context, hostID string) error {
	if sender := bus.Sender(ctx); sender != "" && sender != hostID {
		return fault.New(fault.Forbidden, "host %s cannot speak for host %s", sender, hostID)
	}
	return nil
}

// hostLink is compute's way to the hosts.
type hostLink struct {
	bus *bus.Bus
	log *slog.Logger
}

// How long a host may take to answer; what it misses, its next Sync makes good.
const (
	pushPatience    = 2 * time.Second
	consolePatience = 10 * time.Second
)

func (l hostLink) Push(ctx context.Context, hostID string, servers []protocol.Server) error {
	ctx, cancel := context.WithTimeout(ctx, pushPatience)
	defer cancel()
	_, err := bus.Request[[]protocol.Server, protocol.Ack](ctx, l.bus, protocol.SubjectServers(hostID), servers)
	return err
}

func (l hostLink) AskSync(hostID string) {
	if err := l.bus.Publish(protocol.SubjectResync(hostID), protocol.AskSync{}); err != nil {
		l.log.Debug("a host could not be asked to sync; its next heartbeat has it asked again", "host", hostID, "error", err)
	}
}

func (l hostLink) Console(ctx context.Context, hostID, serverID string, lines int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, consolePatience)
	defer cancel()
	out, err := bus.Request[protocol.ConsoleRead, protocol.ConsoleOutput](ctx, l.bus, protocol.SubjectConsole(hostID), protocol.ConsoleRead{ServerID: serverID, Lines: lines})
	return out.Text, err
}
