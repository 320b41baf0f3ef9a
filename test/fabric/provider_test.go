package fabric

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// lease asks for an address by DHCP, and returns what it is told, one "name=value" a line.
func (m *Machine) lease() string {
	m.f.t.Helper()
	script := filepath.Join(m.f.dir, m.space+".sh")
	out := filepath.Join(m.f.dir, m.space+".lease")
	require.NoError(m.f.t, os.WriteFile(script, []byte("#!/bin/sh\n[ \"$1\" = bound ] && env | grep -E '^(ip|serverid|mtu|dns|staticroutes)=' >"+out+"\nexit 0\n"), 0o755))
	m.Run("busybox", "udhcpc", "-i", "eth0", "-q", "-n", "-t", "10", "-T", "2", "-O", "staticroutes", "-O", "mtu", "-O", "dns", "-s", script)
	text, err := os.ReadFile(out)
	require.NoError(m.f.t, err)
	return string(text)
}

// TestServersOnThePhysicalNetwork has servers of two hosts in a VLAN and in the untagged segment of the data centre's
// network: they speak to its machines without a router, and their own host serves them DHCP and metadata.
func TestServersOnThePhysicalNetwork(t *testing.T) {
	f := New(t)
	one, two := f.Host(id("one"), true), f.Host(id("two"), true)
	w := newWorld()
	for name, p := range map[string]network.Provider{
		"vlan": {Kind: network.VLAN, Physical: Physical, Segment: 101}, "flat": {Kind: network.Flat, Physical: Physical},
	} {
		net := map[string]string{"vlan": "10.50.0", "flat": "10.60.0"}[name]
		n := w.network(name, p, subnet(net+".0/24", net+".1"))
		meta := w.port(*n, name+"-meta", mac(name, 9, 9), net+".2")
		meta.Port.DeviceOwner, meta.Port.PortSecurity = network.OwnerDistributed, false
		n.Metadata = &meta.Port
		w.port(*n, name+"-a", mac(name, 1, 1), net+".11").Port.HostID = one.ID
		w.port(*n, name+"-b", mac(name, 1, 2), net+".12").Port.HostID = two.ID
	}
	f.Apply(w.State)
	for name, tag := range map[string]int{"vlan": 101, "flat": 0} {
		net := map[string]string{"vlan": "10.50.0", "flat": "10.60.0"}[name]
		machine := f.Outside(tag, net+".1/24")
		a, b := one.Guest(id(name+"-a"), mac(name, 1, 1), "", net+".11/24"), two.Guest(id(name+"-b"), mac(name, 1, 2), "", net+".12/24")
		a.Reaches(net + ".12")
		a.Reaches(net + ".1")
		b.Reaches(net + ".1")
		machine.Reaches(net + ".11")
		for h, guest := range map[*Host]*Machine{one: a, two: b} {
			h.Plug(id(name+"-meta"), mac(name, 9, 9), "", net+".2/24", "169.254.169.254/32")
			lease := guest.lease()
			require.Contains(t, lease, "serverid="+net+".2\n")
			require.Contains(t, lease, "169.254.169.254/32 "+net+".2")
			guest.Run("ip", "route", "add", "169.254.169.254", "via", net+".2")
		}
		a.Reaches("169.254.169.254")
		b.Reaches("169.254.169.254")
	}
}

// TestFloatingIPsOfServersOnVLANs routes between two VLANs and to the outside, and translates a floating IP, on the host of
// the server.
func TestFloatingIPsOfServersOnVLANs(t *testing.T) {
	f := New(t)
	one, two := f.Host(id("one"), true), f.Host(id("two"), true)
	out := f.Outside(0, "172.24.4.99/24")
	w := newWorld()
	outside := w.network("outside", network.Provider{Kind: network.Flat, Physical: Physical}, subnet("172.24.4.0/24", "172.24.4.99"))
	red := w.network("red", network.Provider{Kind: network.VLAN, Physical: Physical, Segment: 101}, subnet("10.1.0.0/24", "10.1.0.1"))
	blue := w.network("blue", network.Provider{Kind: network.VLAN, Physical: Physical, Segment: 102}, subnet("10.2.0.0/24", "10.2.0.1"))
	w.port(*red, "a", "fa:16:3e:00:00:11", "10.1.0.11").Port.HostID = one.ID
	b := w.port(*blue, "b", "fa:16:3e:00:00:12", "10.2.0.12")
	b.Port.HostID = two.ID
	target := b.Port
	r := w.router("router", *outside, "172.24.4.10", *red, *blue)
	r.Floating = []network.FloatingState{{
		FloatingIP: network.FloatingIP{ID: id("floating"), Address: ip("172.24.4.20"), FixedAddress: ip("10.2.0.12")},
		MAC:        "fa:16:3e:00:02:01", Target: target,
	}}
	f.Apply(w.State)
	ga := one.Guest(id("a"), "fa:16:3e:00:00:11", "10.1.0.1", "10.1.0.11/24")
	gb := two.Guest(id("b"), "fa:16:3e:00:00:12", "10.2.0.1", "10.2.0.12/24")
	ga.Reaches("10.2.0.12")
	gb.Reaches("10.1.0.11")
	ga.Reaches("172.24.4.99")
	gb.Reaches("172.24.4.99")
	out.Reaches("172.24.4.20")

	// The other host is not needed: whichever was the gateway, this one carries on.
	one.Kill()
	require.True(t, out.pings("172.24.4.20"), "the floating IP is translated on its server's host")
	require.True(t, gb.pings("172.24.4.99"))
}
