package compute

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Aggregates returns all aggregates.
func (s *Service) Aggregates(ctx context.Context) ([]Aggregate, error) {
	return s.store.Aggregates(ctx)
}

// ShowAggregate returns an aggregate by its number.
func (s *Service) ShowAggregate(ctx context.Context, number int64) (Aggregate, error) {
	return s.store.FindAggregate(ctx, number)
}

// CreateAggregate makes an aggregate without hosts.
func (s *Service) CreateAggregate(ctx context.Context, name string, metadata map[string]string) (Aggregate, error) {
	a := Aggregate{ID: uuid.NewString(), Name: name, Metadata: metadata, CreatedAt: s.now()}
	if err := a.check(); err != nil {
		return a, err
	}
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		a, err = s.store.InsertAggregate(ctx, a)
		return err
	})
	if db.IsUnique(err) {
		return a, fault.Conflictf("aggregate", a.ID, "Aggregate %s already exists.", name)
	}
	return a, err
}

// ChangeAggregate changes an aggregate by a function: its name, its metadata or its hosts. The zones of the hosts that
// are in it, or were, follow; a host with servers can't move to another zone.
func (s *Service) ChangeAggregate(ctx context.Context, number int64, fn func(*Aggregate) error) (Aggregate, error) {
	var a Aggregate
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if a, err = s.store.FindAggregate(ctx, number); err != nil {
			return err
		}
		before := slices.Clone(a.Hosts)
		a.Metadata = maps.Clone(a.Metadata)
		if err := fn(&a); err != nil {
			return err
		}
		if err := a.check(); err != nil {
			return err
		}
		now := s.now()
		a.UpdatedAt = &now
		if err := s.store.SaveAggregate(ctx, a); err != nil {
			return err
		}
		a.Revision++
		if err := s.rezone(ctx, append(before, a.Hosts...)); err != nil {
			return err
		}
		return s.tellOfHosts(ctx, nil, true)
	})
	if db.IsUnique(err) {
		return a, fault.Conflictf("aggregate", a.ID, "Aggregate %s already exists.", a.Name)
	}
	return a, err
}

// AddAggregateHost puts a host into an aggregate, by its name or id.
func (s *Service) AddAggregateHost(ctx context.Context, number int64, host string) (Aggregate, error) {
	h, err := s.hostNamed(ctx, host)
	if err != nil {
		return Aggregate{}, err
	}
	return s.ChangeAggregate(ctx, number, func(a *Aggregate) error {
		if slices.Contains(a.Hosts, h.ID) {
			return fault.Conflictf("aggregate", a.ID, "Cannot add host to aggregate %d. Reason: host %s is in it already.", a.Number, host)
		}
		a.Hosts = append(a.Hosts, h.ID)
		return nil
	})
}

// RemoveAggregateHost takes a host out of an aggregate, by its name or id.
func (s *Service) RemoveAggregateHost(ctx context.Context, number int64, host string) (Aggregate, error) {
	h, err := s.hostNamed(ctx, host)
	if err != nil {
		return Aggregate{}, err
	}
	return s.ChangeAggregate(ctx, number, func(a *Aggregate) error {
		i := slices.Index(a.Hosts, h.ID)
		if i < 0 {
			return fault.New(fault.NotFound, "Cannot remove host %s from aggregate %d: it is not in it", host, a.Number)
		}
		a.Hosts = slices.Delete(a.Hosts, i, i+1)
		return nil
	})
}

// DeleteAggregate removes an aggregate that has no hosts.
func (s *Service) DeleteAggregate(ctx context.Context, number int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		a, err := s.store.FindAggregate(ctx, number)
		if err != nil {
			return err
		}
		if len(a.Hosts) > 0 {
			return fault.Invalidf("aggregate", "Cannot remove aggregate %d: it is not empty; remove its %d hosts first", number, len(a.Hosts))
		}
		return s.store.DeleteAggregate(ctx, a)
	})
}

