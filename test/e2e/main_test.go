// Package e2e drives a whole installation, with its real engines, by clients that others wrote: Debian's
// python3-openstackclient, gophercloud, ssh and virsh. It needs root, and runs in namespaces of its own.
package e2e

import (
	"testing"

	"github.com/aloft-cloud/aloft/test/namespace"
)

func TestMain(m *testing.M) { namespace.Main(m) }

// TestInstallation is one installation's life, from nothing to nothing. The parts build on one another and run in order.
func TestInstallation(t *testing.T) {
	namespace.Required(t)
	in := newInstallation(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, *installation)
	}{
		{"doctor tells that it can run", testDoctor},
		{"up gives a server that one can ssh into", testUp},
		{"up again repairs and doubles nothing", testUpAgain},
		{"status shows what runs", testStatus},
		{"the openstack client takes the tour", testOpenStackClient},
		{"gophercloud finds its way", testGophercloud},
		{"aloft's own verbs", testOwnVerbs},
		{"user data, host name and disk are the guest's", testGuest},
		{"neighbours reach one another and strangers do not", testIsolation},
		{"rules open and close ports", testRules},
		{"power states are the guest's true ones", testPower},
		{"images that would read the host are refused", testImages},
		{"a build that can't succeed says why", testExplainedFault},
		{"killed at any moment of a create or a delete", testKilledServe},
		{"the agent killed during a build", testKilledAgent},
		{"engines restart under running guests", testEngineRestarts},
		{"the host reboots", testReboot},
		{"down leaves nothing", testDown},
	} {
		ok := t.Run(part.name, func(t *testing.T) { part.test(t, in) })
		if !ok && in.vital(part.name) {
			t.Fatal("the rest needs this part")
		}
	}
}
