package network

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// SegmentRange are the segments of a kind, or of a physical network, from which those of new networks are chosen that
// name none.
type SegmentRange struct {
	ID, ProjectID, Name, Description string // of no project: for all
	Kind, Physical                   string // Physical is empty for overlays
	Min, Max                         int
	Used                             map[int]string // segment → the project of its network; filled by reads of the service
	Stamp
}

// Shared tells whether the range is for all projects.
func (r SegmentRange) Shared() bool { return r.ProjectID == "" }

// SegmentRangeStore keeps segment ranges.
type SegmentRangeStore interface {
	AddSegmentRange(ctx context.Context, r SegmentRange) error
	SegmentRange(ctx context.Context, id string) (SegmentRange, error)
	SegmentRanges(ctx context.Context, q Query) ([]SegmentRange, error)
	ChangeSegmentRange(ctx context.Context, r SegmentRange) error
	RemoveSegmentRange(ctx context.Context, id string) error
}

const (
	mostVLAN   = 4094
	mostTunnel = 1<<24 - 1 // the bits of a VNI
)

// mostSegment is the largest segment of a kind.
func mostSegment(kind string) int {
	if kind == VLAN {
		return mostVLAN
	}
	return mostTunnel
}

// CreateSegmentRange adds a range that overlaps with no other of its kind and physical network.
func (s *Service) CreateSegmentRange(ctx context.Context, _ *auth.Caller, r SegmentRange) (SegmentRange, error) {
	return tx(ctx, s, func(ctx context.Context) (SegmentRange, error) {
		r.ID, r.Stamp = uuid.NewString(), born()
		if err := checkSegmentRange(r); err != nil {
			return r, err
		}
		if err := s.checkRangeAlone(ctx, r); err != nil {
			return r, err
		}
		if err := s.store.AddSegmentRange(ctx, r); err != nil {
			return r, err
		}
		if err := s.fillUsed(ctx, &r); err != nil {
			return r, err
		}
		return r, s.note(ctx, "network_segment_range", r.ID, r.ProjectID, "created")
	})
}

func checkSegmentRange(r SegmentRange) error {
	switch {
	case !slices.Contains([]string{VLAN, VXLAN, Geneve}, r.Kind):
		return invalid("network_type", "Invalid input for network_type. Reason: '%s' is not in [vlan, vxlan, geneve].", r.Kind)
	case r.Kind == VLAN && r.Physical == "":
		return invalid("physical_network", "physical_network is required for VLAN network segment ranges.")
	case r.Kind != VLAN && r.Physical != "":
		return invalid("physical_network", "physical_network may not be specified for %s network segment ranges.", r.Kind)
	case r.Min < 1 || r.Max > mostSegment(r.Kind) || r.Min > r.Max:
		return invalid("minimum", "Invalid network segment range: minimum %d and maximum %d are from 1 to %d for %s, the first not above the second.",
			r.Min, r.Max, mostSegment(r.Kind), r.Kind)
	}
	return nil
}

func (s *Service) checkRangeAlone(ctx context.Context, r SegmentRange) error {
	others, err := s.store.SegmentRanges(ctx, rangesOf(r.Kind, r.Physical))
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.ID != r.ID && o.Min <= r.Max && r.Min <= o.Max {
			return fault.Conflictf("network_segment_range", r.ID, "Overlapping with existing network segment range %s: %d to %d.", o.ID, o.Min, o.Max).
				WithCode("NetworkSegmentRangeOverlaps")
		}
	}
	return nil
}

func rangesOf(kind, physical string) Query {
	q := By("kind", kind)
	q.Where["physical"] = []string{physical}
	return q
}

// usedSegments are the segments of the networks of a kind on a physical network.
func (s *Service) usedSegments(ctx context.Context, kind, physical string) (map[int]string, error) {
	q := By("provider_kind", kind)
	q.Where["provider_physical"] = []string{physical}
	q.Bare = true
	networks, err := s.store.Networks(ctx, db.Everywhere(), q)
	if err != nil {
		return nil, err
	}
	out := make(map[int]string, len(networks))
	for _, n := range networks {
		if n.Provider.Segment != 0 {
			out[n.Provider.Segment] = n.ProjectID
		}
	}
	return out, nil
}

func (s *Service) fillUsed(ctx context.Context, r *SegmentRange) error {
	used, err := s.usedSegments(ctx, r.Kind, r.Physical)
	r.fill(used)
	return err
}

// fill takes what is used of the range from what is used of its kind and physical network.
func (r *SegmentRange) fill(used map[int]string) {
	r.Used = map[int]string{}
	for segment, projectID := range used {
		if segment >= r.Min && segment <= r.Max {
			r.Used[segment] = projectID
		}
	}
}

// ShowSegmentRange reads a range, and what is used of it.
func (s *Service) ShowSegmentRange(ctx context.Context, id string) (SegmentRange, error) {
	r, err := s.store.SegmentRange(ctx, id)
	if err != nil {
		return r, err
	}
	return r, s.fillUsed(ctx, &r)
}

