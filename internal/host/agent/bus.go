package agent

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/bus"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// RunOnBus is Run with the control plane at the other end of the bus. It also serves what the control plane asks of the
// host with this id.
func (a *Agent) RunOnBus(ctx context.Context, b *bus.Bus, hostID string, networks Networks) error {
	stop, err := serve(b, hostID, func(string) *Agent { return a })
	if err != nil {
		return err
	}
	defer stop()
	defer b.Connected(a.SyncNow)()
	return a.Run(ctx, OnBus(b), networks)
}

// RunOnBus is Run for hosts that share a connection, which may speak for all of them.
func (c *Crew) RunOnBus(ctx context.Context, b *bus.Bus) error {
	stop, err := serve(b, "*", c.agent)
	if err != nil {
		return err
	}
	defer stop()
	defer b.Connected(func() {
		for _, a := range c.all() {
			a.SyncNow()
		}
	})()
	return c.Run(ctx)
}

// serve answers what the control plane asks of hosts: of one, or, where hosts is a wildcard, of all that find knows.
func serve(b *bus.Bus, hosts string, find func(id string) *Agent) (stop func(), err error) {
	there := func(ctx context.Context) (*Agent, error) {
		id := bus.Receiver(ctx)
		if a := find(id); a != nil {
			return a, nil
		}
		return nil, fault.New(fault.Unavailable, "host %s is not running", id)
	}
	servers, err := bus.Serve(b, protocol.SubjectServers(hosts), "", func(ctx context.Context, servers []protocol.Server) (protocol.Ack, error) {
		a, err := there(ctx)
		if err == nil {
			a.Want(servers)
		}
		return protocol.Ack{}, err
	})
	if err != nil {
		return nil, err
	}
	console, err := bus.Serve(b, protocol.SubjectConsole(hosts), "", func(ctx context.Context, read protocol.ConsoleRead) (protocol.ConsoleOutput, error) {
		a, err := there(ctx)
		if err != nil {
			return protocol.ConsoleOutput{}, err
		}
		return a.Console(ctx, read)
	})
	if err != nil {
		servers.Close()
		return nil, err
	}
	resync, err := bus.SubscribeFrom(b, protocol.SubjectResync(hosts), func(id string, _ protocol.AskSync) {
		if a := find(id); a != nil {
			a.SyncNow()
		}
	})
	if err != nil {
		servers.Close()
		console.Close()
		return nil, err
	}
	return func() {
		servers.Close()
		console.Close()
		resync.Close()
	}, nil
}

// OnBus is Control at the other end of a bus.
func OnBus(b *bus.Bus) Control { return controlOnBus{b} }

// controlOnBus is Control by request and reply.
type controlOnBus struct{ bus *bus.Bus }

// Sync implements Control.
func (c controlOnBus) Sync(ctx context.Context, sync protocol.Sync) (protocol.SyncReply, error) {
	return bus.Request[protocol.Sync, protocol.SyncReply](ctx, c.bus, protocol.SubjectSync, sync)
}

// Report implements Control.
func (c controlOnBus) Report(ctx context.Context, report protocol.Report) error {
	_, err := bus.Request[protocol.Report, protocol.Ack](ctx, c.bus, protocol.SubjectReport, report)
	return err
}

// Heartbeat implements Control.
func (c controlOnBus) Heartbeat(_ context.Context, heartbeat protocol.Heartbeat) error {
	return c.bus.Publish(protocol.SubjectHeartbeat, heartbeat)
}

// ReadImage implements Control.
func (c controlOnBus) ReadImage(ctx context.Context, read protocol.ImageRead) (protocol.ImageData, error) {
	return bus.Request[protocol.ImageRead, protocol.ImageData](ctx, c.bus, protocol.SubjectImage, read)
}
