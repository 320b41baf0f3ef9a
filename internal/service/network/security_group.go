package network

import "net/netip"

// The directions of rules, as the port sees them.
const (
	Ingress = "ingress"
	Egress  = "egress"
)

// SecurityGroup is a set of rules.
type SecurityGroup struct {
	ID, ProjectID, Name, Description string
	Default                          bool // the project's own, which ports get that name none
	Stateful                         bool // answers to what was let through are let through
	Shared                           bool // with the project that reads it; filled by reads
	Rules                            []Rule
	Stamp
}

// Rule lets some packets through. Empty fields match everything.
type Rule struct {
	ID, GroupID, ProjectID, Description string
	Direction                           string
	V6                                  bool
	Protocol                            string // "tcp", "udp", "icmp" … or a number; empty: any
	PortMin, PortMax                    *int   // of TCP, UDP, SCTP …; the type and code of ICMP
	RemoteGroupID                       string
	AddressGroupID                      string
	RemotePrefix                        netip.Prefix // invalid: any
	Stamp
}
