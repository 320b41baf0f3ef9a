package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/digitalocean/go-libvirt"
)

const (
	libvirtSocket  = "/run/libvirt/libvirt-sock"
	virtlogdSocket = "/run/libvirt/virtlogd-sock"
)

func (e *Engines) virtlogd() spec {
	pid := filepath.Join(e.cfg.RunDir, "virtlogd.pid")
	return spec{
		name: "virtlogd", unit: "virtlogd.socket", program: "virtlogd",
		args: []string{"-d", "-p", pid}, pidFile: pid,
		socket: fixed(virtlogdSocket),
		ready:  func(ctx context.Context) error { return accepts(ctx, virtlogdSocket) },
	}
}

func (e *Engines) libvirtd() spec {
	pid, conf := filepath.Join(e.cfg.RunDir, "libvirtd.pid"), filepath.Join(e.cfg.RunDir, "libvirtd.conf")
	return spec{
		name: "libvirtd", unit: "libvirtd.service", program: "libvirtd",
		args: []string{"-d", "-p", pid, "-f", conf}, pidFile: pid,
		prepare: func(context.Context) error {
			return errors.Join(os.WriteFile(conf, e.libvirtdConf(), 0o600), e.openKVM())
		},
		socket: fixed(libvirtSocket),
		ready:  libvirtReady,
	}
}

// libvirtdConf lets in root and the group libvirt without polkit, which needs a message bus that may not be there.
// Everything else is libvirt's default: of Debian's build, QEMU runs as libvirt-qemu, and no network starts by itself.
func (e *Engines) libvirtdConf() []byte {
	return fmt.Appendf(nil, `auth_unix_rw = "none"
unix_sock_group = "libvirt"
unix_sock_ro_perms = "0770"
unix_sock_rw_perms = "0770"
log_level = 3
log_outputs = "3:file:%s"
`, e.logFile("libvirtd"))
}

// kvmNode is the device of the kernel's virtualisation.
const kvmNode = "/dev/kvm"

// openKVM gives /dev/kvm to the group kvm, as udev does where it runs. Without that, libvirt's probe of QEMU sees KVM
// and its check of the node does not, so that it throws its cache away and probes a dozen times for each guest: a start
// then takes most of a minute.
func (e *Engines) openKVM() error {
	info, err := os.Stat(kvmNode)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	gid, err := groupID("kvm")
	if err != nil {
		return err
	}
	now := nodeAccess(info)
	want := access{Mode: 0o660, UID: now.UID, GID: gid}
	if now == want || now.Mode&0o006 == 0o006 {
		return nil
	}
	if err := e.journal.change(func(b *before) {
		if b.KVM == nil {
			b.KVM = &now
		}
	}); err != nil {
		return err
	}
	return want.apply(kvmNode)
}

// libvirtReady asks libvirtd for its version over a connection to the QEMU driver.
func libvirtReady(ctx context.Context) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", libvirtSocket)
	if err != nil {
		return err
	}
	defer c.Close()
	// go-libvirt's calls know nothing of contexts, so the connection ends with the deadline.
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(startDeadline)
	}
	if err := c.SetDeadline(deadline); err != nil {
		return err
	}
	l := libvirt.NewWithDialer(dialed{c})
	if err := l.ConnectToURI(libvirt.QEMUSystem); err != nil {
		return fmt.Errorf("connect to libvirtd: %w", err)
	}
	_, err = l.ConnectGetLibVersion()
	return errors.Join(err, l.Disconnect())
}

// dialed hands go-libvirt a connection that is there already.
type dialed struct{ conn net.Conn }

// Dial returns the connection.
func (d dialed) Dial() (net.Conn, error) { return d.conn, nil }
