package api

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

type aggregate struct {
	Number    int64             `json:"id"`
	ID        string            `json:"uuid" since:"2.41"`
	Name      string            `json:"name"`
	Zone      *string           `json:"availability_zone"`
	Hosts     []string          `json:"hosts"`
	Metadata  map[string]string `json:"metadata"`
	CreatedAt *string           `json:"created_at"`
	UpdatedAt *string           `json:"updated_at"`
	DeletedAt *string           `json:"deleted_at"`
	Deleted   bool              `json:"deleted"`
}

type aggregateOut struct {
	Aggregate aggregate `json:"aggregate"`
}

type aggregatesOut struct {
	Aggregates []aggregate `json:"aggregates"`
}

type aggregateIn struct {
	Number string `path:"aggregate_id"`
}

// number reads the number of the aggregate.
func (in *aggregateIn) number() (int64, error) {
	n, err := strconv.ParseInt(in.Number, 10, 64)
	if err != nil {
		return 0, fault.Invalidf("aggregate_id", "Invalid aggregate id %.40q: it is a number", in.Number)
	}
	return n, nil
}

func missingAggregate(err error) error {
	if f := fault.Of(err); f.Class == fault.NotFound && f.Object == "aggregate" {
		return &fault.Error{Class: fault.NotFound, Object: f.Object, ID: f.ID, Message: fmt.Sprintf("Aggregate %s could not be found.", f.ID)}
	}
	return err
}

// aggregates writes aggregates, with the names of their hosts.
func (a *api) aggregates(ctx context.Context, list ...compute.Aggregate) ([]aggregate, error) {
	var ids []string
	for i := range list {
		ids = append(ids, list[i].Hosts...)
	}
	names, err := a.core.HostNames(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]aggregate, len(list))
	for i := range list {
		g := &list[i]
		out[i] = aggregate{
			Number: g.Number, ID: g.ID, Name: g.Name, Zone: optional(g.Zone()), Metadata: g.Metadata,
			CreatedAt: micros(&g.CreatedAt), UpdatedAt: micros(g.UpdatedAt),
		}
		for _, id := range g.Hosts {
			out[i].Hosts = append(out[i].Hosts, names[id])
		}
	}
	return out, nil
}

func (a *api) oneAggregate(ctx context.Context, g compute.Aggregate, err error) (aggregateOut, error) {
	if err != nil {
		return aggregateOut{}, missingAggregate(err)
	}
	out, err := a.aggregates(ctx, g)
	if err != nil {
		return aggregateOut{}, err
	}
	return aggregateOut{out[0]}, nil
}

func (a *api) listAggregates(ctx context.Context, _ struct{}) (aggregatesOut, error) {
	list, err := a.core.Aggregates(ctx)
	if err != nil {
		return aggregatesOut{}, err
	}
	out, err := a.aggregates(ctx, list...)
	return aggregatesOut{out}, err
}

func (a *api) showAggregate(ctx context.Context, in aggregateIn) (aggregateOut, error) {
	n, err := in.number()
	if err != nil {
		return aggregateOut{}, err
	}
	g, err := a.core.ShowAggregate(ctx, n)
	return a.oneAggregate(ctx, g, err)
}

type createAggregateIn struct {
	Aggregate struct {
		Name string  `json:"name" check:"required,min=1,max=255"`
		Zone *string `json:"availability_zone" check:"min=1,max=255"`
	} `body:"aggregate"`
}

// createdAggregate is an aggregate without what a new one can't have.
type createdAggregate struct {
	Number    int64   `json:"id"`
	ID        string  `json:"uuid" since:"2.41"`
	Name      string  `json:"name"`
	Zone      *string `json:"availability_zone"`
	CreatedAt *string `json:"created_at"`
	UpdatedAt *string `json:"updated_at"`
	DeletedAt *string `json:"deleted_at"`
	Deleted   bool    `json:"deleted"`
}