// rezone gives hosts the zones that their aggregates say.
func (s *Service) rezone(ctx context.Context, hostIDs []string) error {
	slices.Sort(hostIDs)
	hosts, err := s.store.HostsByID(ctx, slices.Compact(hostIDs))
	if err != nil || len(hosts) == 0 {
		return err
	}
	aggregates, err := s.store.Aggregates(ctx)
	if err != nil {
		return err
	}
	zones := map[string][]string{} // of hosts
	for i := range aggregates {
		zone := aggregates[i].Zone()
		for _, id := range aggregates[i].Hosts {
			if zone != "" && !slices.Contains(zones[id], zone) {
				zones[id] = append(zones[id], zone)
			}
		}
	}
	moved := map[string][]string{}
	for i := range hosts {
		h := &hosts[i]
		zone := s.settings.DefaultZone
		switch in := zones[h.ID]; {
		case len(in) > 1:
			return fault.Conflictf("host", h.ID, "Cannot put host %s into two availability zones: its aggregates say %s", h.Name, strings.Join(in, " and "))
		case len(in) == 1:
			zone = in[0]
		}
		if zone == h.Zone {
			continue
		}
		if h.Servers > 0 {
			return fault.Conflictf("host", h.ID, "One or more hosts contain instances in this zone: host %s has %d servers and can't move from %s to %s", h.Name, h.Servers, h.Zone, zone)
		}
		moved[zone] = append(moved[zone], h.ID)
	}
	for zone, ids := range moved {
		if err := s.store.SetHostZones(ctx, ids, zone); err != nil {
			return err
		}
	}
	return nil
}

// check refuses metadata that would mean nothing.
func (a *Aggregate) check() error {
	zone, ok := a.Metadata[metaZone]
	if ok && (zone == "" || strings.ContainsAny(zone, ":,") || len(zone) > 255) {
		return fault.Invalidf("availability_zone", "Invalid availability_zone %q: a zone has 1 to 255 characters, without colon and comma", zone)
	}
	for _, key := range []string{metaCPURatio, metaMemoryRatio, metaDiskRatio} {
		text, ok := a.Metadata[key]
		if !ok {
			continue
		}
		if n, err := strconv.ParseFloat(text, 64); err != nil || !(n > 0 && n <= mostRatio) {
			return fault.Invalidf("metadata."+key, "%s must be a number greater than 0 and at most %d, but is %q", key, mostRatio, text)
		}
	}
	for key, value := range a.Metadata {
		if key == "" || len(key) > 255 || len(value) > 255 {
			return fault.Invalidf("metadata", "Invalid metadata: the key %.40q and its value must be 1 to 255 and 0 to 255 bytes long", key)
		}
	}
	return nil
}

// hostNamed finds a host by its name or id.
func (s *Service) hostNamed(ctx context.Context, ref string) (Host, error) {
	h, err := s.store.FindHost(ctx, ref)
	if !fault.Is(err, fault.NotFound) {
		return h, err
	}
	if h, err = s.store.HostByName(ctx, ref); fault.Is(err, fault.NotFound) {
		return h, fault.New(fault.NotFound, "Compute host %s could not be found.", ref)
	}
	return h, err
}

// HostNames are the names of hosts by id.
func (s *Service) HostNames(ctx context.Context, ids []string) (map[string]string, error) {
	out := make(map[string]string, len(ids))
	for part := range slices.Chunk(ids, readAtOnce) {
		hosts, err := s.store.HostsByID(ctx, part)
		if err != nil {
			return nil, err
		}
		for i := range hosts {
			out[hosts[i].ID] = hosts[i].Name
		}
	}
	return out, nil
}

// DisableHostNamed is DisableHost for who knows a host by its name.
func (s *Service) DisableHostNamed(ctx context.Context, name string, disabled bool, reason string) (HostView, error) {
	h, err := s.hostNamed(ctx, name)
	if err != nil {
		return HostView{}, err
	}
	return s.DisableHost(ctx, h.ID, disabled, reason)
}

// SetFlavorSpecs changes the extra specs of a flavor by a function. Servers keep those that they were made with.
func (s *Service) SetFlavorSpecs(ctx context.Context, id string, fn func(specs map[string]string) error) (map[string]string, error) {
	var specs map[string]string
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		f, err := s.store.FindFlavor(ctx, id)
		if err != nil {
			return err
		}
		if specs = maps.Clone(f.Specs); specs == nil {
			specs = map[string]string{}
		}
		if err := fn(specs); err != nil {
			return err
		}
		return s.store.SetFlavorSpecs(ctx, id, specs)
	})
	return specs, err
}
