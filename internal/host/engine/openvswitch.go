package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aloft-cloud/aloft/internal/host/command"
)

const (
	ovsRunDir = "/run/openvswitch"
	ovsSocket = ovsRunDir + "/db.sock"
	ovsSchema = "/usr/share/openvswitch/vswitch.ovsschema"
)

func (e *Engines) ovsdb() spec {
	db, pid := e.data("openvswitch", "conf.db"), ovsRunDir+"/ovsdb-server.pid"
	return spec{
		name: "ovsdb-server", unit: "ovsdb-server.service", program: "ovsdb-server",
		args: append(e.daemonArgs("ovsdb-server", pid),
			"--remote=punix:"+ovsSocket, "--remote=db:Open_vSwitch,Open_vSwitch,manager_options", db),
		pidFile: pid,
		prepare: func(ctx context.Context) error {
			return errors.Join(os.MkdirAll(ovsRunDir, 0o755), createDatabase(ctx, db, ovsSchema))
		},
		socket: fixed(ovsSocket),
		ready:  func(ctx context.Context) error { return serves(ctx, ovsSocket, "Open_vSwitch") },
		after:  e.configureSwitch,
	}
}

func (e *Engines) vswitchd() spec {
	pid := ovsRunDir + "/ovs-vswitchd.pid"
	socket := func() string { return controlSocket(ovsRunDir, "ovs-vswitchd") }
	return spec{
		name: "ovs-vswitchd", unit: "ovs-vswitchd.service", program: "ovs-vswitchd",
		args:    append(e.daemonArgs("ovs-vswitchd", pid), "--mlockall", "unix:"+ovsSocket),
		pidFile: pid,
		socket:  socket,
		ready:   func(ctx context.Context) error { return control(ctx, socket(), "version", nil) },
		after:   e.join,
	}
}

// daemonArgs are the options that all programs of Open vSwitch and OVN share.
func (e *Engines) daemonArgs(name, pidFile string) []string {
	return []string{
		"--detach", "--no-chdir", "--pidfile=" + pidFile, "--log-file=" + e.logFile(name),
		"-vconsole:off", "-vsyslog:off", "-vfile:info",
	}
}

// createDatabase makes a database file from a schema, or converts one of an older schema.
func createDatabase(ctx context.Context, file, schema string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	_, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = command.Run(ctx, "ovsdb-tool", "create", file, schema)
		return err
	}
	if err != nil {
		return err
	}
	needs, err := command.Run(ctx, "ovsdb-tool", "needs-conversion", file, schema)
	if err == nil && strings.TrimSpace(needs) == "yes" {
		_, err = command.Run(ctx, "ovsdb-tool", "convert", file, schema)
	}
	return err
}

// controlSocket is where a running program of Open vSwitch or OVN takes commands; its process id is in the name.
func controlSocket(dir, name string) string {
	pid, err := os.ReadFile(filepath.Join(dir, name+".pid"))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s/%s.%s.ctl", dir, name, strings.TrimSpace(string(pid)))
}