type createAggregateOut struct {
	Aggregate createdAggregate `json:"aggregate"`
}

func (a *api) createAggregate(ctx context.Context, in createAggregateIn) (createAggregateOut, error) {
	metadata := map[string]string{}
	if in.Aggregate.Zone != nil {
		metadata[zoneKey] = *in.Aggregate.Zone
	}
	g, err := a.core.CreateAggregate(ctx, in.Aggregate.Name, metadata)
	return createAggregateOut{createdAggregate{
		Number: g.Number, ID: g.ID, Name: g.Name, Zone: optional(g.Zone()), CreatedAt: created(g.CreatedAt),
	}}, err
}

func created(t time.Time) *string { return micros(&t) }

// zoneKey is the metadata that is an aggregate's zone.
const zoneKey = "availability_zone"

type updateAggregateIn struct {
	aggregateIn
	Aggregate struct {
		Name *string          `json:"name" check:"min=1,max=255"`
		Zone rest.Opt[string] `json:"availability_zone" check:"min=1,max=255"`
	} `body:"aggregate"`
}

func (a *api) updateAggregate(ctx context.Context, in updateAggregateIn) (aggregateOut, error) {
	n, err := in.number()
	if err != nil {
		return aggregateOut{}, err
	}
	b := &in.Aggregate
	if b.Name == nil && !b.Zone.Set {
		return aggregateOut{}, fault.Invalidf("aggregate", "Invalid input for field aggregate: it needs a name or an availability_zone")
	}
	g, err := a.core.ChangeAggregate(ctx, n, func(g *compute.Aggregate) error {
		if b.Name != nil {
			g.Name = *b.Name
		}
		switch {
		case b.Zone.Set && b.Zone.Null:
			delete(g.Metadata, zoneKey)
		case b.Zone.Set:
			g.Metadata[zoneKey] = b.Zone.Value
		}
		return nil
	})
	return a.oneAggregate(ctx, g, err)
}

func (a *api) deleteAggregate(ctx context.Context, in aggregateIn) (rest.None, error) {
	n, err := in.number()
	if err != nil {
		return rest.None{}, err
	}
	return rest.None{}, missingAggregate(a.core.DeleteAggregate(ctx, n))
}

type aggregateHost struct {
	Host string `json:"host" check:"required,min=1,max=255"`
}

type addHostIn struct {
	aggregateIn
	Add aggregateHost `body:"add_host"`
}

type removeHostIn struct {
	aggregateIn
	Remove aggregateHost `body:"remove_host"`
}

type setAggregateMetadataIn struct {
	aggregateIn
	Set struct {
		Metadata map[string]*string `json:"metadata" check:"required"`
	} `body:"set_metadata"`
}

func (a *api) addAggregateHost(ctx context.Context, in addHostIn) (aggregateOut, error) {
	n, err := in.number()
	if err != nil {
		return aggregateOut{}, err
	}
	g, err := a.core.AddAggregateHost(ctx, n, in.Add.Host)
	return a.oneAggregate(ctx, g, err)
}

func (a *api) removeAggregateHost(ctx context.Context, in removeHostIn) (aggregateOut, error) {
	n, err := in.number()
	if err != nil {
		return aggregateOut{}, err
	}
	g, err := a.core.RemoveAggregateHost(ctx, n, in.Remove.Host)
	return a.oneAggregate(ctx, g, err)
}

// setAggregateMetadata merges; null takes an entry away.
func (a *api) setAggregateMetadata(ctx context.Context, in setAggregateMetadataIn) (aggregateOut, error) {
	n, err := in.number()
	if err != nil {
		return aggregateOut{}, err
	}
	g, err := a.core.ChangeAggregate(ctx, n, func(g *compute.Aggregate) error {
		for key, value := range in.Set.Metadata {
			if value == nil {
				delete(g.Metadata, key)
			} else {
				g.Metadata[key] = *value
			}
		}
		return nil
	})
	return a.oneAggregate(ctx, g, err)
}
