package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/app"
	"github.com/aloft-cloud/aloft/internal/app/lab"
	"github.com/aloft-cloud/aloft/internal/core/config"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// Lab is a cloud of simulated hosts in one process: the control plane as serve runs it, and agents whose hypervisors,
// disks and switches are played.
type Lab struct {
	Config  config.Config // DataDir, EtcDir and RunDir follow from Dir
	Version string
	Dir     string // what is kept for the next run; empty: a temporary folder
	NoOVN   bool   // networks are written to no northbound database
	Profile string // address:port at which Go's profiles are served; empty: nowhere
	Fleet   lab.Options
	Out     io.Writer
	Log     *slog.Logger
}

func labCommand(version string) *cobra.Command {
	l := Lab{Config: config.Default(), Version: version, Fleet: lab.Options{}}
	r := RealLab{Version: version}
	cmd := &cobra.Command{
		Use: "lab", Args: cobra.NoArgs, Short: "Run a cloud of simulated hosts in this process, to try and to measure Aloft",
		Long: "lab runs the control plane as serve does - the same APIs, database and bus - and as many hosts as you like: the\n" +
			"agents and their messages are real, and only hypervisors, disks and switches are played. It needs no root. It makes\n" +
			"a project with a network, a flavor and an image, tells how to log in, and runs until Ctrl-C. What it made is removed\n" +
			"then, unless --data names a folder: the next run with it goes on with the same servers.\n\n" +
			"lab --real N makes N real hosts on this machine instead, in namespaces of their own, with real engines and guests; it\n" +
			"needs root, runs in the background, and the commands below are for it; kill and heal serve simulated hosts, too.",
	}
	flags := cmd.Flags()
	flags.IntVar(&l.Fleet.Hosts, "hosts", 100, "simulated hosts")
	flags.IntVar(&l.Fleet.CPUs, "cpus", 64, "processors of each host")
	flags.IntVar(&l.Fleet.MemoryMiB, "memory", 256<<10, "memory of each host, in MiB")
	flags.IntVar(&l.Fleet.DiskGiB, "disk", 10<<10, "disk of each host, in GiB")
	flags.DurationVar(&l.Fleet.BootDelay, "boot-delay", 0, "how long a guest takes to start, and to stop")
	flags.DurationVar(&l.Fleet.BootJitter, "jitter", 0, "a start takes up to so much longer, at random")
	flags.Float64Var(&l.Fleet.FailureRate, "failure-rate", 0, "share of the hypervisors' calls that fail, 0 to 1; agents try again")
	flags.BoolVar(&l.NoOVN, "no-ovn", false, "write networks to no OVN northbound database")
	flags.StringVar(&l.Profile, "pprof", "", "address:port at which Go's profiles are served, for go tool pprof (default none)")
	flags.StringVar(&l.Dir, "data", "", "folder to keep everything in (default a temporary one, removed at the end; with --real "+realDir+")")
	flags.StringVar(&l.Config.Listen, "listen", "127.0.0.1:18443", "address:port of the API and the console; port 0 is any")
	flags.StringVar(&l.Config.Database, "database", "", "postgres://user@host/name or sqlite:///path (default a SQLite file)")
	flags.StringVar(&l.Config.LogLevel, "log-level", "warn", "least level that is logged: debug, info, warn or error")
	flags.IntVar(&r.Hosts, "real", 0, "real hosts, in place of simulated ones")
	flags.StringVar(&r.Image, "image", "", "with --real: file of an aloft-tiny that is built already, in place of building one")
	cmd.AddCommand(realCommands()...)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l.Out = cmd.OutOrStdout()
		if flags.Changed("real") {
			r.Lab.Dir, r.Out, r.Live = cmp.Or(l.Dir, realDir), l.Out, terminal(os.Stdout)
			return r.Run(cmd.Context())
		}
		return l.Run(cmd.Context())
	}
	return cmd
}