// SegmentRanges lists ranges, and what is used of each.
func (s *Service) SegmentRanges(ctx context.Context, q Query) ([]SegmentRange, error) {
	list, err := s.store.SegmentRanges(ctx, q)
	type carrier struct{ kind, physical string }
	used := map[carrier]map[int]string{}
	for i := range list {
		at := carrier{list[i].Kind, list[i].Physical}
		if used[at] == nil {
			if used[at], err = s.usedSegments(ctx, at.kind, at.physical); err != nil {
				return nil, err
			}
		}
		list[i].fill(used[at])
	}
	return list, err
}

// SegmentRangeChange is what should change of a range; nil fields stay.
type SegmentRangeChange struct {
	Name, Description *string
	Min, Max          *int
	Revision          *int64
}

// ChangeSegmentRange changes a range. What is used of it stays in it.
func (s *Service) ChangeSegmentRange(ctx context.Context, _ *auth.Caller, id string, in SegmentRangeChange) (SegmentRange, error) {
	return tx(ctx, s, func(ctx context.Context) (SegmentRange, error) {
		r, err := s.ShowSegmentRange(ctx, id)
		if err != nil {
			return r, err
		}
		if err := r.expect("network_segment_range", id, in.Revision); err != nil {
			return r, err
		}
		before := r.Used
		set(&r.Name, in.Name)
		set(&r.Description, in.Description)
		set(&r.Min, in.Min)
		set(&r.Max, in.Max)
		if err := checkSegmentRange(r); err != nil {
			return r, err
		}
		if err := s.checkRangeAlone(ctx, r); err != nil {
			return r, err
		}
		for segment := range before {
			if segment < r.Min || segment > r.Max {
				return r, rangeInUse(r, segment)
			}
		}
		r.touch()
		if err := s.store.ChangeSegmentRange(ctx, r); err != nil {
			return r, err
		}
		if err := s.fillUsed(ctx, &r); err != nil {
			return r, err
		}
		return r, s.note(ctx, "network_segment_range", id, r.ProjectID, "updated")
	})
}

func rangeInUse(r SegmentRange, segment int) error {
	return fault.Conflictf("network_segment_range", r.ID, "Network segment range %s is referenced by one or more networks: segment %d is project %s's.",
		r.ID, segment, r.Used[segment]).WithCode("NetworkSegmentRangeReferencedByProject")
}

// DeleteSegmentRange deletes a range of which nothing is used.
func (s *Service) DeleteSegmentRange(ctx context.Context, _ *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		r, err := s.ShowSegmentRange(ctx, id)
		if err != nil {
			return err
		}
		if err := r.expect("network_segment_range", id, revision); err != nil {
			return err
		}
		for segment := range r.Used {
			return rangeInUse(r, segment)
		}
		if err := s.store.RemoveSegmentRange(ctx, id); err != nil {
			return err
		}
		return s.note(ctx, "network_segment_range", id, r.ProjectID, "deleted")
	})
}

// addNetwork writes a network; it chooses the segment of one that needs one and names none, of the project's own ranges
// first. Segments of Geneve are chosen only where there are ranges: OVN numbers its networks by itself.
func (s *Service) addNetwork(ctx context.Context, n *Network) error {
	if n.Provider.Kind == Flat || n.Provider.Segment != 0 {
		return s.store.AddNetwork(ctx, *n)
	}
	list, err := s.store.SegmentRanges(ctx, rangesOf(n.Provider.Kind, n.Provider.Physical))
	if err != nil {
		return err
	}
	if len(list) == 0 && n.Provider.Kind == VXLAN {
		list = []SegmentRange{{Kind: VXLAN, Min: 1, Max: mostTunnel}}
	}
	if len(list) == 0 && n.Provider.Kind == Geneve {
		return s.store.AddNetwork(ctx, *n)
	}
	free, err := s.freeSegments(ctx, n, list)
	if err != nil {
		return err
	}
	n.Provider.Segment = free[rand.N(len(free))]
	return s.store.AddNetwork(ctx, *n)
}

// freeSegments are some segments that a network may have: of the first range that has any. Transactions are serializable,
// so that of two which find the same one free and take it, one starts again.
func (s *Service) freeSegments(ctx context.Context, n *Network, list []SegmentRange) ([]int, error) {
	const some = 1024
	used, err := s.usedSegments(ctx, n.Provider.Kind, n.Provider.Physical)
	if err != nil {
		return nil, err
	}
	var own, shared []SegmentRange
	total := 0
	for _, r := range list {
		switch r.ProjectID {
		case n.ProjectID:
			own = append(own, r)
		case "":
			shared = append(shared, r)
		default:
			continue
		}
		total += r.Max - r.Min + 1
	}
	for _, r := range append(own, shared...) {
		var out []int
		for segment := r.Min; segment <= r.Max && len(out) < some; segment++ {
			if _, ok := used[segment]; !ok {
				out = append(out, segment)
			}
		}
		if len(out) > 0 {
			return out, nil
		}
	}
	where := n.Provider.Kind
	if n.Provider.Physical != "" {
		where += " on physical network " + n.Provider.Physical
	}
	why := fmt.Sprintf("there is no network segment range for %s", where)
	if total > 0 {
		why = fmt.Sprintf("%d of %d segments for %s are used", total, total, where)
	}
	return nil, fault.New(fault.Unavailable, "Unable to create the network. No tenant network is available for allocation: %s. Name a provider:segmentation_id, or have an admin add a network segment range.",
		why).WithCode("NoNetworkAvailable")
}
