package operator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/ovn"
)

// schemas is where OVN's packages have the schemas of its databases.
const schemas = "/usr/share/ovn"

// northbound starts OVN's databases in the laboratory's folder, without northd: what Aloft writes is written for real, and
// nobody translates it for hosts that have no switch.
func (l *Lab) northbound(ctx context.Context) (north network.Northbound, stop func(), err error) {
	if l.NoOVN {
		return nil, func() {}, nil
	}
	sockets, err := os.MkdirTemp("", "aloft-ovn-") // a socket's path must be short
	if err != nil {
		return nil, nil, fmt.Errorf("making a folder for OVN's sockets: %w", err)
	}
	dir := filepath.Join(l.Config.DataDir, "ovn")
	server, err := startOVSDB(ctx, dir, sockets)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(sockets))
	}
	stop = func() {
		_ = server.Process.Kill() // it has no state that its journal would not hold
		_ = server.Wait()
		_ = os.RemoveAll(sockets)
	}
	wire := func(name string) []string { return []string{"unix:" + filepath.Join(sockets, name+".sock")} }
	engine := ovn.New(ovn.Config{Northbound: wire("nb"), Southbound: wire("sb")}, l.Log)
	return labNorthbound{real: engine, played: network.NewUnwired()}, stop, nil
}

// startOVSDB starts one server with both of OVN's databases, and returns when it listens.
func startOVSDB(ctx context.Context, dir, sockets string) (*exec.Cmd, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of OVN's databases: %w", err)
	}
	args := []string{"-vconsole:err", "-vfile:off", "--unixctl=" + filepath.Join(sockets, "ctl")}
	for _, name := range []string{"nb", "sb"} {
		file := filepath.Join(dir, name+".db")
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			out, err := exec.CommandContext(ctx, "ovsdb-tool", "create", file, filepath.Join(schemas, "ovn-"+name+".ovsschema")).CombinedOutput()
			if err != nil {
				return nil, fmt.Errorf("making OVN's database (the packages openvswitch-common and ovn-common have what it takes; --no-ovn does without): %w: %s",
					err, strings.TrimSpace(string(out)))
			}
		}
		args = append(args, "--remote=punix:"+filepath.Join(sockets, name+".sock"), file)
	}
	server := exec.CommandContext(context.WithoutCancel(ctx), "ovsdb-server", args...)
	server.Stderr = os.Stderr
	// Ctrl-C is not for it, but it must not outlive this process.
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("starting ovsdb-server: %w", err)
	}
	err := until(ctx, time.Minute, 10*time.Millisecond, func(context.Context) error {
		_, err := os.Stat(filepath.Join(sockets, "sb.sock"))
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ovsdb-server does not listen: %w", err), server.Process.Kill(), server.Wait())
	}
	return server, nil
}

// labNorthbound writes to OVN's northbound database, and plays what hosts would make of it: a port is plugged as soon as it
// is bound.
type labNorthbound struct {
	real   network.Northbound
	played *network.Unwired
}

// Run implements network.Northbound. No switch says which ports are up; those who play them do.
func (n labNorthbound) Run(ctx context.Context, w network.Watch) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.real.Run(ctx, network.Watch{Links: func([]network.Link) {}, Resync: w.Resync}) })
	g.Go(func() error { return n.played.Run(ctx, w) })
	return g.Wait()
}

// Apply implements network.Northbound.
func (n labNorthbound) Apply(ctx context.Context, s network.State) error {
	if err := n.real.Apply(ctx, s); err != nil {
		return err
	}
	return n.played.Apply(ctx, s)
}
