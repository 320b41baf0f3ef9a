package cli

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/spf13/cobra"
)

func serverCommand(o *options) *cobra.Command {
	return noun(o, "server", "Servers: virtual machines",
		serverList(o), serverShow(o), serverCreate(o), serverDelete(o),
		serverPower(o, "start", "Start servers", "ACTIVE", startServer),
		serverPower(o, "stop", "Shut servers down", "SHUTOFF", stopServer),
		serverReboot(o), serverSSH(o), serverExplain(o))
}

func serverList(o *options) *cobra.Command {
	var opts servers.ListOpts
	c := verb(o, "list", "List servers", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.compute()
		if err != nil {
			return err
		}
		items, err := pages(ctx, servers.List(c, opts), servers.ExtractServers)
		if err != nil {
			return err
		}
		names, err := s.imageNames(ctx)
		if err != nil {
			return err
		}
		columns := serverColumns(names)
		if opts.AllTenants {
			columns = append(columns, column[servers.Server]{"project", func(s servers.Server) any { return s.TenantID }})
		}
		return list(s, items, columns)
	})
	c.Flags().BoolVar(&opts.AllTenants, "all-projects", false, "those of every project (for administrators)")
	c.Flags().StringVar(&opts.Status, "status", "", "only those in this state, e.g. ACTIVE")
	return c
}

func serverColumns(imageNames map[string]string) []column[servers.Server] {
	return []column[servers.Server]{
		{"id", func(s servers.Server) any { return s.ID }},
		{"name", func(s servers.Server) any { return s.Name }},
		{"status", func(s servers.Server) any { return s.Status }},
		{"addresses", func(s servers.Server) any { return addressList(s) }},
		{"image", func(s servers.Server) any { return imageOf(s, imageNames) }},
		{"flavor", func(s servers.Server) any { return flavorOf(s) }},
	}
}

func serverShow(o *options) *cobra.Command {
	return verb(o, "show SERVER", "Show a server", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.compute()
		if err != nil {
			return err
		}
		server, err := findServer(ctx, c, args[0])
		if err != nil {
			return err
		}
		return s.showServer(ctx, server)
	})
}

func (s *session) showServer(ctx context.Context, server *servers.Server) error {
	names, err := s.imageNames(ctx)
	if err != nil {
		return err
	}
	columns := append(serverColumns(names), []column[servers.Server]{
		{"task", func(s servers.Server) any { return s.TaskState }},
		{"fault", func(s servers.Server) any { return s.Fault.Message }},
		{"key", func(s servers.Server) any { return s.KeyName }},
		{"security_groups", func(s servers.Server) any { return groupNames(s) }},
		{"availability_zone", func(s servers.Server) any { return s.AvailabilityZone }},
		{"host", func(s servers.Server) any { return s.HypervisorHostname }},
		{"metadata", func(s servers.Server) any { return s.Metadata }},
		{"project", func(s servers.Server) any { return s.TenantID }},
		{"created", func(s servers.Server) any { return s.Created }},
		{"updated", func(s servers.Server) any { return s.Updated }},
	}...)
	return show(s, *server, columns)
}

// plainName is what means itself both to services that match names by patterns and to those that do not.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func findServer(ctx context.Context, c *gophercloud.ServiceClient, ref string) (*servers.Server, error) {
	return findServerOf(ctx, c, ref, false)
}

// findServerOf is findServer in every project, if all is set.
func findServerOf(ctx context.Context, c *gophercloud.ServiceClient, ref string, all bool) (*servers.Server, error) {
	return finder[servers.Server]{
		kind: "server",
		get:  func(id string) (*servers.Server, error) { return servers.Get(ctx, c, id).Extract() },
		list: func(name string) ([]servers.Server, error) {
			if !plainName.MatchString(name) {
				name = ""
			}
			return pages(ctx, servers.List(c, servers.ListOpts{Name: name, AllTenants: all}), servers.ExtractServers)
		},
		id:   func(s servers.Server) string { return s.ID },
		name: func(s servers.Server) string { return s.Name },
	}.find(ref)
}

