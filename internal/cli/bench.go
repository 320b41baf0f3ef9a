package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/cli/bench"
)

func benchCommand(o *options) *cobra.Command {
	return noun(o, "bench", "Put a load on a cloud, and tell how it bears it", benchServers(o))
}

// load is what the flags of `bench servers` say.
type load struct {
	plan     bench.Plan
	patience time.Duration
	file     string
}

func benchServers(o *options) *cobra.Command {
	l := &load{}
	c := verb(o, "servers", "Create many servers, list, show and delete them", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		return l.run(ctx, s)
	})
	c.Long = `Create many servers, list, show and delete them, and tell how long each took.

It works on every OpenStack cloud. A request makes one server with one port, or --multi of them. The servers' names begin
with the name of the run, and whatever ends it (Ctrl-C too) they are deleted, unless --keep says otherwise.

Times are those that the client sees. A server's time to ACTIVE ends with the answer that shows it ACTIVE; how often the
client looks is printed beside it. Whether the hypervisors are simulated only an administrator is told.

The project's quota has to allow for the servers and their ports, and the network needs as many addresses.`
	c.Example = `  aloft bench servers --count 1000
  aloft bench servers --count 10000 --concurrency 100 --json result.json
  aloft --os-cloud other bench servers --count 100 --image cirros --flavor m1.nano --network private`
	f := c.Flags()
	f.IntVar(&l.plan.Count, "count", 100, "how many servers")
	f.IntVar(&l.plan.Concurrency, "concurrency", 100, "how many clients create and delete at a time")
	f.IntVar(&l.plan.Multi, "multi", 1, "how many servers a request makes")
	f.StringVar(&l.plan.ImageName, "image", "", "the image to start from (default: the only one)")
	f.StringVar(&l.plan.FlavorName, "flavor", "", "the flavor (default: the one with the least memory)")
	f.StringVar(&l.plan.NetworkName, "network", "", `the network to be on, or "none" (default: the only one that is not outside)`)
	f.IntVar(&l.plan.Connections, "connections", 16, "how many clients show servers at a time")
	f.DurationVar(&l.plan.ReadFor, "read-for", 5*time.Second, "how long lists and shows are measured, each")
	f.BoolVar(&l.plan.Keep, "keep", false, "leave the servers there")
	f.DurationVar(&l.patience, "timeout", 5*time.Minute, "how long to wait while nothing changes")
	f.StringVar(&l.file, "json", "", "write the figures to a file too, as JSON")
	return c
}

func (l *load) run(ctx context.Context, s *session) error {
	for _, n := range []struct {
		flag  string
		value int
	}{{"count", l.plan.Count}, {"concurrency", l.plan.Concurrency}, {"multi", l.plan.Multi}, {"connections", l.plan.Connections}} {
		if n.value < 1 {
			return fmt.Errorf("--%s must be at least 1, not %d", n.flag, n.value)
		}
	}
	var file *os.File
	if l.file != "" { // an impossible name is told before the work and not after it
		var err error
		if file, err = os.Create(l.file); err != nil {
			return fmt.Errorf("opening the file of --json: %w", err)
		}
		defer file.Close()
	}
	compute, err := s.compute()
	if err != nil {
		return err
	}
	if err := l.resolve(ctx, s, compute); err != nil {
		return err
	}
	report, err := bench.Run(ctx, l.cloud(s, compute), l.plan, s.stages())
	if err := l.print(s, &report, file); err != nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("the run did not come to its end: %w", err)
	}
	if n := len(report.Errors); n > 0 {
		return fmt.Errorf("not all went well; the most frequent error of %d: %s", n, report.Errors[0].Message)
	}
	return nil
}

// cloud gives the load a way of its own to the API: connections enough, and nothing between it and them.
func (l *load) cloud(s *session, compute *gophercloud.ServiceClient) bench.Cloud {
	s.provider.UseTokenLock()
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true}
	if t, ok := s.provider.HTTPClient.Transport.(*http.Transport); ok && t.TLSClientConfig != nil {
		transport.TLSClientConfig = t.TLSClientConfig.Clone()
		transport.TLSClientConfig.NextProtos = []string{"http/1.1"} // that transport has used it for HTTP/2
	}
	transport.MaxIdleConnsPerHost = max(l.plan.Concurrency, l.plan.Connections) + 2
	return bench.Cloud{
		Compute: strings.TrimRight(compute.Endpoint, "/"), Microversion: computeVersion, Tokens: s.provider,
		HTTP: &http.Client{Transport: transport}, Message: message, Patience: l.patience,
	}
}

