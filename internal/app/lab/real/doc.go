// Package real makes several hosts of one machine: each is a network, a mount and a UTS namespace of its own, with its own
// engines and agent, and the control plane runs in a further one.
//
// The nodes hang on the bridges of one more network namespace, the fabric: "mgmt" is how they reach the control plane,
// "tunnel" carries what networks send between hosts, and "outside" is the network of floating addresses, on which the
// machine itself has the gateway's address by a veth - all that it gets in its own namespace.
//
// Everything is below one folder: the namespaces are mounted on files there, so that they outlive every process and can
// be found again, and what the nodes keep in /var/lib and /run lies beside them. So Down needs nothing but the folder.
package real
