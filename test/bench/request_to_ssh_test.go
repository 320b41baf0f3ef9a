package bench

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/test/guestfwd"
	"github.com/aloft-cloud/aloft/test/namespace"
)

// BenchmarkRequestToSSH times, in turn, a QEMU that is started by hand and a server that is asked for by POST /servers,
// both of the same image, size and machine, until the first byte of the ssh server. The difference of the medians is
// Aloft's own share: request, placement, disk, port, domain, and the network of its own in place of QEMU's.
func BenchmarkRequestToSSH(b *testing.B) {
	namespace.Required(b)
	const rounds = 5
	c := newCloud(b)
	for b.Loop() {
		var hand, aloft []time.Duration
		for i := range rounds {
			hand = append(hand, byHand(b, c.image))
			aloft = append(aloft, c.byRequest(b, fmt.Sprint("bench-", i)))
		}
		b.Logf("by hand %v, by request %v", hand, aloft)
		b.ReportMetric(median(hand).Seconds()*1000, "ms-by-hand")
		b.ReportMetric(median(aloft).Seconds()*1000, "ms-by-request")
		b.ReportMetric((median(aloft)-median(hand)).Seconds()*1000, "ms-own-share")
	}
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

// quantile returns the time in milliseconds below which a share of the list lies.
func quantile(list []time.Duration, share float64) float64 {
	slices.Sort(list)
	return list[min(len(list)-1, int(float64(len(list))*share))].Seconds() * 1000
}

// awaitSSH waits for the first line of the ssh server.
func awaitSSH(b *testing.B, address string) {
	b.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		conn, err := (&net.Dialer{Timeout: 200 * time.Millisecond}).DialContext(b.Context(), "tcp", address)
		if err == nil {
			_ = conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)) // QEMU's user network accepts before the guest does
			line, _ := bufio.NewReader(conn).ReadString('\n')
			conn.Close()
			if strings.HasPrefix(line, "SSH-2.0-") {
				return
			}
		}
		require.True(b, time.Now().Before(deadline), "ssh at %s does not answer: %v", address, err)
	}
}

// byHand starts QEMU as the hypervisor's driver does, with QEMU's user network and a metadata service beside it.
func byHand(b *testing.B, image string) time.Duration {
	b.Helper()
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/openstack/latest/meta_data.json" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"uuid":"bench","hostname":"bench"}`)
	}))
	defer metadata.Close()
	disk := filepath.Join(b.TempDir(), "disk.qcow2")
	out, err := exec.CommandContext(b.Context(), "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image, disk, "1G").CombinedOutput()
	require.NoError(b, err, string(out))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	address := listener.Addr().String()
	require.NoError(b, listener.Close())
	_, port, err := net.SplitHostPort(address)
	require.NoError(b, err)
	self, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.CommandContext(b.Context(), "qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", "max", "-m", "256",
		"-nodefaults", "-display", "none", "-serial", "null", "-drive", "file="+disk+",if=virtio,format=qcow2,cache=none",
		"-netdev", "user,id=n,net=169.254.0.0/16,dhcpstart=169.254.0.15,host=169.254.0.2,restrict=on,hostfwd=tcp:127.0.0.1:"+port+"-:22"+
			",guestfwd=tcp:169.254.169.254:80-cmd:"+self,
		"-device", "virtio-net-pci,netdev=n", "-device", "virtio-rng-pci")
	cmd.Env = append(os.Environ(), guestfwd.Variable+"="+metadata.Listener.Addr().String())
	start := time.Now()
	require.NoError(b, cmd.Start())
	awaitSSH(b, address)
	took := time.Since(start)
	require.NoError(b, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed, and says so
	return took
}

// cloud is an installation with its demonstration, and the APIs of its tenant.
type cloud struct {
	image                              string // file
	compute, network                   *gophercloud.ServiceClient
	imageID, networkID, outside, group string
}

func newCloud(b *testing.B) *cloud {
	b.Helper()
	binary, err := filepath.Abs("../../bin/aloft")
	require.NoError(b, err)
	c := &cloud{image: filepath.Join(filepath.Dir(binary), "aloft-tiny.qcow2")}
	out, err := exec.CommandContext(b.Context(), binary, "up", "--image", c.image).CombinedOutput()
	require.NoError(b, err, string(out))
	auth, endpoint, _, err := clouds.Parse(clouds.WithCloudName("demo"), clouds.WithLocations("/etc/aloft/clouds.yaml"))
	require.NoError(b, err)
	pem, err := os.ReadFile("/etc/aloft/ca.pem")
	require.NoError(b, err)
	pool := x509.NewCertPool()
	require.True(b, pool.AppendCertsFromPEM(pem))
	p, err := config.NewProviderClient(b.Context(), auth, config.WithTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	require.NoError(b, err)
	c.compute, err = openstack.NewComputeV2(p, endpoint)
	require.NoError(b, err)
	c.network, err = openstack.NewNetworkV2(p, endpoint)
	require.NoError(b, err)
	imageClient, err := openstack.NewImageV2(p, endpoint)
	require.NoError(b, err)
	ipages, err := images.List(imageClient, images.ListOpts{Name: "aloft-tiny"}).AllPages(b.Context())
	require.NoError(b, err)
	found, err := images.ExtractImages(ipages)
	require.NoError(b, err)
	c.imageID = found[0].ID
	npages, err := networks.List(c.network, networks.ListOpts{}).AllPages(b.Context())
	require.NoError(b, err)
	nets, err := networks.ExtractNetworks(npages)
	require.NoError(b, err)
	for _, n := range nets {
		if n.Name == "demo" {
			c.networkID = n.ID
		} else {
			c.outside = n.ID
		}
	}
	ppages, err := ports.List(c.network, ports.ListOpts{NetworkID: c.networkID}).AllPages(b.Context())
	require.NoError(b, err)
	plugged, err := ports.ExtractPorts(ppages)
	require.NoError(b, err)
	for _, p := range plugged {
		if strings.HasPrefix(p.DeviceOwner, "compute:") { // the group that lets ssh in
			c.group = p.SecurityGroups[0]
		}
	}
	return c
}

// byRequest makes a server on a port that has its floating address already, as the clock runs from POST /servers on.
func (c *cloud) byRequest(b *testing.B, name string) time.Duration {
	b.Helper()
	port, err := ports.Create(b.Context(), c.network, ports.CreateOpts{NetworkID: c.networkID, Name: name, SecurityGroups: &[]string{c.group}}).Extract()
	require.NoError(b, err)
	fip, err := floatingips.Create(b.Context(), c.network, floatingips.CreateOpts{FloatingNetworkID: c.outside, PortID: port.ID}).Extract()
	require.NoError(b, err)
	start := time.Now()
	s, err := servers.Create(b.Context(), c.compute, servers.CreateOpts{
		Name: name, ImageRef: c.imageID, FlavorRef: "tiny", Networks: []servers.Network{{Port: port.ID}},
	}, nil).Extract()
	require.NoError(b, err)
	awaitSSH(b, fip.FloatingIP+":22")
	took := time.Since(start)
	require.NoError(b, servers.Delete(b.Context(), c.compute, s.ID).ExtractErr())
	require.NoError(b, floatingips.Delete(b.Context(), c.network, fip.ID).ExtractErr())
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) { // its end is not measured with the next
		_, err := servers.Get(b.Context(), c.compute, s.ID).Extract()
		if gophercloud.ResponseCodeIs(err, 404) {
			break
		}
		require.True(b, time.Now().Before(deadline), "the server is not gone")
	}
	require.NoError(b, ports.Delete(b.Context(), c.network, port.ID).ExtractErr())
	return took
}
