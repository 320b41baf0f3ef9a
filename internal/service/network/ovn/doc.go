// Package ovn writes the network into OVN's northbound database.
//
// [Wanted] is the one place that decides: a pure function from the service's state, and the chassis that there are, to
// the rows that the database should hold. [Engine] compares them with the rows that it holds and applies the difference
// in one transaction.
//
// Each row's UUID follows from the object that it is for (a logical switch has its network's id, an ACL its rule's, others
// a UUID of version 5), so that rows can refer to one another before they exist, nothing is ever added twice, and an
// administrator finds the rows of an object by its id. Each row says in its external_ids what it is for: "aloft:id" names
// the object, "aloft:unit" the unit that it is compared with, "aloft:in" the lists of other rows that it belongs in.
// Rows without "aloft:unit" are not ours, and are left alone even inside our lists.
//
// Sources: ovn-nb(5), ovn-sb(5), ovn-architecture(7), RFC 7047, and ovsdb-server(7) for "uuid" in an insert.
package ovn
