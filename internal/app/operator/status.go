package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"syscall"
	"text/tabwriter"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/hypervisors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/app"
	"github.com/aloft-cloud/aloft/internal/core/config"
	"github.com/aloft-cloud/aloft/internal/host/engine"
)

func isBusy(err error) bool { return errors.Is(err, syscall.EBUSY) }

// Status is how the installation on this machine is.
type Status struct {
	PID     int            `json:"pid"` // of aloft; 0 if it does not run
	Version string         `json:"version,omitempty"`
	API     string         `json:"api"`     // its URL
	Answer  string         `json:"answer"`  // "ok", or why it does not answer
	Engines []engine.State `json:"engines"` // of this host
	Hosts   []HostStatus   `json:"hosts"`   // of the cloud
	Servers map[string]int `json:"servers"` // how many in each state
}

// HostStatus is a host as the control plane sees it.
type HostStatus struct {
	Name       string `json:"name"`
	State      string `json:"state"`
	VCPUsUsed  int    `json:"vcpus_used"`
	VCPUs      int    `json:"vcpus"`
	MemoryUsed int    `json:"memory_used_mib"`
	Memory     int    `json:"memory_mib"`
	Servers    int    `json:"servers"`
}

func statusCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{Use: "status", Args: cobra.NoArgs, Short: "Show what runs on this machine, the hosts and the servers; exit 1 if anything is amiss"}
	c := settings(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		st, err := readStatus(cmd.Context(), *c)
		if err != nil {
			return err
		}
		if output == "json" {
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetIndent("", "  ")
			err = enc.Encode(st)
		} else {
			err = st.table(cmd.OutOrStdout())
		}
		if err == nil && st.Answer != "ok" {
			err = fmt.Errorf("the API does not answer: %s (`aloft up` repairs)", st.Answer)
		}
		return err
	}
	return cmd
}

func readStatus(ctx context.Context, c config.Config) (Status, error) {
	st := Status{API: c.PublicURL, Answer: "ok"}
	var err error
	if st.PID, st.Version, err = newDaemon(c).running(); err != nil {
		return st, err
	}
	id, err := app.HostID(c.DataDir)
	if err != nil {
		return st, err
	}
	engines, err := app.Engines(c, id, slog.New(slog.DiscardHandler))
	if err != nil {
		return st, err
	}
	st.Engines = engines.Status(ctx)
	u := &Up{Config: c}
	if err := u.answers(ctx); err != nil {
		st.Answer = err.Error()
		return st, nil
	}
	admin, err := u.adminClients(ctx)
	if err != nil {
		return st, short(err)
	}
	list, err := pages(ctx, hypervisors.List(admin.compute, nil), hypervisors.ExtractHypervisors)
	if err != nil {
		return st, fmt.Errorf("listing the hosts: %w", short(err))
	}
	for _, h := range list {
		st.Hosts = append(st.Hosts, HostStatus{
			Name: h.HypervisorHostname, State: h.State, VCPUsUsed: h.VCPUsUsed, VCPUs: h.VCPUs,
			MemoryUsed: h.MemoryMBUsed, Memory: h.MemoryMB, Servers: h.RunningVMs,
		})
	}
	all, err := pages(ctx, servers.List(admin.compute, servers.ListOpts{AllTenants: true}), servers.ExtractServers)
	if err != nil {
		return st, fmt.Errorf("listing the servers: %w", short(err))
	}
	st.Servers = map[string]int{}
	for _, s := range all {
		st.Servers[s.Status]++
	}
	return st, nil
}

func (st Status) table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	row := func(cells string, args ...any) { fmt.Fprintf(w, cells+"\n", args...) }
	if st.PID == 0 {
		row("aloft\tdoes not run")
	} else {
		row("aloft\tpid %d\t%s", st.PID, st.Version)
	}
	row("API\t%s\t%s", st.API, st.Answer)
	for _, e := range st.Engines {
		state := "answers"
		if !e.Answer {
			state = "does not answer: " + e.Detail
		}
		whose := "was there before"
		if e.Ours {
			whose = "started by aloft"
		}
		row("%s\tpid %d\t%s\t%s", e.Name, e.PID, state, whose)
	}
	for _, h := range st.Hosts {
		row("host %s\t%s\t%d vCPUs on %d\t%d of %d MiB\t%d servers run", h.Name, h.State, h.VCPUsUsed, h.VCPUs, h.MemoryUsed, h.Memory, h.Servers)
	}
	for state, n := range st.Servers {
		row("servers %s\t%d", state, n)
	}
	return w.Flush()
}
