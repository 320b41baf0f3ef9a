// Package placement chooses hosts for servers. It is pure: a Picture of hosts and a Request in, a host or a Report of
// why not out; nobody else's clock, database or randomness is asked.
//
// # How it stays fast
//
// Hosts that differ in nothing but what is free on them are of one Kind, and there are few kinds even where there are
// many hosts. What a filter can say of a kind it says once for all its hosts. Within a kind the hosts are kept in the
// order of their weight, in a tree whose nodes know the most that is free below them, so that the best host with room
// is found, and put back with less room, in logarithmic time.
//
// # Its pieces
//
// A filter gives the reason why hosts can't take a server: kindFilters judge kinds, hostFilters single hosts, and
// capacity comes last. A weight orders those that can: Spread or Pack. Soft affinities order before the weight does.
//
// Sources: the filters, weights, hints and operators of Nova's scheduler as its administration guide describes them.
package placement
