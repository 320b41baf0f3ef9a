package compute

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/reconcile"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

// placementKey is the one key of the placement loop.
const placementKey = "placement"

const (
	placementBatch  = 256 // servers that are placed in one transaction
	placementRounds = 5   // times that others may be faster, with a claim or a deletion, before the loop backs off
)

// placer gives new servers their hosts. It keeps a picture of the hosts between batches; only one goroutine uses it.
type placer struct {
	*Service
	picture *picture
}

// keys wakes the loop if any server waits for a host.
func (p *placer) keys(ctx context.Context) ([]string, error) {
	waiting, err := p.store.UnplacedServers(ctx, 1)
	if err != nil || len(waiting) == 0 {
		return nil, err
	}
	return []string{placementKey}, nil
}

var errBeaten = errors.New("another control node claimed the same room")

// do places all servers that wait, batch by batch. Where none waits the picture is brought up to date all the same, so that
// the next one does not wait for thousands of hosts to be read.
func (p *placer) do(ctx context.Context, _ string) (reconcile.Result, error) {
	for beaten := 0; ; {
		waiting, err := p.store.UnplacedServers(ctx, placementBatch)
		if err != nil {
			return reconcile.Result{}, err
		}
		if len(waiting) == 0 {
			return reconcile.Result{}, p.look(ctx, pictureAge)
		}
		put, patient, err := p.placeBatch(ctx, waiting)
		switch {
		case (errors.Is(err, errBeaten) || fault.Is(err, fault.Conflict)) && beaten < placementRounds:
			beaten++
		case err != nil:
			return reconcile.Result{}, err
		case put == 0 && patient:
			return reconcile.Result{Again: time.Second}, nil // a host that comes up wakes the loop earlier
		default:
			beaten = 0
		}
	}
}

// plan is what was decided for a batch of servers.
type plan struct {
	outcomes   []outcome
	claims     []Claim
	groups     []ServerGroup // of those that were placed
	placements []Placement
	bandwidth  []BandwidthClaim
	guaranteed map[string]map[string]placement.Rates // of those that were placed, by server and physical network
	patient    bool                                  // the servers without an outcome wait for a first host to call
}

// placeBatch decides from the picture and writes it in one transaction. It returns how many servers have left the
// queue.
func (p *placer) placeBatch(ctx context.Context, waiting []Server) (put int, patient bool, err error) {
	if err := p.look(ctx, pictureAge); err != nil {
		return 0, false, err
	}
	d, err := p.decide(ctx, waiting)
	if err == nil && len(d.outcomes) > 0 {
		err = p.db.Tx(ctx, func(ctx context.Context) error { return p.carryOut(ctx, &d) })
	}
	if err != nil { // what was claimed in the picture was not claimed
		p.changes.add(claimedHosts(d.claims), false)
		return 0, false, err
	}
	return len(d.outcomes), d.patient, nil
}

func claimedHosts(claims []Claim) []string {
	ids := make([]string, len(claims))
	for i := range claims {
		ids[i] = claims[i].HostID
	}
	return ids
}

// carryOut writes a plan in the transaction of ctx.
func (p *placer) carryOut(ctx context.Context, d *plan) error {
	for _, claim := range []func() (bool, error){
		func() (bool, error) { return p.store.Claim(ctx, d.claims) },
		func() (bool, error) { return p.store.ClaimBandwidth(ctx, d.bandwidth) },
		func() (bool, error) { return p.store.TouchServerGroups(ctx, d.groups) },
	} {
		ok, err := claim()
		if err != nil {
			return err
		}
		if !ok {
			return errBeaten
		}
	}
	bound := map[string]string{}
	for i := range d.outcomes {
		if sv := &d.outcomes[i].server; sv.HostID != "" {
			bound[sv.ID] = sv.HostID
		}
	}
	if len(bound) > 0 {
		if err := p.stillGuaranteed(ctx, d, bound); err != nil {
			return err
		}
		if err := p.networks.Bind(ctx, bound); err != nil {
			return fmt.Errorf("binding the ports of %d servers: %w", len(bound), err)
		}
		if err := p.tellOthers(ctx, claimedHosts(d.claims), false); err != nil {
			return err
		}
	}
	if err := p.store.SavePlacements(ctx, d.placements); err != nil {
		return err
	}
	return p.apply(ctx, d.outcomes)
}

