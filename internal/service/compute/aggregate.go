package compute

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

// Aggregate is a set of hosts that have something in common, which its metadata tells: their zone, how much they are
// overcommitted, or what flavors may ask for. A host may be in several.
type Aggregate struct {
	Number    int64 // by which the API knows it
	ID, Name  string
	Metadata  map[string]string
	Hosts     []string // ids
	Revision  int64
	CreatedAt time.Time
	UpdatedAt *time.Time
}

// Metadata of aggregates that means something to Aloft.
const (
	metaZone        = "availability_zone"
	metaCPURatio    = "cpu_allocation_ratio"
	metaMemoryRatio = "ram_allocation_ratio"
	metaDiskRatio   = "disk_allocation_ratio"
)

// Zone is the zone of the aggregate's hosts; empty if it is none.
func (a *Aggregate) Zone() string { return a.Metadata[metaZone] }

// aggregated is what the aggregates of a host make of it together.
type aggregated struct {
	key      string // placement.Kind.Aggregates
	metadata placement.Metadata
	tuning   Tuning
}

// combine joins aggregates, in the order of their numbers.
func combine(aggregates []*Aggregate, t Tuning) aggregated {
	out := aggregated{metadata: placement.Metadata{}, tuning: t}
	numbers := make([]string, len(aggregates))
	for i, a := range aggregates {
		numbers[i] = strconv.FormatInt(a.Number, 10)
		for _, key := range slices.Sorted(maps.Keys(a.Metadata)) {
			for value := range strings.SplitSeq(a.Metadata[key], ",") {
				if value = strings.TrimSpace(value); !slices.Contains(out.metadata[key], value) {
					out.metadata[key] = append(out.metadata[key], value)
				}
			}
		}
	}
	out.key = strings.Join(numbers, ",")
	least(&out.tuning.CPURatio, out.metadata[metaCPURatio])
	least(&out.tuning.MemoryRatio, out.metadata[metaMemoryRatio])
	least(&out.tuning.DiskRatio, out.metadata[metaDiskRatio])
	return out
}

// least replaces a ratio by the least of those that aggregates ask for.
func least(ratio *float64, values []string) {
	found := false
	for _, v := range values {
		n, err := strconv.ParseFloat(v, 64)
		if err == nil && n > 0 && (!found || n < *ratio) { // others are refused when the metadata is set
			*ratio, found = n, true
		}
	}
}

// combinations are what the aggregates make of hosts, by host id, each set of aggregates once.
func combinations(aggregates []Aggregate, t Tuning) map[string]*aggregated {
	of := map[string][]*Aggregate{}
	for i := range aggregates {
		for _, id := range aggregates[i].Hosts {
			of[id] = append(of[id], &aggregates[i])
		}
	}
	sets := map[string]*aggregated{}
	out := make(map[string]*aggregated, len(of))
	for id, list := range of {
		slices.SortFunc(list, func(a, b *Aggregate) int { return int(a.Number - b.Number) })
		var key strings.Builder
		for _, a := range list {
			key.WriteString(strconv.FormatInt(a.Number, 10) + ",")
		}
		set := sets[key.String()]
		if set == nil {
			joined := combine(list, t)
			set = &joined
			sets[key.String()] = set
		}
		out[id] = set
	}
	return out
}
