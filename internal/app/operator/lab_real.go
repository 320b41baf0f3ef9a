package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/services"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/aloft-cloud/aloft/internal/app/lab/real"
	"github.com/aloft-cloud/aloft/internal/core/config"
)

// realDir is where a laboratory of real hosts is that is given no other folder.
const realDir = "/var/lib/aloft-lab"

// hostPatience is how long a host may take to start its engines and report; several start at once.
const hostPatience = 10 * time.Minute

// RealLab makes a cloud of real hosts on this machine. It may be run again at any moment: it repairs and continues.
type RealLab struct {
	Lab     real.Lab
	Hosts   int
	Image   string // a test image that is built already; empty: build one
	Version string
	Out     io.Writer
	Live    bool
}

// Run makes what is missing, and tells it step by step.
func (r *RealLab) Run(ctx context.Context) error {
	if err := needRoot("lab --real"); err != nil {
		return err
	}
	if r.Hosts < 1 || r.Hosts > real.MaxHosts {
		return fmt.Errorf("--real must be from 1 to %d, but is %d", real.MaxHosts, r.Hosts)
	}
	dir, err := filepath.Abs(r.Lab.Dir)
	if err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	r.Lab.Dir = dir
	s := newSteps(r.Out, r.Live)
	fmt.Fprintf(r.Out, "Aloft %s: a laboratory of %d real hosts on %s\n", r.Version, r.Hosts, hostname())
	for _, step := range []struct {
		name string
		do   func(ctx context.Context, note func(string, ...any)) error
	}{
		{"namespaces and bridges", func(ctx context.Context, _ func(string, ...any)) error { return r.Lab.Make(ctx, r.Hosts) }},
		{"control node", func(ctx context.Context, _ func(string, ...any)) error { return r.startControl(ctx) }},
		{"hosts join", r.joinHosts},
		{"hosts report", r.awaitAll},
		{"image, flavors, networks", r.furnish},
	} {
		if err := s.do(ctx, step.name, step.do); err != nil {
			return short(err)
		}
	}
	fmt.Fprintf(r.Out, "\nUp in %.1f s.\n\n  API          %s\n  credentials  %s (clouds %s, the admin's, and %s)\n  to begin     source %s\n"+
		"               aloft lab status\n  to end       aloft lab down\n",
		s.total().Seconds(), real.ControlURL, r.credentials().File(), adminCloud, demoName, filepath.Join(r.credentials().EtcDir, demoRC))
	return nil
}

// demoRC logs a shell in as the project of the demonstration.
const demoRC = "demorc"

func (r *RealLab) credentials() Credentials {
	return Credentials{EtcDir: filepath.Join(r.Lab.Dir, "etc")}
}

