package ovn

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// patience is how long a loaded machine may take for what is usually done in moments.
const patience = 5 * time.Minute

// plant is a private OVN: both databases and northd, without any host.
type plant struct {
	t      *testing.T
	dir    string
	nb, sb string
	server *exec.Cmd
}

// newPlant starts one in the test's folder; it needs no rights.
func newPlant(t *testing.T) *plant {
	t.Helper()
	for _, p := range []string{"ovsdb-tool", "ovsdb-server", "ovn-northd", "ovn-nbctl", "ovn-sbctl", "ovn-trace"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("OVN is not installed: %v", err)
		}
	}
	dir, err := os.MkdirTemp("", "ovn") // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	p := &plant{t: t, dir: dir, nb: "unix:" + dir + "/nb.sock", sb: "unix:" + dir + "/sb.sock"}
	p.create("nb", "ovn-nb")
	p.create("sb", "ovn-sb")
	p.startServer()
	t.Cleanup(p.stopServer)
	p.start("ovn-northd", "--ovnnb-db="+p.nb, "--ovnsb-db="+p.sb, "-vconsole:err", "--unixctl="+dir+"/northd.ctl")
	return p
}

func (p *plant) create(name, schema string) {
	p.t.Helper()
	out, err := exec.Command("ovsdb-tool", "create", filepath.Join(p.dir, name+".db"), "/usr/share/ovn/"+schema+".ovsschema").CombinedOutput()
	require.NoError(p.t, err, string(out))
}

func (p *plant) startServer() {
	p.t.Helper()
	p.server = exec.Command("ovsdb-server", "-vconsole:err", "--remote=p"+p.nb, "--remote=p"+p.sb,
		"--unixctl="+p.dir+"/server.ctl", p.dir+"/nb.db", p.dir+"/sb.db")
	require.NoError(p.t, p.server.Start())
	require.Eventually(p.t, func() bool {
		_, err := os.Stat(strings.TrimPrefix(p.sb, "unix:"))
		return err == nil
	}, patience, 10*time.Millisecond)
}

func (p *plant) stopServer() {
	_ = p.server.Process.Kill()
	_ = p.server.Wait()
}

func (p *plant) start(name string, args ...string) {
	p.t.Helper()
	cmd := exec.Command(name, args...)
	require.NoError(p.t, cmd.Start())
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func (p *plant) run(name string, args ...string) string {
	p.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(p.t, err, "%s %v: %s", name, args, out)
	return strings.TrimSpace(string(out))
}

func (p *plant) nbctl(args ...string) string {
	p.t.Helper()
	return p.run("ovn-nbctl", append([]string{"--db=" + p.nb}, args...)...)
}

func (p *plant) sbctl(args ...string) string {
	p.t.Helper()
	return p.run("ovn-sbctl", append([]string{"--db=" + p.sb}, args...)...)
}

// settle waits until northd has translated everything.
func (p *plant) settle() {
	p.t.Helper()
	p.nbctl("--wait=sb", "--timeout=300", "sync")
}

// trace is the last part of ovn-trace's summary for a packet: what becomes of it.
func (p *plant) trace(packet string) string {
	p.t.Helper()
	p.settle()
	return p.run("ovn-trace", "--db="+p.sb, "--ct=new", "--ct=new", "--minimal", packet)
}

// watcher keeps what an engine reports.
type watcher struct {
	links  chan network.Link
	resync chan struct{}
}

// engine runs an engine on the plant until the test ends, and waits until it can write.
func (p *plant) engine() (*Engine, *watcher) {
	p.t.Helper()
	w := &watcher{make(chan network.Link, 1000), make(chan struct{}, 1000)}
	e := New(Config{Northbound: []string{p.nb}, Southbound: []string{p.sb}}, slog.New(slog.NewTextHandler(p.t.Output(), nil)))
	ctx, cancel := context.WithCancel(p.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- e.Run(ctx, network.Watch{
			Links: func(list []network.Link) {
				for _, l := range list {
					w.links <- l
				}
			},
			Resync: func() { w.resync <- struct{}{} },
		})
	}()
	p.t.Cleanup(func() {
		cancel()
		require.NoError(p.t, <-done)
	})
	require.Eventually(p.t, func() bool { return e.Apply(p.t.Context(), network.State{}) == nil }, patience, 10*time.Millisecond)
	return e, w
}

// await waits for a report of a link.
func (w *watcher) await(t *testing.T, want network.Link) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case l := <-w.links:
			if l == want {
				return
			}
		case <-deadline:
			require.FailNow(t, "no such link was reported", "%+v", want)
		}
	}
}

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// sorted sorts lines, as a database has no order.
func sorted(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		words := strings.Fields(l)
		slices.Sort(words)
		lines[i] = strings.Join(words, " ")
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
