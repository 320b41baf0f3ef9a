package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

const (
	ovnRunDir      = "/run/ovn"
	ovnNorthSocket = ovnRunDir + "/ovnnb_db.sock"
	ovnSouthSocket = ovnRunDir + "/ovnsb_db.sock"

	northDatabase = "OVN_Northbound"
	southDatabase = "OVN_Southbound"
)

// ovnDatabase is the server of one of OVN's databases, "nb" or "sb".
func (e *Engines) ovnDatabase(side string) spec {
	name := "ovn" + side + "_db"
	table, connections, socket, after := northDatabase, "NB_Global", ovnNorthSocket, e.configureNorth
	if side == "sb" {
		table, connections, socket, after = southDatabase, "SB_Global", ovnSouthSocket, e.listenSouth
	}
	db, pid := e.data("ovn", name+".db"), ovnRunDir+"/"+name+".pid"
	certs := []string{
		fmt.Sprintf("--private-key=db:%s,SSL,private_key", table), fmt.Sprintf("--certificate=db:%s,SSL,certificate", table),
		fmt.Sprintf("--ca-cert=db:%s,SSL,ca_cert", table),
	}
	if e.cfg.Cluster.there() { // the members meet by TLS before there is a database
		certs = e.cfg.Certs.args()
	}
	args := append(e.daemonArgs(name, pid), "--unixctl="+ovnRunDir+"/"+name+".ctl",
		"--remote=punix:"+socket, fmt.Sprintf("--remote=db:%s,%s,connections", table, connections))
	s := spec{
		name: name, unit: "ovn-ovsdb-server-" + side + ".service", program: "ovsdb-server",
		args: append(append(args, certs...), db), pidFile: pid,
		prepare: func(ctx context.Context) error {
			return errors.Join(os.MkdirAll(ovnRunDir, 0o755), createDatabase(ctx, db, schemaFile(side)))
		},
		socket: fixed(socket),
		ready:  func(ctx context.Context) error { return serves(ctx, socket, table) },
		after:  after,
	}
	if e.cfg.Cluster.there() {
		return e.clustered(s, side, table, db)
	}
	return s
}

func (e *Engines) northd() spec {
	pid := ovnRunDir + "/ovn-northd.pid"
	socket := func() string { return controlSocket(ovnRunDir, "ovn-northd") }
	unit, databases := "ovn-northd.service", []string{"--ovnnb-db=unix:" + ovnNorthSocket, "--ovnsb-db=unix:" + ovnSouthSocket}
	if c := e.cfg.Cluster; c.there() { // it needs the leader of each, which may be two nodes
		unit = ""
		databases = append(e.cfg.Certs.args(), "--ovnnb-db="+strings.Join(c.NorthRemotes(), ","), "--ovnsb-db="+strings.Join(c.remotes(southPort), ","))
	}
	return spec{
		name: "ovn-northd", unit: unit, program: "ovn-northd",
		args:    append(e.daemonArgs("ovn-northd", pid), databases...),
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