// resolve finds what the servers are made of.
func (l *load) resolve(ctx context.Context, s *session, compute *gophercloud.ServiceClient) error {
	imageClient, err := s.image()
	if err != nil {
		return err
	}
	image, err := l.image(ctx, imageClient)
	if err != nil {
		return err
	}
	flavor, err := l.flavor(ctx, compute)
	if err != nil {
		return err
	}
	p := &l.plan
	p.Image, p.ImageName, p.Flavor, p.FlavorName = image.ID, image.Name, flavor.ID, flavor.Name
	if p.NetworkName == "none" {
		return nil
	}
	networkClient, err := s.network()
	if err != nil {
		return err
	}
	network, err := l.network(ctx, networkClient)
	if err != nil {
		return err
	}
	p.Network, p.NetworkName = network.ID, network.Name
	return nil
}

func (l *load) image(ctx context.Context, c *gophercloud.ServiceClient) (*images.Image, error) {
	if l.plan.ImageName != "" {
		return findImage(ctx, c, l.plan.ImageName)
	}
	all, err := pages(ctx, images.List(c, images.ListOpts{Status: images.ImageStatusActive}), images.ExtractImages)
	if err != nil {
		return nil, err
	}
	return only("image", all, func(i images.Image) string { return i.Name })
}

func (l *load) flavor(ctx context.Context, c *gophercloud.ServiceClient) (*flavors.Flavor, error) {
	if l.plan.FlavorName != "" {
		return findFlavor(ctx, c, l.plan.FlavorName)
	}
	all, err := allFlavors(ctx, c, flavors.PublicAccess)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("there is no flavor; make one with `aloft flavor create`")
	}
	least := slices.MinFunc(all, func(a, b flavors.Flavor) int { return cmp.Or(a.RAM-b.RAM, a.Disk-b.Disk) })
	return &least, nil
}

func (l *load) network(ctx context.Context, c *gophercloud.ServiceClient) (*wholeNetwork, error) {
	if l.plan.NetworkName != "" {
		return findNetwork(ctx, c, l.plan.NetworkName)
	}
	all, err := listNetworks(ctx, c, networks.ListOpts{})
	if err != nil {
		return nil, err
	}
	inside := slices.DeleteFunc(all, func(n wholeNetwork) bool { return n.External })
	return only("network", inside, func(n wholeNetwork) string { return n.Name })
}

// only returns the one item that there is; where there are several, the user has to say which.
func only[T any](kind string, items []T, name func(T) string) (*T, error) {
	switch len(items) {
	case 0:
		return nil, fmt.Errorf("there is no %s that servers could use", kind)
	case 1:
		return &items[0], nil
	}
	names := make([]string, len(items))
	for k, item := range items {
		names[k] = name(item)
	}
	slices.Sort(names)
	return nil, fmt.Errorf("there are %d %ss; say which with --%s: %s", len(items), kind, kind, strings.Join(names, ", "))
}

// stages prints how far a run is, over and over on one line, where somebody watches.
func (s *session) stages() func(bench.Stage) {
	file, ok := s.err.(*os.File)
	if !ok {
		return func(bench.Stage) {}
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func(bench.Stage) {}
	}
	var last time.Time
	var phase string
	return func(g bench.Stage) {
		if g.Phase == phase && time.Since(last) < 200*time.Millisecond {
			return
		}
		last, phase = time.Now(), g.Phase
		line := g.Phase
		if g.Of > 0 {
			line += fmt.Sprintf("  %d of %d", g.Done, g.Of)
		}
		if g.Failed > 0 {
			line += fmt.Sprintf(", %d failed", g.Failed)
		}
		fmt.Fprintf(file, "\r\x1b[K%s", line)
	}
}

func (l *load) print(s *session, r *bench.Report, file *os.File) error {
	if _, watched := s.err.(*os.File); watched {
		fmt.Fprint(s.err, "\r")
	}
	if file != nil {
		if err := writeJSON(file, r); err != nil {
			return fmt.Errorf("writing the file of --json: %w", err)
		}
		if err := file.Close(); err != nil {
			return fmt.Errorf("writing the file of --json: %w", err)
		}
	}
	if s.format == "json" {
		return s.json(r)
	}
	return benchTable(s.out, r)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
