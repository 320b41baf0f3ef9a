package fabric

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/host/engine"
)

// Host is a namespace with Open vSwitch and ovn-controller.
type Host struct {
	*openvswitch
	ID string // OVN's chassis name
}

// Host makes a host that is joined to the physical network or not, and waits until OVN knows it.
func (f *Fabric) Host(id string, physical bool) *Host {
	f.t.Helper()
	f.hosts++
	space := fmt.Sprintf("host%d", f.hosts)
	f.space(space)
	f.wire("under", space, "under0", 0)
	f.wire(Physical, space, "phys0", 0)
	h := &Host{f.openvswitch(space, space), id}
	// The datapath in user space sends tunnels only through bridges of its own.
	for _, name := range []string{"under", "phys"} {
		h.bridge("br-" + name)
		h.vsctl("add-port", "br-"+name, name+"0")
		h.Run("ip", "link", "set", "br-"+name, "up")
	}
	h.Run("ip", "addr", "add", h.underlay()+"/24", "dev", "br-under")
	set := []string{
		"set", "Open_vSwitch", ".", "external_ids:system-id=" + id, "external_ids:ovn-remote=" + f.sb, "external_ids:ovn-encap-type=geneve",
		"external_ids:ovn-encap-ip=" + h.underlay(), "external_ids:ovn-bridge-datapath-type=netdev", "external_ids:ovn-monitor-all=true",
		"external_ids:ovn-openflow-probe-interval=0",
	}
	if physical {
		set = append(set, "external_ids:ovn-bridge-mappings="+Physical+":br-phys",
			`external_ids:ovn-chassis-mac-mappings="`+Physical+":"+engine.ChassisMAC(id, Physical)+`"`)
	}
	h.vsctl(set...)
	h.StartController()
	f.eventually("OVN knows the host", func() bool { return f.SB("--bare", "--columns=name", "find", "Chassis", "name="+id) == id })
	return h
}

// StartController starts the host's ovn-controller.
func (h *Host) StartController() *exec.Cmd {
	h.f.t.Helper()
	return h.daemon("ovn-controller", "-vconsole:err", "--pidfile="+h.dir+"/ovn-controller.pid", h.socket())
}

func (h *Host) underlay() string { return "10.200.0." + strings.TrimPrefix(h.space, "host") }

// Run runs a command in the host's namespace; it must succeed.
func (h *Host) Run(name string, args ...string) string {
	h.f.t.Helper()
	command := in(h.space, name, args)
	return h.f.run(command[0], command[1:]...)
}

// Kill ends the host as a power cut does: its programs and its wires at once.
func (h *Host) Kill() {
	h.f.t.Helper()
	for _, p := range h.processes {
		if err := p.Process.Signal(syscall.SIGKILL); !errors.Is(err, os.ErrProcessDone) {
			require.NoError(h.f.t, err)
		}
	}
	for _, bridge := range []string{"under", Physical} {
		h.f.run("ip", "link", "set", outer(bridge, h.space), "down")
	}
}
