package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/stretchr/testify/require"

	osclient "github.com/gophercloud/gophercloud/v2/openstack"
)

// tenant is the demo project's APIs; a call that meets a server that is being killed is tried again.
type tenant struct {
	t                *testing.T
	compute, network *gophercloud.ServiceClient
	image, net       string
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	p, endpoint := provider(t, "demo")
	x := &tenant{t: t}
	var err error
	x.compute, err = osclient.NewComputeV2(p, endpoint)
	require.NoError(t, err)
	x.network, err = osclient.NewNetworkV2(p, endpoint)
	require.NoError(t, err)
	imageClient, err := osclient.NewImageV2(p, endpoint)
	require.NoError(t, err)
	found, err := images.List(imageClient, images.ListOpts{Name: "aloft-tiny"}).AllPages(t.Context())
	require.NoError(t, err)
	list, err := images.ExtractImages(found)
	require.NoError(t, err)
	nets, err := networks.List(x.network, networks.ListOpts{Name: "demo"}).AllPages(t.Context())
	require.NoError(t, err)
	nlist, err := networks.ExtractNetworks(nets)
	require.NoError(t, err)
	x.image, x.net = list[0].ID, nlist[0].ID
	return x
}

// named returns the servers that carry a name.
func (x *tenant) named(name string) (list []servers.Server, err error) {
	page, err := servers.List(x.compute, servers.ListOpts{Name: "^" + name + "$"}).AllPages(x.t.Context())
	if err != nil {
		return nil, err
	}
	return servers.ExtractServers(page)
}

func (x *tenant) create(name string) error {
	_, err := servers.Create(x.t.Context(), x.compute, servers.CreateOpts{
		Name: name, ImageRef: x.image, FlavorRef: "tiny", Networks: []servers.Network{{UUID: x.net}},
	}, nil).Extract()
	return err
}

// leftovers tells what is there beyond the servers that should be: domains, disks, ports.
func (x *tenant) leftovers() error {
	var errs []error
	list, err := x.named("")
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, s := range list {
		known[s.ID] = true
	}
	page, err := ports.List(x.network, ports.ListOpts{NetworkID: x.net}).AllPages(x.t.Context())
	if err != nil {
		return err
	}
	plugged, err := ports.ExtractPorts(page)
	if err != nil {
		return err
	}
	for _, p := range plugged {
		if strings.HasPrefix(p.DeviceOwner, "compute:") && !known[p.DeviceID] {
			errs = append(errs, fmt.Errorf("port %s of the server %s that is gone", p.ID, p.DeviceID))
		}
	}
	domains, _, err := try(x.t, time.Minute, "virsh", "-c", "qemu:///system", "list", "--all", "--uuid")
	if err != nil {
		return err
	}
	if n := len(strings.Fields(domains)); n != len(list) {
		errs = append(errs, fmt.Errorf("%d domains for %d servers", n, len(list)))
	}
	err = filepath.WalkDir("/var/lib/aloft/pool", func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.Contains(path, "cache") && !strings.Contains(path, "image") {
			owned := false
			for id := range known {
				owned = owned || strings.Contains(path, id)
			}
			if !owned {
				errs = append(errs, fmt.Errorf("the file %s of no server", path))
			}
		}
		return err
	})
	return errors.Join(append(errs, err)...)
}

// aloftPID returns the process of `aloft serve`.
func aloftPID(t *testing.T) int {
	t.Helper()
	raw, err := os.ReadFile("/run/aloft/aloft.pid")
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.Fields(string(raw))[0])
	require.NoError(t, err)
	return pid
}

// kill9 kills aloft and starts it again in the way an operator would.
func (in *installation) kill9(t *testing.T) {
	t.Helper()
	require.NoError(t, syscall.Kill(aloftPID(t), syscall.SIGKILL))
	in.up(t, "--no-demo")
}

