package operator

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/aloft-cloud/aloft/images/tiny"
	"github.com/aloft-cloud/aloft/internal/app"
	"github.com/aloft-cloud/aloft/internal/core/config"
	"github.com/aloft-cloud/aloft/internal/host/probe"
)

// Up brings one machine from nothing to a running server. It may be run again at any moment.
type Up struct {
	Config  config.Config
	Version string
	Flags   []string // the settings that were given on the command line, for the process in the background
	Demo    bool     // make the demonstration, too
	// ControlOnly makes this machine a control node that runs no servers.
	ControlOnly bool
	Image       string // a test image that is built already; empty: build one
	Out         io.Writer
	Live        bool // Out is a terminal
	Log         *slog.Logger
}

// Run does all that is missing, and tells it step by step.
func (u *Up) Run(ctx context.Context) error {
	s := newSteps(u.Out, u.Live)
	fmt.Fprintf(u.Out, "Aloft %s on %s\n", u.Version, hostname())
	if err := u.machine(ctx, s); err != nil {
		return err
	}
	if !u.Demo {
		fmt.Fprintf(u.Out, "\nUp in %.1f s.  API and console: %s   credentials: %s\n", s.total().Seconds(), u.Config.PublicURL, u.credentials().File())
		return nil
	}
	d, err := u.demo(ctx, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(u.Out, "\nUp in %.1f s.\n\n  console      %s\n  credentials  %s (clouds %s and %s), %s\n  server       %s\n",
		s.total().Seconds(), u.Config.PublicURL, u.credentials().File(), adminCloud, demoName, filepath.Join(u.Config.EtcDir, "openrc"), d.SSH())
	return nil
}

func (u *Up) machine(ctx context.Context, s *steps) error {
	steps := []struct {
		name string
		do   func(ctx context.Context, note func(string, ...any)) error
	}{
		{"host", u.probe},
		{"engines", u.engines},
		{"aloft serve and agent", u.daemon},
	}
	if u.ControlOnly {
		steps = steps[1:] // the probe is of what servers need
		steps[1].name = "aloft serve"
	}
	if u.Demo {
		steps = append(steps, struct {
			name string
			do   func(ctx context.Context, note func(string, ...any)) error
		}{"test image", u.tiny})
	}
	for _, step := range steps {
		if err := s.do(ctx, step.name, step.do); err != nil {
			return err
		}
	}
	return nil
}

func (u *Up) probe(ctx context.Context, note func(string, ...any)) error {
	report := probe.Run(ctx, probe.Options{DataDir: u.Config.DataDir, Listen: u.Config.Listen, OutsideCIDR: u.Config.Outside, Log: u.Log})
	if report.Fatal() {
		var b strings.Builder
		if err := report.Table(&b); err != nil {
			return err
		}
		return fmt.Errorf("aloft can't run here; `aloft doctor` tells this alone:\n%s", b.String())
	}
	note("runs servers with %s", probe.Acceleration(ctx, u.Config.DataDir, u.Log))
	return nil
}

func (u *Up) engines(ctx context.Context, note func(string, ...any)) error {
	id, err := app.HostID(u.Config.DataDir)
	if err != nil {
		return err
	}
	if err := app.SetControlOnly(u.Config.DataDir, u.ControlOnly); err != nil {
		return err
	}
	engines, err := app.Engines(u.Config, id, u.Log)
	if err != nil {
		return err
	}
	count := map[string]int{}
	err = engines.Ensure(ctx, func(name, state string) {
		note("%s %s", name, state)
		count[state]++
	})
	if err != nil {
		return err
	}
	note("%d started, %d ran already", count["started"], count["adopted"])
	return nil
}

// daemon starts `aloft serve --agent` in the background, unless this same version runs.
func (u *Up) daemon(ctx context.Context, note func(string, ...any)) error {
	d := newDaemon(u.Config)
	pid, version, err := d.running()
	if err != nil {
		return err
	}
	if pid != 0 && version == u.Version && u.answers(ctx) == nil {
		note("running, pid %d", pid)
		return nil
	}
	if pid != 0 {
		note("replacing version %s", version)
		if err := d.stop(ctx, 20*time.Second); err != nil {
			return err
		}
	}
	role := "--agent"
	if u.ControlOnly {
		role = "--engines"
	}
	exited, err := d.start(append([]string{"serve", role}, u.Flags...)...)
	if err != nil {
		return err
	}
	ended := errors.New("aloft ended")
	err = until(ctx, patience, 50*time.Millisecond, func(ctx context.Context) error {
		select {
		case err := <-exited:
			ended = fmt.Errorf("aloft serve ended at its start (%w); the end of its log %s:\n%s", errors.Join(ended, err), d.logFile, d.logTail(10))
			return nil
		default:
			return u.answers(ctx)
		}
	})
	if err != nil {
		return fmt.Errorf("aloft serve does not answer: %w; its log is %s", err, d.logFile)
	}
	if pid, _, err = d.running(); err != nil || pid == 0 {
		return errors.Join(ended, err)
	}
	note("pid %d", pid)
	return nil
}

// answers tells whether the API answers under the installation's certificate.
func (u *Up) answers(ctx context.Context) error {
	pem, err := os.ReadFile(u.credentials().CACert())
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.Config.PublicURL+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: transport, Timeout: 2 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", req.URL, resp.Status)
	}
	_, ok, err := u.credentials().Read(adminCloud)
	if err == nil && !ok {
		err = fmt.Errorf("%s has no entry %s yet", u.credentials().File(), adminCloud)
	}
	return err
}

