// Package bench puts a load on the compute API of an OpenStack cloud, whichever it is, and tells how the cloud bore it:
// servers are created, awaited, listed, shown and deleted, each phase for itself.
//
// Times are the client's: from the moment in which a request is sent to the one in which its whole answer is there, with
// what the client waited because the cloud told it to (Retry-After). A server's time to ACTIVE runs from the sending of
// the request that creates it to the answer in which the client first sees it ACTIVE. As nothing tells a client of that,
// it looks again and again; how often it looked is told beside the figures, as they are no finer than that. It looks at
// what has changed last, and at a server by itself where only a few are left, so that the looking is a small part of the
// load.
//
// Requests go over HTTP/1.1, a connection per client, and ask for no compression.
//
// All that a run makes carries the run's name as the beginning of its own, and in its metadata. By that name it is found
// again and deleted, however the run ends.
package bench
