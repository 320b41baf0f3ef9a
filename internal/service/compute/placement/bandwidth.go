package placement

import (
	"fmt"
	"maps"
	"slices"
)

// Rates are bandwidths in kbit/s, as a server's device sees them.
type Rates struct{ Egress, Ingress int }

func (r Rates) plus(o Rates) Rates { return Rates{r.Egress + o.Egress, r.Ingress + o.Ingress} }

// Link is a host's link to a physical network.
type Link struct {
	Kbps int // that it carries, either way
	Used Rates
}

// Bandwidth is the links of hosts whose speed is known. Place adds what it places to what is used, so that all requests of
// a batch share one.
type Bandwidth struct {
	Links map[string]map[string]Link // by host id and physical network
}

// take adds what a request is guaranteed to what is used of a host's links.
func (r *Request) take(hostID string) {
	for physical, rates := range r.Guaranteed {
		l := r.Bandwidth.Links[hostID][physical]
		l.Used = l.Used.plus(rates)
		r.Bandwidth.Links[hostID][physical] = l
	}
}

// withBandwidth says which link of a host can't carry what the server's ports are guaranteed.
func withBandwidth(h *Host, r *Request) Reason {
	if len(r.Guaranteed) == 0 {
		return none
	}
	for _, physical := range slices.Sorted(maps.Keys(r.Guaranteed)) {
		want := r.Guaranteed[physical]
		l, known := r.Bandwidth.Links[h.ID][physical]
		sum := l.Used.plus(want)
		switch {
		case !known:
			what := " link of known speed to the physical network " + physical
			return Reason{"has no" + what, "have no" + what}
		case sum.Egress > l.Kbps:
			return lackBandwidth(want.Egress, "to", physical)
		case sum.Ingress > l.Kbps:
			return lackBandwidth(want.Ingress, "from", physical)
		}
	}
	return none
}

func lackBandwidth(kbps int, way, physical string) Reason {
	what := fmt.Sprintf(" bandwidth: %d kbit/s %s the physical network %s can't be guaranteed", kbps, way, physical)
	return Reason{"lacks" + what, "lack" + what}
}