// address is one address of a server.
type address struct {
	network, ip string
	version     int
	floating    bool
}

// addresses are a server's, floating ones first, then in the order of the networks' names.
func addresses(s servers.Server) []address {
	var out []address
	for network, list := range s.Addresses {
		entries, _ := list.([]any)
		for _, e := range entries {
			m, _ := e.(map[string]any)
			ip, _ := m["addr"].(string)
			version, _ := m["version"].(float64)
			out = append(out, address{network, ip, int(version), m["OS-EXT-IPS:type"] == "floating"})
		}
	}
	slices.SortStableFunc(out, func(a, b address) int {
		if a.floating != b.floating {
			if a.floating {
				return -1
			}
			return 1
		}
		return strings.Compare(a.network, b.network)
	})
	return out
}

func addressList(s servers.Server) []string {
	out := []string{}
	for _, a := range addresses(s) {
		out = append(out, a.network+"="+a.ip)
	}
	return out
}

func groupNames(s servers.Server) []string {
	out := []string{}
	for _, g := range s.SecurityGroups {
		out = append(out, fmt.Sprint(g["name"]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func imageOf(s servers.Server, names map[string]string) string {
	id, _ := s.Image["id"].(string)
	if name := names[id]; name != "" {
		return name
	}
	return id
}

func flavorOf(s servers.Server) string {
	for _, key := range []string{"original_name", "id"} {
		if v, ok := s.Flavor[key].(string); ok {
			return v
		}
	}
	return ""
}

func serverDelete(o *options) *cobra.Command {
	var wait waiting
	c := verb(o, "delete SERVER...", "Delete servers", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.compute()
		if err != nil {
			return err
		}
		return each(args, func(ref string) error {
			server, err := findServer(ctx, c, ref)
			if err != nil {
				return err
			}
			if err := servers.Delete(ctx, c, server.ID).ExtractErr(); err != nil {
				return err
			}
			return wait.gone(ctx, s, c, server)
		})
	})
	wait.flags(c)
	return c
}

func startServer(ctx context.Context, c *gophercloud.ServiceClient, id string) error {
	return servers.Start(ctx, c, id).ExtractErr()
}

func stopServer(ctx context.Context, c *gophercloud.ServiceClient, id string) error {
	return servers.Stop(ctx, c, id).ExtractErr()
}

func serverPower(
	o *options, name, short, state string, act func(context.Context, *gophercloud.ServiceClient, string) error,
) *cobra.Command {
	var wait waiting
	c := verb(o, name+" SERVER...", short, cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.compute()
		if err != nil {
			return err
		}
		return each(args, func(ref string) error {
			server, err := findServer(ctx, c, ref)
			if err != nil {
				return err
			}
			if err := act(ctx, c, server.ID); err != nil {
				return err
			}
			return wait.until(ctx, s, c, server.ID, state)
		})
	})
	wait.flags(c)
	return c
}

func serverReboot(o *options) *cobra.Command {
	hard := false
	c := serverPower(o, "reboot", "Reboot servers", "ACTIVE", func(ctx context.Context, c *gophercloud.ServiceClient, id string) error {
		how := servers.SoftReboot
		if hard {
			how = servers.HardReboot
		}
		return servers.Reboot(ctx, c, id, servers.RebootOpts{Type: how}).ExtractErr()
	})
	c.Flags().BoolVar(&hard, "hard", false, "cut the power, without asking the guest")
	return c
}

// waiting is the flags of verbs that can wait for what they have begun.
type waiting struct {
	wait    bool
	timeout time.Duration
}

func (w *waiting) flags(c *cobra.Command) {
	c.Flags().BoolVar(&w.wait, "wait", false, "wait until it is done")
	c.Flags().DurationVar(&w.timeout, "timeout", 5*time.Minute, "how long to wait")
}
