package probe

import (
	"context"
	"log/slog"
)

// Options say what the host is asked to do.
type Options struct {
	DataDir       string // default /var/lib/aloft
	Listen        string // default 127.0.0.1:8443
	OutsideCIDR   string // default 172.24.4.1/24
	OutsideBridge string // default br-outside
	Log           *slog.Logger
}

// Run looks at everything. It starts nothing but a test guest, changes nothing but the memory of what became of that
// guest, and takes some seconds at most.
func Run(ctx context.Context, o Options) Report {
	for field, value := range map[*string]string{
		&o.DataDir: "/var/lib/aloft", &o.Listen: "127.0.0.1:8443", &o.OutsideCIDR: "172.24.4.1/24", &o.OutsideBridge: "br-outside",
	} {
		if *field == "" {
			*field = value
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	var r Report
	for _, look := range []func(context.Context, Options) []Finding{
		root, programs, virtualisation, datapath, tun, users, memory, disk, port, outside,
	} {
		r.Findings = append(r.Findings, look(ctx, o)...)
	}
	return r
}
