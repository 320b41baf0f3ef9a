package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type regionWire struct {
	ID             string         `json:"id"`
	Description    string         `json:"description"`
	ParentRegionID *string        `json:"parent_region_id"`
	Links          selfLink       `json:"links"`
	Extra          map[string]any `json:"*"`
}

type regionsOut struct {
	Regions []regionWire `json:"regions"`

	listEnd
}

type regionOut struct {
	Region regionWire `json:"region"`
}

type regionBody struct {
	ID          *string          `json:"id" check:"max=255"`
	Description rest.Opt[string] `json:"description"`
	ParentID    rest.Opt[string] `json:"parent_region_id" check:"min=1,max=255"`
	Extra       map[string]any   `json:"*"`
}

func regionOf(ctx context.Context, r identity.Region) regionWire {
	return regionWire{r.ID, r.Description, orNull(r.ParentID), self(ctx, "/regions/"+r.ID), r.Extra}
}

func (a *api) listRegions(ctx context.Context, in struct {
	pageIn
	nameless
	ParentID string `query:"parent_region_id"`
},
) (regionsOut, error) {
	all, err := a.core.ListRegions(ctx, in.ParentID)
	if err != nil {
		return regionsOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, known(in.nameless, all), identity.Region.Key)
	return regionsOut{wires(ctx, all, regionOf), at}, err
}

func (a *api) createRegion(ctx context.Context, in struct {
	Region regionBody `body:"region"`
},
) (regionOut, error) {
	return a.addRegion(ctx, orElse(in.Region.ID, ""), in.Region)
}

func (a *api) addRegion(ctx context.Context, id string, b regionBody) (regionOut, error) {
	r, err := a.core.CreateRegion(ctx, identity.Region{
		Made: identity.Made{ID: id}, ParentID: b.ParentID.Value, Description: b.Description.Value, Extra: extras(b.Extra),
	})
	return regionOut{regionOf(ctx, r)}, err
}

type regionIn struct {
	ID string `path:"region_id"`
}

func (a *api) putRegion(ctx context.Context, in struct {
	regionIn
	Region regionBody `body:"region"`
},
) (regionOut, error) {
	if in.Region.ID != nil && *in.Region.ID != in.ID {
		return regionOut{}, fault.Invalidf("region.id", "Conflicting region IDs specified: \"%s\" != \"%s\"", in.ID, *in.Region.ID)
	}
	return a.addRegion(ctx, in.ID, in.Region)
}

func (a *api) showRegion(ctx context.Context, in regionIn) (regionOut, error) {
	r, err := a.core.ShowRegion(ctx, in.ID)
	return regionOut{regionOf(ctx, r)}, err
}

func (a *api) updateRegion(ctx context.Context, in struct {
	regionIn
	Region regionBody `body:"region"`
},
) (regionOut, error) {
	b := in.Region
	if err := something("region", b); err != nil {
		return regionOut{}, err
	}
	if b.ID != nil && *b.ID != in.ID {
		return regionOut{}, fault.Invalidf("region.id", "Cannot change region ID: it is %s for good", in.ID)
	}
	r, err := a.core.UpdateRegion(ctx, in.ID, identity.RegionChange{
		ParentID: text(b.ParentID), Description: text(b.Description), Extra: extras(b.Extra),
	})
	return regionOut{regionOf(ctx, r)}, err
}

func (a *api) deleteRegion(ctx context.Context, in regionIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteRegion(ctx, in.ID)
}
