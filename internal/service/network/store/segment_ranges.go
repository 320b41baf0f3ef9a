package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type segmentRangeRow struct {
	bun.BaseModel `bun:"table:segment_ranges,alias:sg"`

	ID          string `bun:"id,pk"`
	ProjectID   string `bun:"project_id"`
	Name        string `bun:"name"`
	Description string `bun:"description"`
	Kind        string `bun:"kind"`
	Physical    string `bun:"physical"`
	First       int    `bun:"first"`
	Last        int    `bun:"last"`
	taggedRow
}

func segmentRangeOf(r network.SegmentRange) *segmentRangeRow {
	return &segmentRangeRow{
		ID: r.ID, ProjectID: r.ProjectID, Name: r.Name, Description: r.Description, Kind: r.Kind, Physical: r.Physical,
		First: r.Min, Last: r.Max, taggedRow: taggedOf(r.Stamp),
	}
}

func (r segmentRangeRow) noun() network.SegmentRange {
	return network.SegmentRange{
		ID: r.ID, ProjectID: r.ProjectID, Name: r.Name, Description: r.Description, Kind: r.Kind, Physical: r.Physical,
		Min: r.First, Max: r.Last, Stamp: r.taggedRow.noun(),
	}
}

// AddSegmentRange implements network.SegmentRangeStore.
func (s *Store) AddSegmentRange(ctx context.Context, r network.SegmentRange) error {
	_, err := s.insert(ctx, segmentRangeOf(r))
	return err
}

// SegmentRange implements network.SegmentRangeStore.
func (s *Store) SegmentRange(ctx context.Context, id string) (network.SegmentRange, error) {
	list, err := s.SegmentRanges(ctx, network.ByID(id))
	return only(list, err, &fault.Error{
		Class: fault.NotFound, Code: "NetworkSegmentRangeNotFound", Object: "network segment range", ID: id,
		Message: fmt.Sprintf("Network Segment Range %s could not be found.", id),
	})
}

// SegmentRanges implements network.SegmentRangeStore.
func (s *Store) SegmentRanges(ctx context.Context, q network.Query) ([]network.SegmentRange, error) {
	var rows []segmentRangeRow
	attributes := tagged(map[string]attribute{
		"name": text("name"), "kind": text("kind"), "physical": text("physical"), "min": number("first"), "max": number("last"),
	})
	if err := read(ctx, s.db.Select(ctx, db.Everywhere(), &rows), &rows, "segment_ranges", q, attributes, nil); err != nil {
		return nil, err
	}
	return nouns(rows, segmentRangeRow.noun), nil
}

// ChangeSegmentRange implements network.SegmentRangeStore.
func (s *Store) ChangeSegmentRange(ctx context.Context, r network.SegmentRange) error {
	return s.change(ctx, segmentRangeOf(r), "network segment range", r.ID, r.Revision)
}

// RemoveSegmentRange implements network.SegmentRangeStore.
func (s *Store) RemoveSegmentRange(ctx context.Context, id string) error {
	return s.remove(ctx, (*segmentRangeRow)(nil), "id", id)
}
