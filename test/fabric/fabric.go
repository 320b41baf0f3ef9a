package fabric

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/host/engine"
	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/ovn"
	"github.com/aloft-cloud/aloft/test/namespace"
)

// Patience is how long anything may take here.
const Patience = 2 * time.Minute

// Physical is the name of the physical network that hosts are joined to.
const Physical = "outside"

// Fabric is the central part: OVN's databases and northd, and the wires between hosts.
type Fabric struct {
	t        testing.TB
	dir      string
	nb, sb   string
	wires    *openvswitch // the switches between the hosts
	hosts    int
	machines int
	Engine   *ovn.Engine
}

// New starts the central part, with an engine that writes to it, until the test ends.
func New(t testing.TB) *Fabric {
	t.Helper()
	namespace.Required(t)
	for _, p := range []string{"ovsdb-server", "ovs-vswitchd", "ovn-northd", "ovn-controller", "ip", "ethtool"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(err)
		}
	}
	dir, err := os.MkdirTemp("", "fabric") // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	f := &Fabric{t: t, dir: dir, nb: "unix:" + dir + "/nb.sock", sb: "unix:" + dir + "/sb.sock"}
	for _, side := range []string{"nb", "sb"} {
		f.run("ovsdb-tool", "create", filepath.Join(dir, side+".db"), "/usr/share/ovn/ovn-"+side+".ovsschema")
	}
	f.daemon(nil, "ovsdb-server", "-vconsole:err", "--remote=p"+f.nb, "--remote=p"+f.sb, "--unixctl="+dir+"/db.ctl", dir+"/nb.db", dir+"/sb.db")
	f.daemon(nil, "ovn-northd", "-vconsole:err", "--ovnnb-db="+f.nb, "--ovnsb-db="+f.sb, "--unixctl="+dir+"/northd.ctl")
	f.wires = f.openvswitch("", "wires")
	for _, bridge := range []string{"under", Physical} {
		f.wires.bridge(bridge)
	}
	for k, v := range engine.NorthOptions() {
		f.NB("set", "NB_Global", ".", "options:"+k+"="+v)
	}
	f.startEngine()
	return f
}

func (f *Fabric) startEngine() {
	f.Engine = ovn.New(ovn.Config{Northbound: []string{f.nb}, Southbound: []string{f.sb}}, slog.New(slog.NewTextHandler(f.t.Output(), nil)))
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f.Engine.Run(ctx, network.Watch{Links: func([]network.Link) {}, Resync: func() {}}) // ends with ctx
	}()
	f.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// Apply makes the network what a state says, on every host.
func (f *Fabric) Apply(s network.State) {
	f.t.Helper()
	f.eventually("the state is applied", func() bool { return f.Engine.Apply(f.t.Context(), s) == nil })
	f.NB("--wait=sb", "--timeout=60", "sync")
}

// NB asks or changes the northbound database.
func (f *Fabric) NB(args ...string) string {
	f.t.Helper()
	return f.run("ovn-nbctl", append([]string{"--db=" + f.nb}, args...)...)
}

// SB asks or changes the southbound database.
func (f *Fabric) SB(args ...string) string {
	f.t.Helper()
	return f.run("ovn-sbctl", append([]string{"--db=" + f.sb}, args...)...)
}

// run runs a command that must succeed.
func (f *Fabric) run(name string, args ...string) string {
	f.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(f.t, err, "%s %v: %s", name, args, out)
	return strings.TrimSpace(string(out))
}

// daemon starts a program that is killed when the test ends, and returns its process.
func (f *Fabric) daemon(env []string, name string, args ...string) *exec.Cmd {
	f.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	log, err := os.Create(filepath.Join(f.dir, fmt.Sprintf("%s-%d.log", name, time.Now().UnixNano())))
	require.NoError(f.t, err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(f.t, cmd.Start())
	f.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if said, _ := os.ReadFile(log.Name()); f.t.Failed() && len(said) > 0 {
			f.t.Logf("%s %v:\n%s", name, args, said)
		}
	})
	return cmd
}

func (f *Fabric) eventually(what string, good func() bool) {
	f.t.Helper()
	require.Eventually(f.t, good, Patience, 50*time.Millisecond, what)
}
