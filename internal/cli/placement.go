package cli

import (
	"context"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/hypervisors"
	"github.com/spf13/cobra"
)

func placementCommand(o *options) *cobra.Command {
	return noun(o, "placement", "Placement: which hosts take servers (for administrators)", placementShow(o), placementSet(o), placementMaintain(o))
}

// tuning is how servers are placed.
type tuning struct {
	CPURatio       *float64 `json:"cpu_allocation_ratio,omitempty"`
	MemoryRatio    *float64 `json:"ram_allocation_ratio,omitempty"`
	DiskRatio      *float64 `json:"disk_allocation_ratio,omitempty"`
	ReservedMemory *int     `json:"reserved_host_memory_mb,omitempty"`
	Strategy       string   `json:"strategy,omitempty"`
}

type tuningBody struct {
	Placement tuning `json:"placement"`
}

const tuningPath = "settings/placement"

func (s *session) showTuning(t tuning) error {
	return show(s, t, []column[tuning]{
		{"strategy", func(t tuning) any { return t.Strategy }},
		{"cpu_allocation_ratio", func(t tuning) any { return *t.CPURatio }},
		{"ram_allocation_ratio", func(t tuning) any { return *t.MemoryRatio }},
		{"disk_allocation_ratio", func(t tuning) any { return *t.DiskRatio }},
		{"reserved_host_memory_mb", func(t tuning) any { return *t.ReservedMemory }},
	})
}

func placementShow(o *options) *cobra.Command {
	return verb(o, "show", "Show how servers are placed", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.own()
		if err != nil {
			return err
		}
		var out tuningBody
		if err := call(ctx, c, http.MethodGet, tuningPath, nil, &out); err != nil {
			return err
		}
		return s.showTuning(out.Placement)
	})
}

func placementSet(o *options) *cobra.Command {
	var cpu, memory, disk float64
	var reserved int
	var in tuningBody
	var c *cobra.Command
	c = verb(o, "set", "Change how servers are placed; those that are placed stay where they are", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		given := c.Flags().Changed
		for _, f := range []struct {
			flag string
			to   **float64
			from *float64
		}{
			{"cpu-ratio", &in.Placement.CPURatio, &cpu}, {"ram-ratio", &in.Placement.MemoryRatio, &memory}, {"disk-ratio", &in.Placement.DiskRatio, &disk},
		} {
			if given(f.flag) {
				*f.to = f.from
			}
		}
		if given("reserved-memory") {
			in.Placement.ReservedMemory = &reserved
		}
		own, err := s.own()
		if err != nil {
			return err
		}
		var out tuningBody
		if err := call(ctx, own, http.MethodPut, tuningPath, in, &out); err != nil {
			return err
		}
		return s.showTuning(out.Placement)
	})
	c.Flags().Float64Var(&cpu, "cpu-ratio", 0, "virtual processors per processor")
	c.Flags().Float64Var(&memory, "ram-ratio", 0, "memory of servers per memory of the host")
	c.Flags().Float64Var(&disk, "disk-ratio", 0, "disk of servers per disk of the host")
	c.Flags().IntVar(&reserved, "reserved-memory", 0, "MiB that each host keeps for itself")
	c.Flags().StringVar(&in.Placement.Strategy, "strategy", "", "spread servers over all hosts, or pack them on few")
	return c
}

func placementMaintain(o *options) *cobra.Command {
	var off bool
	c := verb(o, "maintain HOST...", "Take hosts into maintenance: no new server is placed on them, those that are there stay", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		compute, err := s.compute()
		if err != nil {
			return err
		}
		own, err := s.own()
		if err != nil {
			return err
		}
		return each(args, func(ref string) error {
			host, err := findHost(ctx, compute, ref)
			if err != nil {
				return err
			}
			return call(ctx, own, http.MethodPut, "hosts/"+host.ID+"/maintenance", map[string]any{"maintenance": !off}, nil)
		})
	})
	c.Flags().BoolVar(&off, "end", false, "take them out of maintenance")
	return c
}

func findHost(ctx context.Context, c *gophercloud.ServiceClient, ref string) (*hypervisors.Hypervisor, error) {
	return finder[hypervisors.Hypervisor]{
		kind: "host",
		list: func(string) ([]hypervisors.Hypervisor, error) {
			return pages(ctx, hypervisors.List(c, nil), hypervisors.ExtractHypervisors)
		},
		id:   func(h hypervisors.Hypervisor) string { return h.ID },
		name: func(h hypervisors.Hypervisor) string { return h.HypervisorHostname },
	}.find(ref)
}