// Run runs the laboratory until ctx ends.
func (l *Lab) Run(ctx context.Context) (err error) {
	if err := l.check(); err != nil {
		return err
	}
	clean, err := l.settle()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clean()) }()
	listener, err := net.Listen("tcp", l.Config.Listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w (--listen takes another address)", l.Config.Listen, err)
	}
	defer listener.Close()
	l.Config.Listen, l.Config.BusListen = listener.Addr().String(), "127.0.0.1:0"
	if err := l.Config.Complete(); err != nil {
		return err
	}
	if l.Log == nil {
		l.Log = newLog(l.Config)
	}
	l.Fleet.Log = l.Log
	north, stop, err := l.northbound(ctx)
	if err != nil {
		return err
	}
	defer stop()
	return l.serve(ctx, listener, north)
}

func (l *Lab) check() error {
	if l.Fleet.Hosts < 1 || l.Fleet.CPUs < 1 || l.Fleet.MemoryMiB < 1 || l.Fleet.DiskGiB < 1 {
		return errors.New("--hosts, --cpus, --memory and --disk must be 1 or more")
	}
	if l.Fleet.FailureRate < 0 || l.Fleet.FailureRate >= 1 {
		return fmt.Errorf("--failure-rate must be 0 or more and less than 1, but is %v", l.Fleet.FailureRate)
	}
	return nil
}

// settle finds a place for the files; clean removes what was not to be kept.
func (l *Lab) settle() (clean func() error, err error) {
	dir := l.Dir
	clean = func() error { return nil }
	if dir == "" {
		if dir, err = os.MkdirTemp("", "aloft-lab-"); err != nil {
			return nil, fmt.Errorf("making a folder for the laboratory: %w", err)
		}
		clean = func() error { return os.RemoveAll(dir) }
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	l.Config.DataDir, l.Config.EtcDir, l.Config.RunDir = filepath.Join(dir, "data"), filepath.Join(dir, "etc"), filepath.Join(dir, "run")
	return clean, nil
}

// serve runs all parts until ctx ends.
func (l *Lab) serve(ctx context.Context, listener net.Listener, north network.Northbound) (err error) {
	begun := time.Now()
	control, err := app.NewControl(ctx, l.Config, app.ControlOptions{Version: l.Version, Northbound: north, Laboratory: true, Log: l.Log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, control.Close()) }()
	if err := firstStart(ctx, l.Config, control); err != nil {
		return err
	}
	b, err := control.BusLaboratory(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	fleet := lab.New(l.Fleet)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return control.Run(ctx) })
	g.Go(func() error { return serveHTTP(ctx, listener, control, endPatience) })
	g.Go(func() error { return fleet.Run(ctx, b) })
	g.Go(func() error { return serveAccidents(ctx, accidents(filepath.Dir(l.Config.RunDir)), fleet) })
	if l.Profile != "" {
		g.Go(func() error { return serveProfiles(ctx, l.Profile) })
	}
	g.Go(func() error {
		if err := l.furnish(ctx); err != nil && ctx.Err() == nil {
			return short(err)
		}
		l.tell(time.Since(begun))
		return nil
	})
	return g.Wait()
}

// tell says how to use the laboratory.
func (l *Lab) tell(took time.Duration) {
	files := Credentials{EtcDir: l.Config.EtcDir}
	fmt.Fprintf(l.Out, "Aloft %s: a laboratory of %d simulated hosts, after %.1f s.\n\n", l.Version, l.Fleet.Hosts, took.Seconds())
	fmt.Fprintf(l.Out, "  API          %s\n  credentials  %s (clouds %s, the admin's, and %s)\n", l.Config.PublicURL, files.File(), adminCloud, labName)
	fmt.Fprintf(l.Out, "  to begin     source %s\n", filepath.Join(l.Config.EtcDir, labRC))
	fmt.Fprintf(l.Out, "               aloft bench servers --count 1000\n")
	fmt.Fprintf(l.Out, "  accidents    aloft lab kill --lab %s --hosts 10, and heal\n\nCtrl-C ends it.\n", filepath.Dir(l.Config.RunDir))
}
