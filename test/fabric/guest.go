package fabric

import (
	"fmt"
	"os/exec"
	"strings"

	"github.com/stretchr/testify/require"
)

// Machine is a namespace with one device, "eth0": a guest, or a machine on the physical network.
type Machine struct {
	f     *Fabric
	space string
}

// space makes a network namespace that goes with the test.
func (f *Fabric) space(name string) {
	f.t.Helper()
	f.run("ip", "netns", "add", name)
	f.run("ip", "-n", name, "link", "set", "lo", "up")
	f.t.Cleanup(func() { f.run("ip", "netns", "del", name) })
}

// outer is the device at a bridge of the wire to a namespace.
func outer(bridge, space string) string { return bridge[:1] + "-" + space }

// wire joins a namespace to a bridge between hosts, in a VLAN or, if that is 0, as it comes. The checksums that a kernel
// puts off would reach a datapath in user space wrong.
func (f *Fabric) wire(bridge, space, inner string, vlan int) {
	f.t.Helper()
	outer := outer(bridge, space)
	f.run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", space)
	f.run("ip", "link", "set", outer, "up")
	f.run("ip", "-n", space, "link", "set", inner, "up")
	f.run("ethtool", "-K", outer, "tx", "off")
	f.run("nsenter", "--net=/run/netns/"+space, "ethtool", "-K", inner, "tx", "off")
	add := []string{"add-port", bridge, outer}
	if vlan != 0 {
		add = append(add, fmt.Sprintf("tag=%d", vlan))
	}
	f.wires.vsctl(add...)
}

// Outside makes a machine on the physical network, in a VLAN of it or in none (0).
func (f *Fabric) Outside(vlan int, addresses ...string) *Machine {
	f.t.Helper()
	f.machines++
	m := &Machine{f, fmt.Sprintf("out%d", f.machines)}
	f.space(m.space)
	f.wire(Physical, m.space, "eth0", vlan)
	m.up(addresses, "")
	return m
}

// Guest plugs a machine into a host as a port, without an address unless some are given, and waits until OVN carries it.
func (h *Host) Guest(portID, mac, gateway string, addresses ...string) *Machine {
	h.f.t.Helper()
	m := h.Plug(portID, mac, gateway, addresses...)
	h.f.eventually("the port is up", func() bool { return h.f.NB("--bare", "--columns=up", "list", "Logical_Switch_Port", portID) == "true" })
	return m
}

// Plug is Guest without the wait: a local port is never up.
func (h *Host) Plug(portID, mac, gateway string, addresses ...string) *Machine {
	h.f.t.Helper()
	h.f.machines++
	m := &Machine{h.f, fmt.Sprintf("guest%d", h.f.machines)}
	tap := fmt.Sprintf("tap%d", h.f.machines)
	h.f.space(m.space)
	h.f.run("ip", "-n", h.space, "link", "add", tap, "type", "veth", "peer", "name", "eth0", "netns", m.space)
	h.Run("ip", "link", "set", tap, "up")
	h.Run("ethtool", "-K", tap, "tx", "off")
	m.Run("ethtool", "-K", "eth0", "tx", "off")
	m.Run("ip", "link", "set", "eth0", "address", mac)
	h.vsctl("add-port", "br-int", tap, "--", "set", "Interface", tap, "external_ids:iface-id="+portID)
	m.up(addresses, gateway)
	return m
}

func (m *Machine) up(addresses []string, gateway string) {
	m.f.t.Helper()
	m.f.run("ip", "-n", m.space, "link", "set", "eth0", "up")
	for _, a := range addresses {
		m.f.run("ip", "-n", m.space, "addr", "add", a, "dev", "eth0", "nodad")
	}
	if gateway != "" {
		m.f.run("ip", "-n", m.space, "route", "add", "default", "via", gateway)
	}
}

// Try runs a command in the machine's namespace.
func (m *Machine) Try(name string, args ...string) (string, error) {
	command := in(m.space, name, args)
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Run runs a command in the machine's namespace; it must succeed.
func (m *Machine) Run(name string, args ...string) string {
	m.f.t.Helper()
	out, err := m.Try(name, args...)
	require.NoError(m.f.t, err, "%s %v: %s", name, args, out)
	return out
}

// Reaches waits until the machine gets an answer to a ping.
func (m *Machine) Reaches(address string) {
	m.f.t.Helper()
	m.f.eventually("ping "+address, func() bool { return m.pings(address) })
}

func (m *Machine) pings(address string) bool {
	_, err := m.Try("ping", "-n", "-c", "1", "-W", "1", address)
	return err == nil
}
