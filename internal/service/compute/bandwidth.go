package compute

import (
	"context"
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

// Link is a host's link to a physical network.
type Link struct {
	HostID, Physical string
	Kbps             int             // that it carries, either way
	Used             placement.Rates // that is guaranteed to servers
}

// BandwidthClaim is what a server's ports are guaranteed on a host's link.
type BandwidthClaim struct {
	ServerID, HostID, Physical string
	Rates                      placement.Rates
	Kbps                       int // that the link carries
}

// BandwidthStore keeps what hosts' links carry, and what of it is guaranteed.
type BandwidthStore interface {
	// Links returns the links of known speed.
	Links(ctx context.Context) ([]Link, error)
	// ClaimBandwidth adds claims; false, with some added, if that would be more than a link carries.
	ClaimBandwidth(ctx context.Context, claims []BandwidthClaim) (bool, error)
	// ReleaseBandwidth takes the claims of servers off.
	ReleaseBandwidth(ctx context.Context, serverIDs []string) error
}

// guarantee adds to requests what the ports of their servers are guaranteed. Where none is guaranteed anything, which is
// mostly so, the links of hosts are not read.
func (p *placer) guarantee(ctx context.Context, waiting []Server, requests []placement.Request) error {
	ids := make([]string, len(waiting))
	for i := range waiting {
		ids[i] = waiting[i].ID
	}
	wanted, err := p.networks.Guaranteed(ctx, ids)
	if err != nil || len(wanted) == 0 {
		return err
	}
	links, err := p.store.Links(ctx)
	if err != nil {
		return err
	}
	all := &placement.Bandwidth{Links: make(map[string]map[string]placement.Link, len(links))}
	for _, l := range links {
		if all.Links[l.HostID] == nil {
			all.Links[l.HostID] = map[string]placement.Link{}
		}
		all.Links[l.HostID][l.Physical] = placement.Link{Kbps: l.Kbps, Used: l.Used}
	}
	for i := range waiting {
		if rates := wanted[waiting[i].ID]; len(rates) > 0 {
			requests[i].Guaranteed, requests[i].Bandwidth = rates, all
		}
	}
	return nil
}

// stillGuaranteed makes sure, in the transaction that binds servers' ports, that these are guaranteed what was claimed for
// them: a rule may have changed since. From then on it can't.
func (p *placer) stillGuaranteed(ctx context.Context, d *plan, bound map[string]string) error {
	now, err := p.networks.Guaranteed(ctx, slices.Collect(maps.Keys(bound)))
	if err != nil {
		return err
	}
	if !maps.EqualFunc(now, d.guaranteed, maps.Equal[map[string]placement.Rates, map[string]placement.Rates]) {
		return errBeaten
	}
	return nil
}

// bandwidthClaims are what a request's server is guaranteed on the host that it was given.
func bandwidthClaims(serverID, hostID string, r *placement.Request) []BandwidthClaim {
	var out []BandwidthClaim
	for _, physical := range slices.Sorted(maps.Keys(r.Guaranteed)) {
		out = append(out, BandwidthClaim{
			ServerID: serverID, HostID: hostID, Physical: physical, Rates: r.Guaranteed[physical], Kbps: r.Bandwidth.Links[hostID][physical].Kbps,
		})
	}
	return out
}
