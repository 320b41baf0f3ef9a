package api

import (
	"context"
	"strconv"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// segmentRanges are the routes of the segments from which those of new networks are chosen.
func (a *api) segmentRanges() []rest.Route {
	rows := crud("network_segment_ranges", "network_segment_range", rest.Do(a.listSegmentRanges), rest.Do(a.createSegmentRange), rest.Do(a.showSegmentRange), rest.Do(a.changeSegmentRange), rest.Do(a.deleteSegmentRange))
	for i := range rows {
		rows[i].Policy.Rule = auth.AdminOnly
	}
	return rows
}

// mostAvailable is how many free segments of a range are listed: all of VLANs, and the first of overlays.
const mostAvailable = 4094

type segmentRangeOut struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Default     bool              `json:"default"`
	Shared      bool              `json:"shared"`
	Kind        string            `json:"network_type"`
	Physical    *string           `json:"physical_network"`
	Min         int               `json:"minimum"`
	Max         int               `json:"maximum"`
	Used        map[string]string `json:"used"`
	Available   []int             `json:"available"`
	stampOut
}

type segmentRangesOut struct {
	Ranges []segmentRangeOut `json:"network_segment_ranges"`
	Links  []link            `json:"network_segment_ranges_links,omitempty"`
}

type segmentRangeShow struct {
	Range segmentRangeOut `json:"network_segment_range"`
}

type segmentRangeIn struct {
	owner

	Name        rest.Opt[string] `json:"name" check:"max=255"`
	Description rest.Opt[string] `json:"description" check:"max=255"`
	Shared      *bool            `json:"shared"`
	Kind        string           `json:"network_type" check:"required"`
	Physical    rest.Opt[string] `json:"physical_network" check:"max=255"`
	Min         int              `json:"minimum" check:"required"`
	Max         int              `json:"maximum" check:"required"`
}

func newSegmentRangeOut(r network.SegmentRange) segmentRangeOut {
	out := segmentRangeOut{
		ID: r.ID, Name: r.Name, Description: r.Description, Shared: r.Shared(), Kind: r.Kind, Physical: text(r.Physical), Min: r.Min, Max: r.Max,
		Used: map[string]string{}, stampOut: stamp(r.ProjectID, r.Stamp),
	}
	for segment, projectID := range r.Used {
		out.Used[strconv.Itoa(segment)] = projectID
	}
	for segment := r.Min; segment <= r.Max && len(out.Available) < mostAvailable; segment++ {
		if _, ok := r.Used[segment]; !ok {
			out.Available = append(out.Available, segment)
		}
	}
	return out
}

func (a *api) listSegmentRanges(ctx context.Context, in listIn) (segmentRangesOut, error) {
	q, err := in.query(map[string]string{"name": "name", "network_type": "kind", "physical_network": "physical", "minimum": "min", "maximum": "max"})
	if err != nil {
		return segmentRangesOut{}, err
	}
	list, err := a.core.SegmentRanges(ctx, q)
	if err != nil {
		return segmentRangesOut{}, err
	}
	var out segmentRangesOut
	for _, r := range list {
		out.Ranges = append(out.Ranges, newSegmentRangeOut(r))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

func (a *api) createSegmentRange(ctx context.Context, in struct {
	Range  *segmentRangeIn   `body:"network_segment_range"`
	Ranges *[]segmentRangeIn `body:"network_segment_ranges"`
},
) (made, error) {
	return create(ctx, a, "network_segment_range", "network_segment_ranges", in.Range, in.Ranges, a.newSegmentRange)
}

func (a *api) newSegmentRange(ctx context.Context, w segmentRangeIn) (segmentRangeOut, error) {
	r := network.SegmentRange{
		Name: w.Name.Value, Description: w.Description.Value, Kind: w.Kind, Physical: w.Physical.Value, Min: w.Min, Max: w.Max,
	}
	if w.Shared != nil && !*w.Shared {
		if r.ProjectID = w.id(); r.ProjectID == "" {
			return segmentRangeOut{}, fault.Invalidf("project_id", "Invalid input for project_id: a range that is not shared is for one project").WithCode("InvalidInput")
		}
	}
	out, err := a.core.CreateSegmentRange(ctx, auth.From(ctx), r)
	return newSegmentRangeOut(out), err
}

func (a *api) showSegmentRange(ctx context.Context, in byID) (segmentRangeShow, error) {
	r, err := a.core.ShowSegmentRange(ctx, in.ID)
	return segmentRangeShow{newSegmentRangeOut(r)}, err
}

func (a *api) changeSegmentRange(ctx context.Context, in struct {
	condition
	ID    string `path:"id"`
	Range struct {
		Name        rest.Opt[string] `json:"name" check:"max=255"`
		Description rest.Opt[string] `json:"description" check:"max=255"`
		Min         *int             `json:"minimum"`
		Max         *int             `json:"maximum"`
	} `body:"network_segment_range"`
},
) (segmentRangeShow, error) {
	revision, err := in.revision()
	if err != nil {
		return segmentRangeShow{}, err
	}
	w := in.Range
	r, err := a.core.ChangeSegmentRange(ctx, auth.From(ctx), in.ID, network.SegmentRangeChange{
		Name: given(w.Name), Description: given(w.Description), Min: w.Min, Max: w.Max, Revision: revision,
	})
	return segmentRangeShow{newSegmentRangeOut(r)}, err
}

func (a *api) deleteSegmentRange(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteSegmentRange)
}
