package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/command"
)

// southRole is OVN's own: an ovn-controller changes the rows of its chassis only, which is the common name of its
// certificate, and ports that are bound there.
const southRole = "ovn-controller"

// southProbe is after how many milliseconds of silence the database asks a controller whether it is there. OVN needs no
// answer to that, and a host that is busy for some seconds should not lose its connection.
const southProbe = 30000

// listenSouth has the southbound database listen for the other hosts.
func (e *Engines) listenSouth(ctx context.Context) error {
	if e.cfg.OVNListen == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(e.cfg.OVNListen)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the address %q for OVN's southbound database is not like 10.0.0.1:6642", e.cfg.OVNListen)
	}
	target := "pssl:" + port
	if host != "" && !e.cfg.Cluster.there() { // the database of a cluster says the same to all its servers
		target += ":" + host
	}
	certs, err := readCerts(ctx, ovnSouthSocket, southDatabase)
	if err != nil {
		return err
	}
	targets, err := texts(ctx, ovnSouthSocket, southDatabase, "Connection", "target", "role")
	if err != nil {
		return err
	}
	if certs == e.cfg.Certs && slices.Equal(targets, []string{target, southRole}) {
		return nil
	}
	b, err := e.journal.read()
	if err != nil {
		return err
	}
	if !b.SouthTLS && (certs != Certs{} || len(targets) > 0) {
		return fault.New(fault.Conflict, "OVN's southbound database on this host listens already, for somebody else: %v", targets)
	}
	if err := e.journal.change(func(b *before) { b.SouthTLS = true }); err != nil {
		return err
	}
	_, err = command.Run(ctx, "ovn-sbctl", "--db=unix:"+ovnSouthSocket, "--no-leader-only", "--timeout=10",
		"set-ssl", e.cfg.Certs.Key, e.cfg.Certs.Cert, e.cfg.Certs.CA,
		"--", fmt.Sprintf("--inactivity-probe=%d", southProbe), "set-connection", "role="+southRole, target)
	return err
}

// trustSwitch gives ovn-controller its certificate, which it takes from Open vSwitch's settings.
func (e *Engines) trustSwitch(ctx context.Context) error {
	certs, err := readCerts(ctx, ovsSocket, "Open_vSwitch")
	if err != nil || certs == e.cfg.Certs {
		return err
	}
	b, err := e.journal.read()
	if err != nil {
		return err
	}
	if !b.SwitchTLS && certs != (Certs{}) {
		return fault.New(fault.Conflict, "Open vSwitch on this host has a certificate already, %s; take it out first (ovs-vsctl del-ssl)", certs.Cert)
	}
	if err := e.journal.change(func(b *before) { b.SwitchTLS = true }); err != nil {
		return err
	}
	_, err = command.Vsctl(ctx, "--no-wait", "set-ssl", e.cfg.Certs.Key, e.cfg.Certs.Cert, e.cfg.Certs.CA)
	return err
}

// restoreTLS takes the certificates out of the engines that stay.
func restoreTLS(ctx context.Context, b before) error {
	var errs []error
	if b.SouthTLS && accepts(ctx, ovnSouthSocket) == nil {
		_, err := command.Run(ctx, "ovn-sbctl", "--db=unix:"+ovnSouthSocket, "--no-leader-only", "--timeout=10", "del-connection", "--", "del-ssl")
		errs = append(errs, err)
	}
	if b.SwitchTLS && accepts(ctx, ovsSocket) == nil {
		_, err := command.Vsctl(ctx, "--no-wait", "del-ssl")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// readCerts are the certificates that a database's server, or who reads it, uses; zero if it has none.
func readCerts(ctx context.Context, socket, database string) (Certs, error) {
	cells, err := texts(ctx, socket, database, "SSL", "certificate", "private_key", "ca_cert")
	if err != nil || len(cells) == 0 {
		return Certs{}, err
	}
	return Certs{Cert: cells[0], Key: cells[1], CA: cells[2]}, nil
}

// texts are the cells of a table's columns of text, row by row.
func texts(ctx context.Context, socket, database, table string, columns ...string) ([]string, error) {
	rows, err := transact(ctx, socket, database, map[string]any{"op": "select", "table": table, "where": []any{}, "columns": columns})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, row := range rows {
		for _, c := range columns {
			var cell string
			if err := json.Unmarshal(row[c], &cell); err != nil {
				return nil, fmt.Errorf("read %s of %s: %w", c, table, err)
			}
			out = append(out, cell)
		}
	}
	return out, nil
}
