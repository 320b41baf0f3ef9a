package app

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/hypervisors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/stretchr/testify/require"
)

func (r *rig) create(name string) (string, error) {
	s, err := servers.Create(r.t.Context(), r.compute, servers.CreateOpts{
		Name: name, ImageRef: r.imageID, FlavorRef: "tiny", Networks: []servers.Network{{UUID: r.networkID}},
	}, nil).Extract()
	if err != nil {
		return "", err
	}
	return s.ID, nil
}

func (r *rig) list() []servers.Server {
	r.t.Helper()
	all, err := r.servers()
	require.NoError(r.t, err)
	return all
}

func (r *rig) servers() ([]servers.Server, error) {
	page, err := servers.List(r.compute, servers.ListOpts{}).AllPages(r.t.Context())
	if err != nil {
		return nil, err
	}
	return servers.ExtractServers(page)
}

// leftovers tells what is there that nobody owns.
func (r *rig) leftovers() error {
	known, placed := map[string]bool{}, 0
	for _, s := range r.list() {
		known[s.ID] = true
		if s.Host != "" { // a build that failed on every host it was tried on is on none
			placed++
		}
	}
	page, err := ports.List(r.network, ports.ListOpts{}).AllPages(r.t.Context())
	require.NoError(r.t, err)
	plugged, err := ports.ExtractPorts(page)
	require.NoError(r.t, err)
	held := 0
	for _, p := range plugged {
		if p.DeviceOwner == "network:distributed" {
			continue
		}
		if !known[p.DeviceID] {
			return fmt.Errorf("port %s of the server %q that is gone", p.ID, p.DeviceID)
		}
		held++
	}
	if held != len(known) {
		return fmt.Errorf("%d ports for %d servers", held, len(known))
	}
	hpage, err := hypervisors.List(r.compute, nil).AllPages(r.t.Context())
	require.NoError(r.t, err)
	claimed, err := hypervisors.ExtractHypervisors(hpage)
	require.NoError(r.t, err)
	total := 0
	for _, h := range claimed {
		total += h.VCPUsUsed
	}
	if total != placed {
		return fmt.Errorf("%d vCPUs claimed for %d servers on hosts", total, placed)
	}
	domains := map[string]bool{}
	for _, h := range r.hosts {
		list, err := h.domain.List(r.t.Context())
		if err != nil {
			return err
		}
		for _, d := range list {
			if domains[d.ID] {
				return fmt.Errorf("two domains of server %s", d.ID)
			}
			domains[d.ID] = true
			if !known[d.ID] {
				return fmt.Errorf("a domain of the server %s that is gone", d.ID)
			}
		}
		disks, err := h.disks.List(r.t.Context())
		if err != nil {
			return err
		}
		for _, id := range disks {
			if !known[id] {
				return fmt.Errorf("a disk of the server %s that is gone", id)
			}
		}
	}
	return nil
}

// patience is far above what anything here takes: a whole control plane with its hosts runs in this process, under the
// race detector, beside whatever else the machine does.
const patience = 10 * time.Minute

func eventually(t *testing.T, check func() error) {
	t.Helper()
	var last error
	ok := func() bool {
		last = check()
		return last == nil
	}
	deadline := time.Now().Add(patience)
	for pause := 20 * time.Millisecond; !ok(); pause = min(2*pause, time.Second) { // looking costs what is looked at time
		if time.Now().After(deadline) {
			require.NoError(t, last, "not within %s", patience)
		}
		time.Sleep(pause)
	}
}

// settled waits until every server that is not in ERROR is ACTIVE, and nothing is left over.
func (r *rig) settled() {
	r.t.Helper()
	eventually(r.t, func() error {
		for _, s := range r.list() {
			if s.Status != "ACTIVE" && s.Status != "ERROR" {
				return fmt.Errorf("%s is %s (%s)", s.Name, s.Status, s.TaskState)
			}
			if s.Status == "ERROR" && s.Fault.Message == "" {
				return fmt.Errorf("%s failed and does not say why", s.Name)
			}
		}
		return r.leftovers()
	})
}

func (r *rig) deleteAll() {
	r.t.Helper()
	for _, s := range r.list() {
		err := servers.Delete(r.t.Context(), r.compute, s.ID).ExtractErr()
		require.True(r.t, err == nil || gophercloud.ResponseCodeIs(err, 404), "%v", err)
	}
	eventually(r.t, func() error {
		if left := r.list(); len(left) > 0 {
			return fmt.Errorf("%d servers are left; %s is %s", len(left), left[0].Name, left[0].Status)
		}
		return r.leftovers()
	})
}

func TestCreateStopStartDelete(t *testing.T) {
	r := newRig(t)
	r.prepare()
	h := r.addHost(0, 20*time.Millisecond)
	id, err := r.create("one")
	require.NoError(t, err)
	r.settled()
	require.Equal(t, "ACTIVE", r.list()[0].Status)
	h.domain.PowerOff(id)
	eventually(t, func() error {
		if s := r.list()[0]; s.Status != "SHUTOFF" {
			return fmt.Errorf("it powered itself off and is %s", s.Status)
		}
		return nil
	})
	require.NoError(t, servers.Start(t.Context(), r.compute, id).ExtractErr())
	r.settled()
	starts := h.domain.Starts(id)
	h.domain.RebootHost()
	eventually(t, func() error {
		if h.domain.Starts(id) != starts+1 {
			return fmt.Errorf("it was started %d times", h.domain.Starts(id))
		}
		return nil
	})
	r.settled()
	require.Equal(t, "ACTIVE", r.list()[0].Status)
	r.deleteAll()
}

// TestNothingIsLeftOver makes and deletes hundreds of servers on hosts whose engines fail, whose agents are killed and
// whose control plane is restarted, and looks for what nobody owns at the end.
func TestNothingIsLeftOver(t *testing.T) {
	r := newRig(t)
	r.prepare()
	for range 3 {
		r.addHost(0.1, 5*time.Millisecond)
	}
	dice := rand.New(rand.NewPCG(1, 2))
	const rounds, each = 6, 40
	for round := range rounds {
		var wg sync.WaitGroup
		for i := range each {
			name := fmt.Sprintf("s-%d-%d", round, i)
			gone := dice.IntN(3) == 0
			wg.Go(func() {
				id, err := r.create(name)
				if err != nil {
					t.Errorf("creating %s: %v", name, err)
					return
				}
				if gone { // in the middle of its build
					if err := servers.Delete(t.Context(), r.compute, id).ExtractErr(); err != nil {
						t.Errorf("deleting %s: %v", name, err)
					}
				}
			})
		}
		victim := r.hosts[dice.IntN(len(r.hosts))]
		victim.kill()
		wg.Wait()
		victim.run(r)
		if round == rounds/2 {
			r.hosts[0].domain.RebootHost()
		}
	}
	r.settled()
	r.deleteAll()
}

// TestRestartOfTheControlPlane ends the control plane in the middle of builds and starts it on what it left.
func TestRestartOfTheControlPlane(t *testing.T) {
	r := newRig(t)
	r.prepare()
	h := r.addHost(0, 300*time.Millisecond)
	for i := range 20 {
		_, err := r.create(fmt.Sprint("s-", i))
		require.NoError(t, err)
	}
	h.kill()
	r.stop()
	r.start()
	h.run(r)
	r.settled()
	for _, s := range r.list() {
		require.Equal(t, "ACTIVE", s.Status, s.Fault.Message)
	}
	require.Len(t, r.list(), 20)
	r.deleteAll()
}
