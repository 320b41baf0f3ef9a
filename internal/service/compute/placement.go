package compute

import (
	"maps"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

// Hints are what a user asks of a server's host beside its zone: other servers, by id.
type Hints struct {
	SameHost      []string `json:",omitempty"` // on the host of one of them
	DifferentHost []string `json:",omitempty"` // on the host of none of them
}

func (h Hints) servers() []string {
	return append(h.SameHost[:len(h.SameHost):len(h.SameHost)], h.DifferentHost...)
}

// Placement is what the last attempt to place a server saw.
type Placement struct {
	ServerID, ProjectID string
	At                  time.Time
	HostName            string // that was chosen; empty where there was none, or for those who may not know
	Placed              bool
	Report              placement.Report
}

// Properties of images that say where they can run, the newer name first.
var (
	archProperties       = []string{"hw_architecture", "architecture"}
	hypervisorProperties = []string{"img_hv_type", "hypervisor_type"}
)

const traitPrefix = "trait:"

// placing are the properties of an image that placement reads; a server keeps no others.
func placing(properties map[string]string) map[string]string {
	var out map[string]string
	keep := func(key string) {
		if v, ok := properties[key]; ok {
			if out == nil {
				out = map[string]string{}
			}
			out[key] = v
		}
	}
	for _, list := range [][]string{archProperties, hypervisorProperties} {
		for _, key := range list {
			keep(key)
		}
	}
	for key := range properties {
		if strings.HasPrefix(key, traitPrefix) {
			keep(key)
		}
	}
	return out
}

// request is what the server itself asks of a host; its group and hints are looked up by who places it.
func (s *Server) request() placement.Request {
	return placement.Request{
		Size: placement.Resources(s.Size), ProjectID: s.ProjectID, Zone: s.PinnedZone, Host: s.PinnedHost, Tried: s.Tried,
		Arch:           placement.Arch(property(s.Image.Properties, archProperties)),
		HypervisorType: strings.ToLower(property(s.Image.Properties, hypervisorProperties)),
		Specs:          s.Flavor.Specs, Traits: traits(s.Flavor.Specs, s.Image.Properties),
	}
}

func property(properties map[string]string, names []string) string {
	for _, name := range names {
		if v := properties[name]; v != "" {
			return v
		}
	}
	return ""
}

// traits are those that the maps ask for; what the image says holds where both say something.
func traits(sources ...map[string]string) map[string]string {
	var out map[string]string
	for _, m := range sources {
		for key, word := range m {
			if trait, ok := strings.CutPrefix(key, traitPrefix); ok {
				if out == nil {
					out = map[string]string{}
				}
				out[trait] = word
			}
		}
	}
	return out
}

// view is a host as placement sees it, with what its aggregates make of it.
func (h *Host) view(of *aggregated, t Tuning, up bool) placement.Host {
	kind := placement.Kind{
		Condition: h.condition(up), Zone: h.Zone, Arch: h.Arch, Acceleration: h.Acceleration,
	}
	if of != nil {
		kind.Aggregates, t = of.key, of.tuning
	}
	limits := h.limits(t)
	return placement.Host{
		Kind: kind, ID: h.ID, Name: h.Name,
		Limits: placement.Resources(limits), Free: placement.Resources(limits.plus(h.Used, -1)),
	}
}

// condition tells whether servers may be placed on the host. What an operator has decided comes first.
func (h *Host) condition(up bool) placement.Condition {
	switch {
	case h.Maintenance:
		return placement.Maintenance
	case h.Disabled:
		return placement.Disabled
	case !up:
		return placement.Lost
	}
	return placement.Ready
}

// metadataBySet is the metadata of aggregates by placement.Kind.Aggregates.
func metadataBySet(byHost map[string]*aggregated) map[string]placement.Metadata {
	out := map[string]placement.Metadata{}
	for a := range maps.Values(byHost) {
		out[a.key] = a.metadata
	}
	return out
}
