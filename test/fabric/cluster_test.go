package fabric

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/core/pki"
	"github.com/aloft-cloud/aloft/internal/host/engine"
	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/ovn"
	"github.com/aloft-cloud/aloft/test/namespace"
)

// memberVariable has the engine.Config of a control node that this program is, in a mount namespace of its own.
const memberVariable = "ALOFT_FABRIC_MEMBER"

// runMember keeps the engines of a control node running until it is killed.
func runMember() {
	var cfg engine.Config
	err := json.Unmarshal([]byte(os.Getenv(memberVariable)), &cfg)
	if err == nil {
		err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	}
	if err == nil {
		err = unix.Mount(cfg.RunDir+"/ovn", "/run/ovn", "", unix.MS_BIND, "")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	_ = engine.New(cfg).Watch(context.Background())
	os.Exit(0)
}

// controlNode is a control node without hosts' engines.
type controlNode struct {
	f    *Fabric
	cfg  engine.Config
	self *exec.Cmd
}

func (n *controlNode) start() {
	n.f.t.Helper()
	text, err := json.Marshal(n.cfg)
	require.NoError(n.f.t, err)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), memberVariable+"="+string(text))
	log, err := os.OpenFile(n.cfg.RunDir+"/log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(n.f.t, err)
	defer log.Close()
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	require.NoError(n.f.t, cmd.Start())
	n.self = cmd
	n.f.t.Cleanup(func() {
		if text, _ := os.ReadFile(log.Name()); n.f.t.Failed() {
			n.f.t.Logf("%s:\n%s", n.cfg.Cluster.Address, text)
		}
	})
}

// kill ends Aloft and its engines on the node at once.
func (n *controlNode) kill() {
	n.f.t.Helper()
	_ = n.self.Process.Kill()
	_ = n.self.Wait()
	for _, name := range []string{"ovnnb_db", "ovnsb_db", "ovn-northd"} {
		text, err := os.ReadFile(n.cfg.RunDir + "/ovn/" + name + ".pid")
		if err != nil {
			continue // it never ran
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		require.NoError(n.f.t, err)
		if err := unix.Kill(pid, unix.SIGKILL); err != unix.ESRCH {
			require.NoError(n.f.t, err)
		}
	}
}

func (n *controlNode) status(database, socket string) string {
	out, err := exec.Command("ovn-appctl", "-t", n.cfg.RunDir+"/ovn/"+socket+".ctl", "cluster/status", database).CombinedOutput()
	if err != nil {
		return ""
	}
	return string(out)
}

func (n *controlNode) leads() bool {
	return strings.Contains(n.status("OVN_Northbound", "ovnnb_db"), "Role: leader\n")
}

// members reads the clusters from one node, as aloft ovn-members does there.
func (n *controlNode) members() []engine.Member {
	n.f.t.Helper()
	require.NoError(n.f.t, unix.Mount(n.cfg.RunDir+"/ovn", "/run/ovn", "", unix.MS_BIND, ""))
	defer func() { require.NoError(n.f.t, unix.Unmount("/run/ovn", unix.MNT_DETACH)) }()
	out, err := engine.Members(n.f.t.Context())
	if err != nil {
		return nil
	}
	return out
}

// TestAClusterOfControlNodes kills the leader of OVN's databases, and writes on.
func TestAClusterOfControlNodes(t *testing.T) {
	namespace.Required(t)
	dir, err := os.MkdirTemp("", "cluster") // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	f := &Fabric{t: t, dir: dir}
	addresses := []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}
	authority, err := pki.Ensure(dir+"/pki", addresses...)
	require.NoError(t, err)
	var nodes []*controlNode
	for i, a := range addresses {
		n := &controlNode{f: f, cfg: engine.Config{
			RunDir: filepath.Join(dir, strconv.Itoa(i)), DataDir: filepath.Join(dir, strconv.Itoa(i), "data"), HostID: id(a), ControlOnly: true,
			Cluster: engine.Cluster{Address: a, Members: addresses},
		}}
		n.cfg.Certs.Cert, n.cfg.Certs.Key, n.cfg.Certs.CA = authority.ServerFiles()
		require.NoError(t, os.MkdirAll(n.cfg.RunDir+"/ovn", 0o755))
		nodes = append(nodes, n)
		t.Cleanup(n.kill)
	}
	// The first was alone before.
	require.NoError(t, os.MkdirAll(nodes[0].cfg.DataDir+"/ovn", 0o755))
	f.run("ovsdb-tool", "create", nodes[0].cfg.DataDir+"/ovn/nb.db", "/usr/share/ovn/ovn-nb.ovsschema")
	for _, n := range nodes {
		n.start()
	}
	f.eventually("both databases have three members and a leader", func() bool {
		list, leaders := nodes[2].members(), 0
		for _, m := range list {
			if m.Role == "leader" {
				leaders++
			}
		}
		return len(list) == 6 && leaders == 2
	})

	e := ovn.New(ovn.Config{
		Northbound: nodes[0].cfg.Cluster.NorthRemotes(), LeaderOnly: true, TLS: authority.ServerTLS(),
		Southbound: []string{"unix:" + nodes[0].cfg.RunDir + "/ovn/ovnsb_db.sock"},
	}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = e.Run(ctx, network.Watch{Links: func([]network.Link) {}, Resync: func() {}}) // ends with ctx
	}()
	defer func() {
		cancel()
		<-done
	}()
	w := newWorld()
	n := w.network("n", network.Provider{Kind: network.Geneve}, subnet("10.0.0.0/24", "10.0.0.1"))
	apply := func() { f.eventually("the state is written", func() bool { return e.Apply(ctx, w.State) == nil }) }
	w.port(*n, "first", "fa:16:3e:00:00:11", "10.0.0.11")
	apply()

	leader := func() *controlNode {
		for _, n := range nodes {
			if n.leads() {
				return n
			}
		}
		return nil
	}
	dead := leader()
	require.NotNil(t, dead)
	dead.kill()
	died := time.Now()
	w.port(*n, "second", "fa:16:3e:00:00:12", "10.0.0.12")
	apply()
	t.Logf("written again %s after the leader was killed", time.Since(died).Round(10*time.Millisecond))
	has := func(n *controlNode, port string) bool {
		out, err := exec.Command("ovn-nbctl", "--db=unix:"+n.cfg.RunDir+"/ovn/ovnnb_db.sock", "--no-leader-only", "--bare", "--columns=name", "list", "Logical_Switch_Port").CombinedOutput()
		return err == nil && strings.Contains(string(out), id(port))
	}
	for _, n := range nodes {
		if n != dead {
			f.eventually("the others have both ports", func() bool { return has(n, "first") && has(n, "second") })
		}
	}
	dead.start()
	f.eventually("it learns what it has missed", func() bool { return has(dead, "second") })

	gone := dead
	f.eventually("there is a leader", func() bool { return leader() != nil })
	stays := leader()
	if stays == gone {
		gone = nodes[0]
		if gone == stays {
			gone = nodes[1]
		}
	}
	gone.kill()
	require.NoError(t, unix.Mount(stays.cfg.RunDir+"/ovn", "/run/ovn", "", unix.MS_BIND, ""))
	err = engine.RemoveMember(ctx, gone.cfg.Cluster.Address)
	require.NoError(t, unix.Unmount("/run/ovn", unix.MNT_DETACH))
	require.NoError(t, err)
	f.eventually("it is in neither cluster", func() bool { return len(stays.members()) == 4 })
	w.port(*n, "third", "fa:16:3e:00:00:13", "10.0.0.13")
	apply()
}
