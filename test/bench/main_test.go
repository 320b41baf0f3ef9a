// Package bench measures Aloft beside what it drives, in the same run, as machines are noisy. It needs root, and runs
// in namespaces of its own.
package bench

import (
	"fmt"
	"os"
	"testing"

	"github.com/aloft-cloud/aloft/test/guestfwd"
	"github.com/aloft-cloud/aloft/test/namespace"
)

func TestMain(m *testing.M) {
	guestfwd.Main()
	if dir := os.Getenv(serveVariable); dir != "" {
		if err := serveNode(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	namespace.Main(m)
}
