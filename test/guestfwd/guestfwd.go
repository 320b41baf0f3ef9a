// Package guestfwd lets a test binary be what QEMU's guestfwd starts for each connection of a guest: a forwarder to an
// address, with the connection as standard input and output.
package guestfwd

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
)

// Variable is what QEMU's environment has to hold, with the address, where the test binary is its guestfwd command.
const Variable = "ALOFT_TEST_GUESTFWD"

// Main is the first call of TestMain: in a forwarder it forwards and ends the process, elsewhere it does nothing.
func Main() {
	address := os.Getenv(Variable)
	if address == "" {
		return
	}
	if err := forward(address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func forward(address string) error {
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	go func() { _, _ = io.Copy(conn, os.Stdin) }() // ends with the process, when the answer is complete
	_, err = io.Copy(os.Stdout, conn)
	return err
}