func (u *Up) credentials() Credentials { return Credentials{EtcDir: u.Config.EtcDir} }

func (u *Up) tinyFile() string {
	if u.Image != "" {
		return u.Image
	}
	return filepath.Join(u.Config.DataDir, tinyImage+".qcow2")
}

// tiny builds the test image unless it is there.
func (u *Up) tiny(ctx context.Context, note func(string, ...any)) error {
	if info, err := os.Stat(u.tinyFile()); err == nil {
		note("%.1f MB, built before", float64(info.Size())/1e6)
		return nil
	}
	if u.Image != "" {
		return fmt.Errorf("there is no image %s", u.Image)
	}
	note("building")
	if err := tiny.Build(ctx, tiny.Options{Out: u.tinyFile(), WorkDir: filepath.Join(u.Config.DataDir, "tiny"), Log: u.Log}); err != nil {
		return err
	}
	info, err := os.Stat(u.tinyFile())
	if err != nil {
		return fmt.Errorf("looking at the image: %w", err)
	}
	note("%.1f MB", float64(info.Size())/1e6)
	return nil
}

// ensureImage uploads the test image, for everyone to use.
func (u *Up) ensureImage(ctx context.Context, c *clients, note func(string, ...any)) error {
	have, err := pages(ctx, images.List(c.image, images.ListOpts{Name: tinyImage}), images.ExtractImages)
	if err != nil {
		return fmt.Errorf("listing the images: %w", err)
	}
	for _, i := range have {
		if i.Status == images.ImageStatusActive {
			note("there")
			return nil
		}
		if err := images.Delete(ctx, c.image, i.ID).ExtractErr(); err != nil && !notFound(err) {
			return fmt.Errorf("deleting an upload that broke off: %w", err)
		}
	}
	public := images.ImageVisibilityPublic
	made, err := images.Create(ctx, c.image, images.CreateOpts{Name: tinyImage, ContainerFormat: "bare", DiskFormat: "qcow2", Visibility: &public}).Extract()
	if err != nil {
		return fmt.Errorf("making the image: %w", err)
	}
	f, err := os.Open(u.tinyFile())
	if err != nil {
		return fmt.Errorf("opening the image: %w", err)
	}
	defer f.Close()
	if err := imagedata.Upload(ctx, c.image, made.ID, f).ExtractErr(); err != nil {
		return fmt.Errorf("uploading the image: %w", err)
	}
	note("uploaded")
	return nil
}

func (u *Up) adminClients(ctx context.Context) (*clients, error) {
	cloud, ok, err := u.credentials().Read(adminCloud)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%s has no entry %s: remove the file and run aloft up again, it makes a new password", u.credentials().File(), adminCloud)
	}
	return login(ctx, cloud)
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "this host"
	}
	return name
}