func testKilledServe(t *testing.T, in *installation) {
	x := newTenant(t)
	for i := range 10 {
		name := fmt.Sprintf("killed-%d", i)
		wait := time.Duration(rand.IntN(1500)) * time.Millisecond
		t.Run(fmt.Sprintf("create, killed after %s", wait), func(t *testing.T) {
			asked := make(chan error, 1)
			go func() { asked <- x.create(name) }()
			time.Sleep(wait) // the moment of the fault, not a wait for an event
			in.kill9(t)
			answer := <-asked
			eventually(t, func() error {
				list, err := x.named(name)
				if err != nil {
					return err
				}
				if len(list) == 0 && answer != nil {
					return nil // it was refused, and there is nothing of it
				}
				if len(list) != 1 || list[0].Status != "ACTIVE" {
					return fmt.Errorf("%d servers %+v", len(list), list)
				}
				return nil
			})
		})
	}
	for i := range 10 {
		name := fmt.Sprintf("killed-%d", i)
		wait := time.Duration(rand.IntN(800)) * time.Millisecond
		t.Run(fmt.Sprintf("delete, killed after %s", wait), func(t *testing.T) {
			list, err := x.named(name)
			require.NoError(t, err)
			if len(list) == 0 {
				t.Skip("its create was refused")
			}
			asked := make(chan error, 1)
			go func() { asked <- servers.Delete(t.Context(), x.compute, list[0].ID).ExtractErr() }()
			time.Sleep(wait) // the moment of the fault
			in.kill9(t)
			if err := <-asked; err != nil { // the request did not arrive: as a client would, ask again
				err = servers.Delete(t.Context(), x.compute, list[0].ID).ExtractErr()
				require.True(t, err == nil || gophercloud.ResponseCodeIs(err, 404), "%v", err)
			}
			eventually(t, func() error {
				list, err := x.named(name)
				if err == nil && len(list) > 0 {
					err = fmt.Errorf("%s is %s", name, list[0].Status)
				}
				return err
			})
		})
	}
	eventually(t, x.leftovers)
}

func testKilledAgent(t *testing.T, in *installation) {
	x := newTenant(t)
	// serve and agent as two processes, as they are where there are many hosts.
	in.aloft(t, time.Minute, "down", "--keep-engines")
	stop := in.background(t, "serve", "--bus-listen", "127.0.0.1:4222")
	defer stop()
	agent := in.background(t, "agent", "--bus", "tls://127.0.0.1:4222")
	eventually(t, func() error { // an answer may have been lost while serve started
		list, err := x.named("agent-killed")
		if err != nil || len(list) > 0 {
			return err
		}
		return x.create("agent-killed")
	})
	time.Sleep(time.Duration(rand.IntN(700)) * time.Millisecond) // the moment of the fault
	agent()
	agent = in.background(t, "agent", "--bus", "tls://127.0.0.1:4222")
	defer agent()
	eventually(t, func() error {
		list, err := x.named("agent-killed")
		if err == nil && (len(list) != 1 || list[0].Status != "ACTIVE") {
			err = fmt.Errorf("%d servers %+v", len(list), list)
		}
		return err
	})
	list, err := x.named("agent-killed")
	require.NoError(t, err)
	require.NoError(t, servers.Delete(t.Context(), x.compute, list[0].ID).ExtractErr())
	eventually(t, x.leftovers)
	agent()
	stop()
	in.up(t, "--no-demo")
}

func testEngineRestarts(t *testing.T, in *installation) {
	boot := inGuest(t, in.hello, "cat /proc/sys/kernel/random/boot_id")
	for _, engine := range []string{"ovn-controller", "ovs-vswitchd", "libvirtd"} {
		t.Run(engine, func(t *testing.T) {
			killed := engineProcesses(t, engine)
			require.NotEmpty(t, killed)
			for _, pid := range killed {
				require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			}
			eventually(t, func() error {
				for _, pid := range engineProcesses(t, engine) {
					if !slices.Contains(killed, pid) {
						return nil
					}
				}
				return fmt.Errorf("%s is not back", engine)
			})
			require.Equal(t, boot, inGuest(t, in.hello, "cat /proc/sys/kernel/random/boot_id"), "the guest kept running")
			statusBecomes(t, helloID(t), "ACTIVE")
		})
	}
}
