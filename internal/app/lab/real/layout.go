package real

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/host/space"
)

// MaxHosts is how many hosts the addresses are enough for; memory ends sooner.
const MaxHosts = 50

// Lab is the folder of a laboratory.
type Lab struct{ Dir string }

// ControlName is the node of the control plane.
const ControlName = "control"

const (
	fabricName = "fabric"
	hostPrefix = "host-"
	gatewayEnd = "aloft-lab" // the machine's device on the outside network
)

// The networks. Bits are those of all.
const (
	bits         = 24
	mgmtNet      = "10.254.88."
	tunnelNet    = "10.254.89."
	outsideNet   = "172.24.4."
	controlHost  = 2
	firstHost    = 10 // host-1 has the next one
	OutsideCIDR  = outsideNet + "1/24"
	FirstFloat   = outsideNet + "100"
	LastFloat    = outsideNet + "250"
	ControlURL   = "https://" + outsideNet + "2:8443" // from the machine
	mgmtDevice   = "mgmt0"
	tunnelDevice = "tun0"
	outDevice    = "out0"
)

// ControlMgmt is the control node's address for hosts.
const ControlMgmt = mgmtNet + "2"

// cable is a veth from a node to a bridge of the fabric.
type cable struct {
	device  string // in the node
	far     string // in the fabric
	bridge  string
	address string // with prefix length; empty for none
}

// cables are those of a node.
func cables(node string) []cable {
	n := controlHost
	if i, ok := hostNumber(node); ok {
		n = firstHost + i
	}
	at := func(network string) string { return fmt.Sprintf("%s%d/%d", network, n, bits) }
	all := []cable{{mgmtDevice, "m-" + node, "mgmt", at(mgmtNet)}}
	if node == ControlName {
		return append(all, cable{outDevice, "o-" + node, "outside", at(outsideNet)})
	}
	return append(all, cable{tunnelDevice, "t-" + node, "tunnel", at(tunnelNet)}, cable{outDevice, "o-" + node, "outside", ""})
}

// HostName is the name of the i-th host, from 1.
func HostName(i int) string { return hostPrefix + strconv.Itoa(i) }

func hostNumber(node string) (int, bool) {
	text, ok := strings.CutPrefix(node, hostPrefix)
	n, err := strconv.Atoi(text)
	return n, ok && err == nil && n >= 1 && n <= MaxHosts && HostName(n) == node
}

// Nodes are the nodes that there are: the control node first, then the hosts in order.
func (l Lab) Nodes() []string {
	var out []string
	if mounted(l.pin(ControlName, "net")) {
		out = append(out, ControlName)
	}
	for i := 1; i <= MaxHosts; i++ {
		if mounted(l.pin(HostName(i), "net")) {
			out = append(out, HostName(i))
		}
	}
	return out
}

func (l Lab) node(name string) string         { return filepath.Join(l.Dir, "nodes", name) }
func (l Lab) pins(name string) string         { return filepath.Join(l.node(name), "ns") }
func (l Lab) pin(name, kind string) string    { return filepath.Join(l.pins(name), kind) }
func (l Lab) private(name string) string      { return filepath.Join(l.node(name), "private") }
func (l Lab) inNode(name, path string) string { return space.Own(l.private(name), path) }

// DataDir is where a node's /var/lib/aloft lies on the machine.
func (l Lab) DataDir(name string) string { return l.inNode(name, "/var/lib/aloft") }

// EtcDir is where a node's /etc/aloft lies on the machine.
func (l Lab) EtcDir(name string) string { return l.inNode(name, "/etc/aloft") }

// RunDir is where a node's /run/aloft lies on the machine.
func (l Lab) RunDir(name string) string { return l.inNode(name, "/run/aloft") }

// HostFlags tell a host's agent which devices the networks use.
func HostFlags() []string {
	return []string{"--tunnel-device=" + tunnelDevice, "--outside-device=" + outDevice}
}

// There tells whether the laboratory has been made, whole or in part.
func (l Lab) There() bool {
	_, err := os.Stat(filepath.Join(l.Dir, "nodes"))
	return err == nil
}

// Known refuses a name that is no node's.
func (l Lab) Known(name string) error {
	nodes := l.Nodes()
	if slices.Contains(nodes, name) {
		return nil
	}
	return fmt.Errorf("there is no node %q in the laboratory %s: it has %s", name, l.Dir, strings.Join(nodes, ", "))
}

// mounted tells whether a namespace is mounted on a file.
func mounted(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Type == unix.NSFS_MAGIC
}
