package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
)

const (
	ovnRunDir      = "/run/ovn"
	ovnNorthSocket = ovnRunDir + "/ovnnb_db.sock"
	ovnSouthSocket = ovnRunDir + "/ovnsb_db.sock"
)

// ovnDatabase is the server of one of OVN's databases, "nb" or "sb".
func (e *Engines) ovnDatabase(side string) spec {
	name := "ovn" + side + "_db"
	table, connections, socket, after := "OVN_Northbound", "NB_Global", ovnNorthSocket, e.configureNorth
	if side == "sb" {
		table, connections, socket, after = "OVN_Southbound", "SB_Global", ovnSouthSocket, e.listenSouth
	}
	db, pid := e.data("ovn", name+".db"), ovnRunDir+"/"+name+".pid"
	return spec{
		name: name, unit: "ovn-ovsdb-server-" + side + ".service", program: "ovsdb-server",
		args: append(e.daemonArgs(name, pid), "--unixctl="+ovnRunDir+"/"+name+".ctl",
			"--remote=punix:"+socket, fmt.Sprintf("--remote=db:%s,%s,connections", table, connections),
			fmt.Sprintf("--private-key=db:%s,SSL,private_key", table), fmt.Sprintf("--certificate=db:%s,SSL,certificate", table),
			fmt.Sprintf("--ca-cert=db:%s,SSL,ca_cert", table), db),
		pidFile: pid,
		prepare: func(ctx context.Context) error {
			return errors.Join(os.MkdirAll(ovnRunDir, 0o755), createDatabase(ctx, db, "/usr/share/ovn/ovn-"+side+".ovsschema"))
		},
		socket: fixed(socket),
		ready:  func(ctx context.Context) error { return serves(ctx, socket, table) },
		after:  after,
	}
}

func (e *Engines) northd() spec {
	pid := ovnRunDir + "/ovn-northd.pid"
	socket := func() string { return controlSocket(ovnRunDir, "ovn-northd") }
	return spec{
		name: "ovn-northd", unit: "ovn-northd.service", program: "ovn-northd",
		args: append(e.daemonArgs("ovn-northd", pid),
			"--ovnnb-db=unix:"+ovnNorthSocket, "--ovnsb-db=unix:"+ovnSouthSocket),
		pidFile: pid,
		socket:  socket,
		ready: func(ctx context.Context) error {
			return control(ctx, socket(), "status", oneOf("Status: active\n", "Status: standby\n"))
		},
	}
}

func (e *Engines) controller() spec {
	pid := ovnRunDir + "/ovn-controller.pid"
	socket := func() string { return controlSocket(ovnRunDir, "ovn-controller") }
	return spec{
		name: "ovn-controller", unit: "ovn-controller.service", program: "ovn-controller",
		args:    append(e.daemonArgs("ovn-controller", pid), "unix:"+ovsSocket),
		pidFile: pid,
		prepare: func(context.Context) error { return os.MkdirAll(ovnRunDir, 0o755) },
		socket:  socket,
		ready:   func(ctx context.Context) error { return control(ctx, socket(), "version", nil) },
		settled: func(ctx context.Context) error {
			return control(ctx, socket(), "connection-status", oneOf("connected\n"))
		},
	}
}
