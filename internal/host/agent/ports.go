package agent

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Control is the control plane, as a host calls it.
type Control interface {
	// Sync tells everything and is told everything.
	Sync(ctx context.Context, sync protocol.Sync) (protocol.SyncReply, error)
	// Report tells what has changed.
	Report(ctx context.Context, report protocol.Report) error
	// Heartbeat tells that the host is there.
	Heartbeat(ctx context.Context, heartbeat protocol.Heartbeat) error
	// ReadImage returns a piece of an image's data.
	ReadImage(ctx context.Context, read protocol.ImageRead) (protocol.ImageData, error)
}

// Networks serves metadata to the networks of the servers on this host.
type Networks interface {
	// Ensure makes the metadata service stand on exactly these networks, by id. It is called before each start of a
	// server and at every Sync, never twice at the same time, and is quick where nothing has changed.
	Ensure(ctx context.Context, networks map[string]protocol.MetadataPort) error
}

// Settings keeps what an operator has set for the host.
type Settings interface {
	// Take hears all of it, at every Sync. It is quick, and does nothing where it is what was heard last.
	Take(protocol.Settings) error
	// Seen is what has come of it; nil: that is not known yet. Whoever knows that it has changed calls SyncNow.
	Seen() *protocol.NetworkSeen
}
