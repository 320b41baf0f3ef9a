// Package network is the network service: networks, subnets, ports, routers, floating IPs and security groups.
//
// A network is a layer-2 segment; a subnet gives it a range of addresses; a port joins one device to a network with a
// MAC and fixed IPs. A router joins subnets, and an external network gives it a gateway to the outside, where its
// tenants' addresses are hidden behind its own (SNAT) and single ports may have floating IPs. A security group is a set
// of rules that let packets through to and from its ports; what no rule lets through is dropped.
//
// A request writes rows and an event in one transaction and marks what it touched as dirty. One loop (loop_northbound.go)
// reads what is dirty, states it as a [State] and hands it to a [Northbound], which makes OVN hold exactly that; a
// periodic pass states everything and so repairs drift. What OVN sees of ports comes back as [Link]s and becomes the
// ports' status.
//
// Every network with a subnet has one port of device owner "network:distributed": its metadata port, whose
// addresses every host uses to serve 169.254.169.254.
//
// Sources: the OpenStack Networking API v2.0 reference; ovn-nb(5), ovn-architecture(7); RFC 4291 appendix A (EUI-64),
// RFC 3442 (classless routes in DHCP).
package network
