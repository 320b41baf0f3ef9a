package protocol

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Bandwidth is how much a host's links to physical networks carry, either way, in kbit/s: "dc=10000000,outside=1000000". A
// network that it does not name is one to which the host has no link of a known speed. It is a text, so that what a host
// says of itself can be compared.
type Bandwidth string

// NewBandwidth writes the bandwidths of physical networks.
func NewBandwidth(kbps map[string]int) Bandwidth {
	var out []string
	for _, physical := range slices.Sorted(maps.Keys(kbps)) {
		out = append(out, fmt.Sprintf("%s=%d", physical, kbps[physical]))
	}
	return Bandwidth(strings.Join(out, ","))
}

// Of returns the bandwidths of physical networks.
func (b Bandwidth) Of() map[string]int {
	out := map[string]int{}
	for link := range strings.SplitSeq(string(b), ",") {
		at := strings.LastIndex(link, "=")
		if at < 0 {
			continue
		}
		if kbps, err := strconv.Atoi(link[at+1:]); err == nil && kbps > 0 {
			out[link[:at]] = kbps
		}
	}
	return out
}
