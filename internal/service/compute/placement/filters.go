package placement

import (
	"maps"
	"slices"
	"strings"
)

// kindFilter says why no host of a kind can take a server; none if one could.
type kindFilter func(k *Kind, m Metadata, r *Request) Reason

// hostFilter says why one host can't take a server, whatever is free on it.
type hostFilter func(h *Host, r *Request) Reason

// kindFilters are asked in their order; the first reason is the one that is told.
var kindFilters = []kindFilter{inZone, inCondition, ofArch, ofHypervisor, forProject, ofCapabilities, ofAggregates, ofTraits}

// hostFilters are asked of hosts whose kind is right. Which host it is comes before what happened there.
var hostFilters = []hostFilter{isHost, notTried, onSameHost, onDifferentHost, withGroup, withBandwidth}

func inZone(k *Kind, _ Metadata, r *Request) Reason {
	return when(r.Zone != "" && r.Zone != k.Zone, otherZone)
}

func inCondition(k *Kind, _ Metadata, _ *Request) Reason {
	switch k.Condition {
	case Disabled:
		return disabled
	case Maintenance:
		return maintained
	case Lost:
		return lost
	}
	return none
}

func ofArch(k *Kind, _ Metadata, r *Request) Reason {
	return when(r.Arch != "" && r.Arch != k.Arch, Reason{"is not of architecture " + r.Arch, "are not of architecture " + r.Arch})
}

func ofHypervisor(k *Kind, _ Metadata, r *Request) Reason {
	can := r.HypervisorType == "" || r.HypervisorType == "qemu" || r.HypervisorType == k.Acceleration
	return when(!can, Reason{"has no hypervisor of type " + r.HypervisorType, "have no hypervisor of type " + r.HypervisorType})
}

// tenantKey is where an aggregate names the projects that alone may use its hosts.
const tenantKey = "filter_tenant_id"

// forProject keeps the hosts of an aggregate for the projects that its metadata names; the key may have an ending, as
// one value has a length.
func forProject(_ *Kind, m Metadata, r *Request) Reason {
	kept := false
	for key, values := range m {
		if strings.HasPrefix(key, tenantKey) {
			kept = true
			if slices.Contains(values, r.ProjectID) {
				return none
			}
		}
	}
	return when(kept, otherProject)
}

// ofCapabilities holds a host against the specs that begin with "capabilities:".
func ofCapabilities(k *Kind, _ Metadata, r *Request) Reason {
	for _, key := range inOrder(r.Specs) {
		want := r.Specs[key]
		name, ours := strings.CutPrefix(key, "capabilities:")
		if !ours {
			continue
		}
		if !matches(k.capability(name), want) {
			return Reason{"lacks the capability " + name + " " + want, "lack the capability " + name + " " + want}
		}
	}
	return none
}

// capability is what a host says of itself; empty for what it does not.
func (k *Kind) capability(name string) string {
	switch name {
	case "hypervisor_type":
		return "QEMU"
	case "cpu_info:arch", "arch":
		return archName(k.Arch)
	}
	return ""
}

// aggregateScope is the beginning of specs that are for aggregates.
const aggregateScope = "aggregate_instance_extra_specs:"

// ofAggregates holds the metadata of a host's aggregates against the specs that are for aggregates: those that say so,
// and those without any scope.
func ofAggregates(_ *Kind, m Metadata, r *Request) Reason {
	for _, key := range inOrder(r.Specs) {
		want := r.Specs[key]
		name, ours := strings.CutPrefix(key, aggregateScope)
		if !ours && strings.Contains(key, ":") {
			continue
		}
		if !slices.ContainsFunc(m[name], func(v string) bool { return matches(v, want) }) {
			return Reason{"is in no aggregate with " + name + " " + want, "are in no aggregate with " + name + " " + want}
		}
	}
	return none
}

// ofTraits holds the traits that image and flavor require and forbid against those that aggregates give their hosts.
func ofTraits(_ *Kind, m Metadata, r *Request) Reason {
	for _, trait := range inOrder(r.Traits) {
		word := r.Traits[trait]
		has := slices.Contains(m["trait:"+trait], "required")
		switch {
		case word == "required" && !has:
			return Reason{"lacks the trait " + trait, "lack the trait " + trait}
		case word == "forbidden" && has:
			return Reason{"has the trait " + trait, "have the trait " + trait}
		}
	}
	return none
}

// inOrder returns the keys of m in an order, so that the same reason is told each time.
func inOrder(m map[string]string) []string {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}

func isHost(h *Host, r *Request) Reason {
	return when(r.Host != "" && r.Host != h.Name && r.Host != h.ID, otherHost)
}

func notTried(h *Host, r *Request) Reason { return when(slices.Contains(r.Tried, h.ID), failedIt) }

func onSameHost(h *Host, r *Request) Reason {
	return when(len(r.SameHost) > 0 && !slices.Contains(r.SameHost, h.ID), notSameHost)
}

func onDifferentHost(h *Host, r *Request) Reason {
	return when(slices.Contains(r.DifferentHost, h.ID), notDifferent)
}

func withGroup(h *Host, r *Request) Reason {
	switch r.policy() {
	case Affinity:
		return when(len(r.Group.Hosts) > 0 && r.members(h.ID) == 0, noMember)
	case AntiAffinity:
		return when(r.members(h.ID) >= max(r.Group.MaxPerHost, 1), hasMember)
	}
	return none
}

func capacity(h *Host, r *Request) Reason {
	switch {
	case h.Free.MemoryMiB < r.Size.MemoryMiB:
		return lackMemory
	case h.Free.VCPUs < r.Size.VCPUs:
		return lackVCPUs
	}
	return when(h.Free.DiskGiB < r.Size.DiskGiB, lackDisk)
}
