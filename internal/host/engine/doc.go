// Package engine keeps the engines of one host running: virtlogd and libvirtd, Open vSwitch's ovsdb-server and
// ovs-vswitchd, and OVN's two databases, ovn-northd and ovn-controller.
//
// It is level-triggered. Ensure looks at each engine of the table in table.go and starts what does not answer; Watch
// does so for ever. An engine that answers is adopted, whoever started it. What is started is a daemon of its own, so
// it survives any end of Aloft, and a later Aloft adopts it.
//
// Stop ends only what Aloft started. Which that is must outlive a kill -9 at any moment, and a process id alone may be
// used again by a stranger, so the mark is in the process itself: an engine started by hand has the run directory in its
// environment (see process.go). With systemd, the units that Aloft started are listed in the run directory before they
// are started. What Aloft changes in the configuration of the engines and of the host is written to a journal in the data
// directory before the change (journal.go), and Stop puts it back.
//
// The sockets are where Debian has them, so that ovs-vsctl, ovn-nbctl and virsh find them and an operator can look. The
// databases of engines that Aloft starts by hand are its own, below the data directory: nothing that an operator had
// in /etc/openvswitch or /var/lib/ovn is touched.
package engine