// decide chooses a host for each server, or says why there is none.
func (p *placer) decide(ctx context.Context, waiting []Server) (d plan, err error) {
	requests, groups, err := p.requests(ctx, waiting)
	if err != nil {
		return d, err
	}
	d.guaranteed = map[string]map[string]placement.Rates{}
	byHost, touched := map[string]*Claim{}, map[string]bool{}
	defer func() { d.claims = values(byHost) }()
	now := p.now()
	var why refusals
	for i := range waiting {
		sv, r := waiting[i], &requests[i]
		host, ok := p.picture.Place(r)
		if !ok && p.picture.stale(now) { // room may have become free that nobody told us of
			if len(byHost) > 0 {
				continue // with the next batch, as the picture has claims that are not in the database yet
			}
			if err := p.look(ctx, 0); err != nil {
				return d, err
			}
			host, ok = p.picture.Place(r)
		}
		if !ok {
			if p.picture.Ready() == 0 && now.Sub(sv.UpdatedAt) < p.settings.HostWait {
				d.patient = true
				continue
			}
			report := why.of(p.picture, r)
			d.placements = append(d.placements, Placement{ServerID: sv.ID, ProjectID: sv.ProjectID, At: now, Report: report})
			d.outcomes = append(d.outcomes, refused(sv, report, now))
			continue
		}
		c := entry(byHost, host.ID)
		c.HostID, c.Limits = host.ID, Resources(host.Limits)
		c.Servers++
		c.Size = c.Size.plus(sv.Size, 1)
		if len(r.Guaranteed) > 0 {
			d.bandwidth = append(d.bandwidth, bandwidthClaims(sv.ID, host.ID, r)...)
			d.guaranteed[sv.ID] = r.Guaranteed
		}
		if g, ok := groups[sv.GroupID]; ok && !touched[g.ID] {
			touched[g.ID] = true
			d.groups = append(d.groups, g)
		}
		sv.HostID, sv.HostName, sv.Zone, sv.Task, sv.PlacedAt = host.ID, host.Name, host.Zone, Spawning, &now
		sv.Generation++
		d.outcomes = append(d.outcomes, outcome{server: sv, verdict: verdict{changed: true}})
		d.placements = append(d.placements, Placement{
			ServerID: sv.ID, ProjectID: sv.ProjectID, At: now, HostName: host.Name, Placed: true, Report: p.picture.Brief(r),
		})
	}
	return d, nil
}

// refusals explains the like of what it has explained before at no cost.
type refusals struct {
	request *placement.Request
	report  placement.Report
}

func (f *refusals) of(p *picture, r *placement.Request) placement.Report {
	if f.request == nil || !reflect.DeepEqual(f.request, r) {
		f.request, f.report = r, p.Explain(r)
	}
	return f.report
}

// refused is a server for which there is no host.
func refused(sv Server, why placement.Report, now time.Time) outcome {
	message := why.Refusal()
	if sv.Fault != nil { // of the hosts that could not build it
		message = sv.Fault.Message + "; " + message
	}
	sv.fail(500, message, "", now)
	return outcome{server: sv, verdict: verdict{changed: true, settled: true, message: message}}
}

// requests are what servers ask of their hosts, with the groups that they are in.
func (p *placer) requests(ctx context.Context, waiting []Server) ([]placement.Request, map[string]ServerGroup, error) {
	var groupIDs, hinted []string
	for i := range waiting {
		if id := waiting[i].GroupID; id != "" {
			groupIDs = append(groupIDs, id)
		}
		hinted = append(hinted, waiting[i].Hints.servers()...)
	}
	groups, members, err := p.groups(ctx, groupIDs)
	if err != nil {
		return nil, nil, err
	}
	hosts, err := p.hostsOf(ctx, hinted)
	if err != nil {
		return nil, nil, err
	}
	requests := make([]placement.Request, len(waiting))
	for i := range waiting {
		sv := &waiting[i]
		requests[i] = sv.request()
		requests[i].Group = members[sv.GroupID]
		requests[i].SameHost = hosts.of(sv, sv.Hints.SameHost)
		requests[i].DifferentHost = hosts.of(sv, sv.Hints.DifferentHost)
	}
	return requests, groups, p.guarantee(ctx, waiting, requests)
}

// groups reads server groups, with the hosts that their members are on. One that was deleted asks for nothing any more.
func (p *placer) groups(ctx context.Context, ids []string) (map[string]ServerGroup, map[string]*placement.Group, error) {
	if len(ids) == 0 {
		return nil, nil, nil
	}
	found, err := p.store.ServerGroupsByID(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	hosts, err := p.store.GroupHosts(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	groups, members := map[string]ServerGroup{}, map[string]*placement.Group{}
	for _, g := range found {
		groups[g.ID] = g
		members[g.ID] = &placement.Group{Policy: g.Policy, MaxPerHost: g.MaxPerHost, Hosts: hosts[g.ID]}
		if members[g.ID].Hosts == nil {
			members[g.ID].Hosts = map[string]int{}
		}
	}
	return groups, members, nil
}

// serverHosts are the hosts of servers that hints name, by server id.
type serverHosts map[string]struct{ project, host string }

// nowhere is the host of servers that are on none.
const nowhere = "-"

// of lists the hosts of servers of the same project: where those of others are is nobody's business. Where none is on a
// host the answer is not empty, as that would ask for nothing.
func (h serverHosts) of(sv *Server, servers []string) []string {
	var out []string
	for _, id := range servers {
		if s := h[id]; s.host != "" && s.project == sv.ProjectID {
			out = append(out, s.host)
		}
	}
	if len(servers) > 0 && len(out) == 0 {
		return []string{nowhere}
	}
	return out
}

func (p *placer) hostsOf(ctx context.Context, servers []string) (serverHosts, error) {
	rows, err := p.store.ServersByID(ctx, servers)
	if err != nil {
		return nil, err
	}
	out := serverHosts{}
	for i := range rows {
		out[rows[i].ID] = struct{ project, host string }{rows[i].ProjectID, rows[i].HostID}
	}
	return out, nil
}
