// Package join lets hosts into the installation. An administrator makes a token, which is good for a while and for a
// number of hosts; a host shows it once and gets a certificate for a key of its own. From then on the certificate is all
// that it needs, and it renews it over the bus.
//
// Invariants: a token's secret is nowhere but in the answer that made it; a host's id belongs to the key that it joined
// with, so that no token makes its bearer another host; a host that repeats its request, because the answer was lost,
// uses the token once.
package join
