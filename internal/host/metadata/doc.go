// Package metadata answers the guests of a host at 169.254.169.254, in the dialects of OpenStack and of EC2.
//
// Each network that has a server here gets a network namespace of its own, "aloft-" and the beginning of the network's
// id, with one end of a veth that carries 169.254.169.254 and the addresses of the network's metadata port; the other end
// is plugged into OVN's integration bridge as that port. So networks with the same addresses do not meet, and a caller is
// known by (network, source address), which OVN's port security keeps a guest from forging. The sockets are opened in the
// namespaces but served by this process: there is no second program to watch.
//
// Beside it, at the same addresses, stands a DNS forwarder (dns.go): OVN answers for the names of a network's servers, and
// what it does not know is asked of the host's resolvers.
//
// Sync is level-triggered. Namespaces outlive the process and are adopted by the next one; only Purge, or a Sync that
// does not name a network, removes one. The documents are pure functions of a protocol.Server (documents.go, ec2.go).
package metadata
