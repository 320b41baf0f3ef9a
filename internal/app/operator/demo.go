package operator

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"golang.org/x/crypto/ssh"
)

// The names that `aloft up` uses; running it again finds the same objects by them.
const (
	adminCloud  = "aloft"
	demoName    = "demo"
	helloName   = "hello"
	outsideName = "outside"
	tinyImage   = "aloft-tiny"
	tinyFlavor  = "tiny"
	guestUser   = "aloft"
)

// Demo is what the demonstration found or made.
type Demo struct {
	Address string // the floating address of the server
	KeyFile string
}

// SSH returns the line with which one logs in to the server.
func (d Demo) SSH() string {
	return fmt.Sprintf("ssh -i %s -o UserKnownHostsFile=%s -o StrictHostKeyChecking=accept-new %s@%s",
		d.KeyFile, filepath.Join(filepath.Dir(d.KeyFile), "known_hosts"), guestUser, d.Address)
}

// demo makes, through the public APIs alone, what a newcomer wants to see first: a project with a network, a router to
// the outside and a server that one can ssh into. Everything is found by its name before it is made.
func (u *Up) demo(ctx context.Context, s *steps) (Demo, error) {
	d := Demo{KeyFile: filepath.Join(u.Config.EtcDir, "demo_ed25519")}
	var admin, tenant *clients
	var outside *networks.Network
	var port string
	key := demoKey{path: d.KeyFile}
	for _, step := range []struct {
		name string
		do   func(ctx context.Context, note func(string, ...any)) error
	}{
		{"image " + tinyImage, func(ctx context.Context, note func(string, ...any)) (err error) {
			if admin, err = u.adminClients(ctx); err != nil {
				return err
			}
			return u.ensureImage(ctx, admin, note)
		}},
		{"flavors, outside network", func(ctx context.Context, _ func(string, ...any)) (err error) {
			if err = ensureFlavors(ctx, admin); err != nil {
				return err
			}
			outside, err = ensureOutside(ctx, admin, u.Config.Outside)
			return err
		}},
		{"project " + demoName, func(ctx context.Context, _ func(string, ...any)) error {
			cloud, err := ensureProject(ctx, admin, u.credentials(), demoName, "made by aloft up")
			if err != nil {
				return err
			}
			tenant, err = login(ctx, cloud)
			return err
		}},
		{"network, router, ssh rule", func(ctx context.Context, _ func(string, ...any)) error {
			if err := key.ensure(ctx, tenant); err != nil {
				return err
			}
			return ensureNetwork(ctx, tenant, outside.ID)
		}},
		{"server " + helloName, func(ctx context.Context, note func(string, ...any)) (err error) {
			port, err = ensureServer(ctx, tenant, note)
			return err
		}},
		{"floating address", func(ctx context.Context, note func(string, ...any)) error {
			fip, err := ensureFloatingIP(ctx, tenant, outside.ID, port)
			if err == nil {
				d.Address = fip.FloatingIP
				note("%s", d.Address)
			}
			return err
		}},
		{"ssh answers", func(ctx context.Context, note func(string, ...any)) error {
			return waitSSH(ctx, d.Address, key.signer, note)
		}},
	} {
		if err := s.do(ctx, step.name, step.do); err != nil {
			return d, short(err)
		}
	}
	return d, nil
}

// ensureServer returns the port of the demonstration's server, which is ACTIVE then.
func ensureServer(ctx context.Context, c *clients, note func(string, ...any)) (port string, err error) {
	find := func(ctx context.Context) ([]servers.Server, error) {
		list, err := pages(ctx, servers.List(c.compute, servers.ListOpts{Name: "^" + helloName + "$"}), servers.ExtractServers)
		return only(list, err, func(s servers.Server) bool { return s.Status != "DELETED" })
	}
	found, err := find(ctx)
	if err != nil {
		return "", fmt.Errorf("looking for the server: %w", err)
	}
	if len(found) == 1 && found[0].Status == "ERROR" {
		note("replacing the one that failed: %s", found[0].Fault.Message)
		if err := deleteServer(ctx, c, found[0].ID); err != nil {
			return "", err
		}
	}
	server, err := ensure(ctx, "server "+helloName, find, func(ctx context.Context) (*servers.Server, error) { return createHello(ctx, c) })
	if err != nil {
		return "", err
	}
	if server.Status == "SHUTOFF" {
		if err := servers.Start(ctx, c.compute, server.ID).ExtractErr(); err != nil {
			return "", fmt.Errorf("starting the server: %w", err)
		}
	}
	if err := waitActive(ctx, c, server.ID, note); err != nil {
		return "", err
	}
	return portOf(ctx, c, server.ID)
}

func waitActive(ctx context.Context, c *clients, id string, note func(string, ...any)) error {
	var failed error
	err := until(ctx, patience, 100*time.Millisecond, func(ctx context.Context) error {
		s, err := servers.Get(ctx, c.compute, id).Extract()
		if err != nil {
			return err
		}
		note("%s %s", s.Status, s.TaskState)
		switch s.Status {
		case "ACTIVE":
			return nil
		case "ERROR":
			failed = fmt.Errorf("the build failed: %s", s.Fault.Message)
			return nil
		}
		return fmt.Errorf("the server is %s", s.Status)
	})
	if failed != nil {
		return failed
	}
	return err
}

func deleteServer(ctx context.Context, c *clients, id string) error {
	if err := servers.Delete(ctx, c.compute, id).ExtractErr(); err != nil {
		return fmt.Errorf("deleting the server that failed: %w", err)
	}
	return until(ctx, patience, 100*time.Millisecond, func(ctx context.Context) error {
		_, err := servers.Get(ctx, c.compute, id).Extract()
		if notFound(err) {
			return nil
		}
		return fmt.Errorf("the server that failed is not gone: %w", err)
	})
}

// ensureFloatingIP gives the port an address of the outside network, unless it has one.
func ensureFloatingIP(ctx context.Context, c *clients, outside, port string) (*floatingips.FloatingIP, error) {
	return ensure(
		ctx, "floating ip",
		func(ctx context.Context) ([]floatingips.FloatingIP, error) {
			return pages(ctx, floatingips.List(c.network, floatingips.ListOpts{PortID: port}), floatingips.ExtractFloatingIPs)
		},
		func(ctx context.Context) (*floatingips.FloatingIP, error) {
			return floatingips.Create(ctx, c.network, floatingips.CreateOpts{FloatingNetworkID: outside, PortID: port}).Extract()
		},
	)
}

// waitSSH waits until a session with the key can be had. Connections are given up and begun again quickly, as TCP's own
// repetition would sleep through the moment at which the guest begins to answer.
func waitSSH(ctx context.Context, address string, signer ssh.Signer, note func(string, ...any)) error {
	config := &ssh.ClientConfig{
		User: guestUser, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), // nothing secret is sent, and the key of a new guest is known to nobody
	}
	return until(ctx, patience, 50*time.Millisecond, func(ctx context.Context) error {
		if err := trySSH(ctx, net.JoinHostPort(address, "22"), config); err != nil {
			note("%v", err)
			return fmt.Errorf("ssh to %s: %w", address, err)
		}
		note("")
		return nil
	})
}

func trySSH(ctx context.Context, address string, config *ssh.ClientConfig) error {
	conn, err := (&net.Dialer{Timeout: 300 * time.Millisecond}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	client, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		return err
	}
	return ssh.NewClient(client, channels, requests).Close()
}
