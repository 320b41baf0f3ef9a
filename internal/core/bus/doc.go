// Package bus carries requests and wake-ups between the control nodes and the hosts, over a NATS server that runs
// inside the control node. It never carries state: whoever misses a message reads the truth elsewhere, so losing one
// costs latency and nothing else.
//
// Within a process the bus is a pipe without a listener. Hosts on other machines dial in by TLS, and both ends show
// certificates of the installation (package pki). A host may hear its own subjects, aloft.host.<id>.>, and its own
// inbox; it may answer what it was asked, and send to aloft.control.*, where its id is added to the subject and checked
// by the server: Sender tells the handler which host it was, and no host can speak for another.
//
// Several control nodes link their servers into one bus by Config.Routes.
package bus