// inNode runs this program in a node to its end.
func (r *RealLab) inNode(ctx context.Context, node string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	out, err := r.Lab.Command(ctx, node, append([]string{self}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("aloft %s on %s: %w: %s", args[0], node, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// startControl starts the control plane, unless it runs, and copies its credentials to where the machine can use them.
func (r *RealLab) startControl(ctx context.Context) error {
	err := r.inNode(ctx, real.ControlName, "up", "--no-agent", "--listen=0.0.0.0:8443", "--address="+real.ControlMgmt,
		"--public-url="+real.ControlURL, "--outside="+real.OutsideCIDR)
	if err != nil {
		return err
	}
	inside, files := Credentials{EtcDir: r.Lab.EtcDir(real.ControlName)}, r.credentials()
	ca, err := os.ReadFile(inside.CACert())
	if err != nil {
		return fmt.Errorf("reading the CA's certificate: %w", err)
	}
	if err := replaceFile(files.CACert(), ca); err != nil {
		return err
	}
	cloud, _, err := inside.Read(adminCloud)
	if err != nil {
		return err
	}
	cloud.CACert = files.CACert()
	return files.Write(adminCloud, cloud)
}

// agentOf is the agent's process of a host.
func (r *RealLab) agentOf(host string) daemon {
	return daemon{
		pidFile: filepath.Join(r.Lab.RunDir(host), "aloft.pid"),
		logFile: filepath.Join(r.Lab.DataDir(host), "log", "agent.log"),
	}
}

// tokenFile is the join token, in a node's data folder.
const tokenFile = "join-token"

func (r *RealLab) joinHosts(ctx context.Context, note func(string, ...any)) error {
	if err := r.inNode(ctx, real.ControlName, "join-token", "--uses", fmt.Sprint(r.Hosts), "--file", "/var/lib/aloft/"+tokenFile); err != nil {
		return err
	}
	path := filepath.Join(r.Lab.DataDir(real.ControlName), tokenFile)
	token, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the join token: %w", err)
	}
	started := 0
	for i := 1; i <= r.Hosts; i++ {
		host := real.HostName(i)
		if err := os.WriteFile(filepath.Join(r.Lab.DataDir(host), tokenFile), token, 0o600); err != nil {
			return fmt.Errorf("giving %s the join token: %w", host, err)
		}
		fresh, err := r.startAgent(host)
		if err != nil {
			return err
		}
		if fresh {
			started++
		}
	}
	note("%d started, %d ran already", started, r.Hosts-started)
	return os.Remove(path)
}

// startAgent starts a host's agent in the background, which starts its engines, unless it runs.
func (r *RealLab) startAgent(host string) (started bool, err error) {
	d := r.agentOf(host)
	if pid, _, err := d.running(); err != nil || pid != 0 {
		return false, err
	}
	self, err := os.Executable()
	if err != nil {
		return false, fmt.Errorf("finding this program: %w", err)
	}
	// Its context is not this command's, which it outlives.
	_, err = d.launch(r.Lab.Command(context.Background(), host, append([]string{
		self, "agent", "--server=https://" + real.ControlMgmt + ":8443",
		"--token-file=/var/lib/aloft/" + tokenFile,
	}, real.HostFlags()...)...))
	if err != nil {
		return false, fmt.Errorf("the agent of %s: %w", host, err)
	}
	return true, nil
}

func (r *RealLab) admin(ctx context.Context) (*clients, error) {
	cloud, ok, err := r.credentials().Read(adminCloud)
	if err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("%s has no entry %s: is the laboratory up?", r.credentials().File(), adminCloud), err)
	}
	return login(ctx, cloud)
}

// states are the hosts as the control plane sees them, by name.
func (r *RealLab) states(ctx context.Context) (map[string]services.Service, error) {
	admin, err := r.admin(ctx)
	if err != nil {
		return nil, err
	}
	list, err := pages(ctx, services.List(admin.compute, nil), services.ExtractServices)
	out := map[string]services.Service{}
	for i := range list {
		out[list[i].Host] = list[i]
	}
	return out, err
}

func (r *RealLab) awaitAll(ctx context.Context, note func(string, ...any)) error {
	var names []string
	for i := 1; i <= r.Hosts; i++ {
		names = append(names, real.HostName(i))
	}
	return r.await(ctx, note, time.Time{}, names...)
}

// await waits until hosts are up and have been heard of since a moment: one that was cut off just before is not missed
// yet. It says what is amiss with one that is not up.
func (r *RealLab) await(ctx context.Context, note func(string, ...any), since time.Time, hosts ...string) error {
	missing := hosts[0]
	err := until(ctx, hostPatience, 250*time.Millisecond, func(ctx context.Context) error {
		states, err := r.states(ctx)
		if err != nil {
			return err
		}
		there := 0
		for _, h := range hosts {
			if states[h].State == "up" && states[h].UpdatedAt.After(since) {
				there++
			} else {
				missing = h
			}
		}
		note("%d of %d", there, len(hosts))
		if there < len(hosts) {
			return fmt.Errorf("%s is not up", missing)
		}
		return nil
	})
	if err != nil {
		d := r.agentOf(missing)
		return fmt.Errorf("%w; the end of its agent's log %s:\n%s", err, d.logFile, d.logTail(10))
	}
	return nil
}

// furnish makes, through the public APIs alone, what servers are made of.
func (r *RealLab) furnish(ctx context.Context, note func(string, ...any)) error {
	c := config.Default()
	c.DataDir, c.EtcDir, c.Outside, c.PublicURL = filepath.Join(r.Lab.Dir, "data"), r.credentials().EtcDir, real.OutsideCIDR, real.ControlURL
	u := &Up{Config: c, Image: r.Image, Version: r.Version, Log: slog.New(slog.DiscardHandler)}
	if err := u.tiny(ctx, note); err != nil {
		return err
	}
	admin, err := r.admin(ctx)
	if err != nil {
		return err
	}
	if err := u.ensureImage(ctx, admin, note); err != nil {
		return err
	}
	if err := ensureFlavors(ctx, admin); err != nil {
		return err
	}
	outside, err := ensureOutside(ctx, admin, real.OutsideCIDR, subnets.AllocationPool{Start: real.FirstFloat, End: real.LastFloat})
	if err != nil {
		return err
	}
	cloud, err := ensureProject(ctx, admin, r.credentials(), demoName, "made by aloft lab")
	if err != nil {
		return err
	}
	if err := r.credentials().WriteRC(demoRC, cloud); err != nil {
		return err
	}
	tenant, err := login(ctx, cloud)
	if err != nil {
		return err
	}
	key := demoKey{path: filepath.Join(r.credentials().EtcDir, "demo_ed25519")}
	if err := key.ensure(ctx, tenant); err != nil {
		return err
	}
	note("")
	return ensureNetwork(ctx, tenant, outside.ID)
}

// heal plugs a node's cables in and starts again what does not run.
func (r *RealLab) heal(ctx context.Context, node string) error {
	if err := r.Lab.Mend(node); err != nil {
		return err
	}
	mended := time.Now()
	if node == real.ControlName {
		return r.startControl(ctx)
	}
	if _, err := r.startAgent(node); err != nil {
		return err
	}
	return r.await(ctx, func(string, ...any) {}, mended, node)
}
