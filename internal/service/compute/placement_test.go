package compute

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

func TestHostAsPlacementSeesIt(t *testing.T) {
	tuning := Tuning{CPURatio: 16, MemoryRatio: 1, DiskRatio: 4, ReservedMemoryMiB: 512}
	aggregates := []Aggregate{
		{Number: 10, Hosts: []string{"h", "other"}, Metadata: map[string]string{"cpu_allocation_ratio": "2", "disk_allocation_ratio": "1.5", "ssd": "true, fast"}},
		{Number: 2, Hosts: []string{"h"}, Metadata: map[string]string{"cpu_allocation_ratio": "4", "ram_allocation_ratio": "1.5", "ssd": "true"}},
	}
	h := Host{
		Host: protocol.Host{ID: "h", Name: "one", Arch: "amd64", Acceleration: "kvm", Capacity: protocol.Capacity{VCPUs: 4, MemoryMiB: 4096 + 512, DiskGiB: 100}},
		Zone: "nova", Used: Resources{1, 1024, 10},
	}
	for _, tc := range []struct {
		name   string
		change func(h *Host)
		up     bool
		want   placement.Host
	}{
		{"in both", func(*Host) {}, true, placement.Host{
			Kind:   placement.Kind{Condition: placement.Ready, Aggregates: "2,10"},
			Limits: placement.Resources{VCPUs: 8, MemoryMiB: 6144, DiskGiB: 150},
		}},
		{"in one", func(h *Host) { h.ID = "other" }, true, placement.Host{
			Kind:   placement.Kind{Condition: placement.Ready, Aggregates: "10"},
			Limits: placement.Resources{VCPUs: 8, MemoryMiB: 4096, DiskGiB: 150},
		}},
		{"in none", func(h *Host) { h.ID = "third" }, false, placement.Host{
			Kind:   placement.Kind{Condition: placement.Lost},
			Limits: placement.Resources{VCPUs: 64, MemoryMiB: 4096, DiskGiB: 400},
		}},
		{"disabled", func(h *Host) { h.ID, h.Disabled = "third", true }, false, placement.Host{
			Kind:   placement.Kind{Condition: placement.Disabled},
			Limits: placement.Resources{VCPUs: 64, MemoryMiB: 4096, DiskGiB: 400},
		}},
		{"in maintenance", func(h *Host) { h.ID, h.Disabled, h.Maintenance = "third", true, true }, false, placement.Host{
			Kind:   placement.Kind{Condition: placement.Maintenance},
			Limits: placement.Resources{VCPUs: 64, MemoryMiB: 4096, DiskGiB: 400},
		}},
		{"too small for its reserve", func(h *Host) { h.ID, h.Capacity.MemoryMiB = "third", 500 }, true, placement.Host{
			Kind:   placement.Kind{Condition: placement.Ready},
			Limits: placement.Resources{VCPUs: 64, DiskGiB: 400},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := h
			tc.change(&h)
			tc.want.Zone, tc.want.Arch, tc.want.Acceleration, tc.want.ID, tc.want.Name = "nova", "amd64", "kvm", h.ID, "one"
			tc.want.Free = placement.Resources{VCPUs: tc.want.Limits.VCPUs - 1, MemoryMiB: tc.want.Limits.MemoryMiB - 1024, DiskGiB: tc.want.Limits.DiskGiB - 10}
			of := combinations(aggregates, tuning)[h.ID]
			require.Empty(t, cmp.Diff(tc.want, h.view(of, tuning, tc.up)))
		})
	}
	require.Equal(t, map[string]placement.Metadata{
		"2,10": {"cpu_allocation_ratio": {"4", "2"}, "ram_allocation_ratio": {"1.5"}, "disk_allocation_ratio": {"1.5"}, "ssd": {"true", "fast"}},
		"10":   {"cpu_allocation_ratio": {"2"}, "disk_allocation_ratio": {"1.5"}, "ssd": {"true", "fast"}},
	}, metadataBySet(combinations(aggregates, tuning)))
}

func TestWhatAServerAsks(t *testing.T) {
	sv := Server{
		Size: Resources{1, 2, 3}, ProjectID: "p", PinnedZone: "z", PinnedHost: "h", Tried: []string{"t"},
		Flavor: FlavorCopy{Specs: map[string]string{"ssd": "true", "trait:A": "required", "trait:B": "required"}},
		Image: Image{Properties: placing(map[string]string{
			"architecture": "i686", "hw_architecture": "aarch64", "hypervisor_type": "KVM", "trait:B": "forbidden", "os_distro": "debian",
		})},
	}
	require.Equal(t, placement.Request{
		Size: placement.Resources{VCPUs: 1, MemoryMiB: 2, DiskGiB: 3}, ProjectID: "p", Zone: "z", Host: "h", Tried: []string{"t"},
		Arch: "arm64", HypervisorType: "kvm", Specs: sv.Flavor.Specs, Traits: map[string]string{"A": "required", "B": "forbidden"},
	}, sv.request())
	require.NotContains(t, sv.Image.Properties, "os_distro")
	require.Nil(t, placing(map[string]string{"os_distro": "debian"}))
}

func TestTuningIsChecked(t *testing.T) {
	good := Defaults().Tuning
	require.NoError(t, good.check())
	for _, spoil := range []func(*Tuning){
		func(t *Tuning) { t.CPURatio = 0 }, func(t *Tuning) { t.MemoryRatio = -1 }, func(t *Tuning) { t.DiskRatio = 1001 },
		func(t *Tuning) { t.ReservedMemoryMiB = -1 }, func(t *Tuning) { t.ReservedMemoryMiB = 1<<20 + 1 },
	} {
		bad := good
		spoil(&bad)
		require.Error(t, bad.check())
	}
}

func TestControlNodesTellOneAnotherOfHosts(t *testing.T) {
	s := &Service{node: "me", changes: changes{hosts: map[string]struct{}{}}}
	for _, data := range []string{`{"origin":"other","hosts":["a","b"]}`, `{"origin":"me","hosts":["c"],"all":true}`, `{"origin":"other","hosts":["b"]}`, `nonsense`} {
		s.hearOfHosts(event.Event{Type: hostsChanged, Data: []byte(data)})
	}
	ids, all := s.changes.take()
	require.ElementsMatch(t, []string{"a", "b"}, ids)
	require.False(t, all)
	s.hearOfHosts(event.Event{Type: hostsChanged, Data: []byte(`{"origin":"other","all":true}`)})
	ids, all = s.changes.take()
	require.Empty(t, ids)
	require.True(t, all)
	_, all = s.changes.take()
	require.False(t, all, "each change is taken once")
}

func TestAPictureIsDrawnAgainForARefusalOnlySoOften(t *testing.T) {
	now := time.Now()
	p := picture{drawn: now.Add(-2 * time.Second), cost: 10 * time.Millisecond}
	require.True(t, p.stale(now))
	p.cost = time.Second
	require.False(t, p.stale(now), "it takes long")
	p.drawn = now.Add(-21 * time.Second)
	require.True(t, p.stale(now))
}
