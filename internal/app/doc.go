// Package app wires the services, the host floor and the engines together. It is the one package that knows all of
// them, and holds no logic of theirs: it constructs, adapts one service's methods to the interface that another has
// declared, and runs what was constructed until the context ends.
package app
