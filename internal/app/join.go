package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/bus"
	"github.com/aloft-cloud/aloft/internal/core/config"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/pki"
	hostjoin "github.com/aloft-cloud/aloft/internal/host/join"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/join"
)

// openAuthority opens this control node's authority, or makes it. Whoever opens it names the same addresses, as a
// certificate that lacks one is replaced.
func openAuthority(c config.Config) (*pki.Authority, error) {
	return pki.Ensure(filepath.Join(c.DataDir, "pki"), c.Listen, c.Address, c.BusListen, strings.TrimPrefix(c.PublicURL, "https://"))
}

// whereHostsConnect is what hosts on other machines are told. bus is where it really listens, if it does.
func whereHostsConnect(c config.Config, bus net.Addr) join.Config {
	var out join.Config
	if bus == nil {
		return out
	}
	if a := advertised(bus.String(), c.Address); a != "" {
		out.Bus = []string{"tls://" + a}
	}
	if a := advertised(c.OVNListen, c.Address); a != "" {
		out.Southbound = southbound(a, c.OVNMembers)
	}
	return out
}

// southbound are the remotes of the southbound database at one address, or, at the same port, of all nodes of a cluster.
func southbound(address string, members []string) []string {
	_, port, err := net.SplitHostPort(address)
	if err != nil || len(members) == 0 {
		return []string{"ssl:" + address}
	}
	var out []string
	for _, m := range members {
		out = append(out, "ssl:"+net.JoinHostPort(m, port))
	}
	return out
}

// advertised is the address of a listener for other machines; empty if there is none that they can use.
func advertised(listen, address string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = address
	}
	if host == "" {
		return ""
	}
	return net.JoinHostPort(host, port)
}

// knownHosts is what join asks compute.
type knownHosts struct{ compute *compute.Service }

func (k knownHosts) KnowsHost(ctx context.Context, id string) (bool, error) {
	names, err := k.compute.HostNames(ctx, []string{id})
	return len(names) > 0, err
}

// How often a host looks after its membership, and how soon again when that failed.
const (
	renewEvery = 24 * time.Hour
	renewRetry = time.Minute
)

// keepMembership renews this host's certificate each day, and hears of addresses that have changed, until ctx ends.
// Whatever fails is tried again: a certificate is good for a year.
func keepMembership(ctx context.Context, b *bus.Bus, dir, hostID string, log *slog.Logger) error {
	for {
		pause := renewEvery
		if err := renewMembership(ctx, b, dir, hostID, log); err != nil && ctx.Err() == nil {
			pause = renewRetry
			if !fault.Is(err, fault.Unavailable) { // else the control plane is away, which the bus tells
				log.Warn("this host's membership was not renewed", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

func renewMembership(ctx context.Context, b *bus.Bus, dir, hostID string, log *slog.Logger) error {
	before, joined, err := hostjoin.Load(dir)
	if err != nil || !joined {
		return errors.Join(err, fault.New(fault.NotFound, "this host has no membership in %s", dir))
	}
	ask := func(ctx context.Context, r protocol.Renew) (protocol.Membership, error) {
		return bus.Request[protocol.Renew, protocol.Membership](ctx, b, protocol.SubjectRenew, r)
	}
	after, err := hostjoin.Renew(ctx, dir, hostID, ask)
	if err != nil {
		return err
	}
	if !slices.Equal(before.Bus, after.Bus) || !slices.Equal(before.Southbound, after.Southbound) {
		log.Warn("the control plane has moved: restart this agent to follow it", "bus", after.Bus, "southbound", after.Southbound)
	}
	return nil
}

// IsControlNode tells whether this machine has the authority of an installation.
func IsControlNode(c config.Config) bool {
	_, err := os.Stat(filepath.Join(c.DataDir, "pki"))
	return err == nil
}
