// Package compute runs servers: it knows flavors, key pairs, hosts and what every host should run.
//
// # Words
//
// A server is a tenant's virtual machine. A host is a machine that runs servers. A flavor is a size. What a user asks
// for is written as the server's wants (Wanted, Boot and all that a host needs to know) under a Generation that rises
// with each change of them; what a host has carried out is Carried. Between the two stands one row, and loops:
//
//	CreateServer ─ row ─► placement loop ─ claim on a host ─► host loop ─ push ─► agent
//	                                                     ◄─ Sync, Report ─ judge ─ row
//
// Nothing is kept in memory that a kill may not take: a lost push is made good by the next Sync, whose reply holds the
// whole list of what the host should run.
//
// # Hosts that are gone
//
// A host that was not heard of for Settings.HostTimeout is down. Its servers keep their state. A server that was still
// being built there is placed again elsewhere. A server that is deleted while its host is down disappears for its
// owner at once: row, ports, addresses and quota are free. The claim on the host stays, as the domain may still run
// there, until the host is back and has been told to remove it. The same order goes to a host that comes back with a
// server which lives elsewhere by now. A server that no row knows is never touched.
//
// Sources: Nova's API reference and microversion history for what users see, and the project's DESIGN.md for the shape.
package compute
