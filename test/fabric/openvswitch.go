package fabric

import (
	"os"
	"os/exec"
	"path/filepath"

	"github.com/stretchr/testify/require"
)

// openvswitch is an Open vSwitch with its datapath in user space, in a network namespace or in the test's own ("").
type openvswitch struct {
	f         *Fabric
	space     string
	dir       string
	processes []*exec.Cmd
}

func (f *Fabric) openvswitch(space, name string) *openvswitch {
	f.t.Helper()
	o := &openvswitch{f: f, space: space, dir: filepath.Join(f.dir, name)}
	require.NoError(f.t, os.Mkdir(o.dir, 0o755))
	db := filepath.Join(o.dir, "conf.db")
	f.run("ovsdb-tool", "create", db, "/usr/share/openvswitch/vswitch.ovsschema")
	o.daemon("ovsdb-server", "-vconsole:err", "--remote=p"+o.socket(), "--unixctl="+o.dir+"/ovsdb.ctl", db)
	f.eventually("the switch's database answers", func() bool { _, err := o.tryVsctl("--no-wait", "init"); return err == nil })
	o.daemon("ovs-vswitchd", "-vconsole:err", "--pidfile="+o.dir+"/ovs-vswitchd.pid", "--unixctl="+o.dir+"/vswitchd.ctl", o.socket())
	return o
}

func (o *openvswitch) socket() string { return "unix:" + o.dir + "/db.sock" }

// in is a command in the namespace.
func in(space, name string, args []string) []string {
	if space == "" {
		return append([]string{name}, args...)
	}
	return append([]string{"nsenter", "--net=/run/netns/" + space, name}, args...)
}

// daemon starts one of the programs that share the folder.
func (o *openvswitch) daemon(name string, args ...string) *exec.Cmd {
	o.f.t.Helper()
	env := []string{"OVS_RUNDIR=" + o.dir, "OVS_LOGDIR=" + o.dir, "OVS_DBDIR=" + o.dir, "OVN_RUNDIR=" + o.dir}
	command := in(o.space, name, args)
	cmd := o.f.daemon(env, command[0], command[1:]...)
	o.processes = append(o.processes, cmd)
	return cmd
}

func (o *openvswitch) vsctl(args ...string) string {
	o.f.t.Helper()
	out, err := o.tryVsctl(args...)
	require.NoError(o.f.t, err, out)
	return out
}

func (o *openvswitch) tryVsctl(args ...string) (string, error) {
	out, err := exec.Command("ovs-vsctl", append([]string{"--db=" + o.socket(), "--timeout=60"}, args...)...).CombinedOutput()
	return string(out), err
}

// bridge makes a bridge.
func (o *openvswitch) bridge(name string) {
	o.f.t.Helper()
	o.vsctl("add-br", name, "--", "set", "Bridge", name, "datapath_type=netdev")
}
