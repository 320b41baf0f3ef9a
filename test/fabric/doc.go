// Package fabric makes hosts for OVN on one machine: each is a network namespace with an Open vSwitch and an
// ovn-controller of its own, joined to the others by an underlay, for tunnels, and by a physical network, "outside". It
// has no libvirt and no agent: a guest is a further namespace, plugged in under its port's id.
//
// It is for tests of what the northbound rows do to packets. They run in the namespaces of package namespace, so that
// whatever is left of them goes with the test.
package fabric
