// Package conformance runs the test suites that OpenStack wrote for its own services, Debian's tempest and
// keystone-tempest-plugin, against an Aloft that has just been installed. It needs root, and runs in namespaces of its
// own. What it leaves under bin/conformance is what stestr leaves, and results.json.
package conformance

import (
	"testing"

	"github.com/aloft-cloud/aloft/test/namespace"
)

func TestMain(m *testing.M) { namespace.Main(m) }
