// Package cli is the command line. Its tenant verbs are a client of the public APIs like any other, built on gophercloud:
// they work against every OpenStack cloud and know nothing of Aloft's inside. A file holds a noun.
package cli
