package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/command"
)

// With several control nodes, each of OVN's databases is a Raft cluster of one server a node. The nodes reach one another
// by TLS with the certificates of Aloft's CA. Hosts have such certificates too, but nothing to do with these ports, so a
// filter keeps them out; their own port is OVNListen, where the database knows them by their certificates.
const (
	northPort    = 6641  // the northbound database, for control nodes
	southPort    = 16642 // the southbound one, for control nodes
	northPeering = 6643  // the servers of the northbound database among themselves
	southPeering = 6644
)

// Cluster are the control nodes whose OVN databases are one.
type Cluster struct {
	Address string   // this node's IPv4 address for the others
	Members []string // those of all nodes, this one's too, in the same order on each; the first makes the cluster. None: there is no cluster
}

// NorthRemotes are where the nodes of a cluster reach its northbound database.
func (c Cluster) NorthRemotes() []string { return c.remotes(northPort) }

func (c Cluster) remotes(port int) []string {
	var out []string
	for _, m := range c.Members {
		out = append(out, "ssl:"+net.JoinHostPort(m, strconv.Itoa(port)))
	}
	return out
}

func (c Cluster) there() bool { return len(c.Members) > 0 }

func peering(side string) int {
	if side == "nb" {
		return northPeering
	}
	return southPeering
}

func (c Certs) args() []string {
	return []string{"--private-key=" + c.Key, "--certificate=" + c.Cert, "--ca-cert=" + c.CA}
}

// clustered makes the spec of a database's server that of a member.
func (e *Engines) clustered(s spec, side, database, file string) spec {
	port := northPort
	if side == "sb" {
		port = southPort
	}
	s.unit = "" // systemd's unit knows of no cluster
	s.args = append(s.args[:len(s.args)-1:len(s.args)-1], fmt.Sprintf("--remote=pssl:%d:%s", port, e.cfg.Cluster.Address), file)
	s.prepare = func(ctx context.Context) error {
		return errors.Join(os.MkdirAll(ovnRunDir, 0o755), e.keepOthersOut(ctx), e.joinCluster(ctx, side, database, file))
	}
	socket := s.socket()
	s.ready = func(ctx context.Context) error { return isMember(ctx, socket, database) }
	after := s.after // both have one
	s.after = func(ctx context.Context) error {
		if err := hasQuorum(ctx, socket, database); err != nil {
			return err // and nothing can be written
		}
		if err := upgrade(ctx, socket, schemaFile(side)); err != nil {
			return err
		}
		return after(ctx)
	}
	return s
}

func schemaFile(side string) string { return "/usr/share/ovn/ovn-" + side + ".ovsschema" }

// joinCluster makes the file of a member that has none. The first node makes the cluster, of what it had alone if it was
// alone before; but one that has lost its file joins the others, if there are any.
func (e *Engines) joinCluster(ctx context.Context, side, database, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	from := schemaFile(side)
	_, err := os.Stat(file)
	switch {
	case err == nil:
		if _, err := command.Run(ctx, "ovsdb-tool", "db-is-clustered", file); err == nil {
			return nil
		}
		from = file
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	c := e.cfg.Cluster
	local := fmt.Sprintf("ssl:%s:%d", c.Address, peering(side))
	others := slices.DeleteFunc(slices.Clone(c.Members), func(m string) bool { return m == c.Address })
	fresh := file + ".new"
	if err := remove(fresh); err != nil {
		return err
	}
	if c.Members[0] == c.Address && !anyAnswers(ctx, others, peering(side)) {
		_, err = command.Run(ctx, "ovsdb-tool", "create-cluster", fresh, from, local)
	} else {
		args := []string{"join-cluster", fresh, database, local}
		for _, m := range others {
			args = append(args, fmt.Sprintf("ssl:%s:%d", m, peering(side)))
		}
		_, err = command.Run(ctx, "ovsdb-tool", args...)
	}
	if err != nil {
		return err
	}
	return os.Rename(fresh, file)
}

// anyAnswers tells whether one of some members listens.
func anyAnswers(ctx context.Context, members []string, port int) bool {
	for _, m := range members {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(m, strconv.Itoa(port)))
		if err == nil {
			_ = c.Close()
			return true
		}
	}
	return false
}

// keepOthersOut lets none but the members to the ports that are theirs. It replaces a table of its own.
func (e *Engines) keepOthersOut(ctx context.Context) error {
	return nft(ctx, fmt.Sprintf(`add table ip aloft_ovn
delete table ip aloft_ovn
table ip aloft_ovn {
	chain input {
		type filter hook input priority filter; policy accept;
		ip daddr %s tcp dport { %d, %d, %d, %d } ip saddr != { 127.0.0.0/8, %s } drop
	}
}
`, e.cfg.Cluster.Address, northPort, southPort, northPeering, southPeering, strings.Join(outsideLoopback(e.cfg.Cluster.Members), ", ")))
}

// outsideLoopback leaves out what 127.0.0.0/8 has already; if nothing is left, all of it stands for nothing.
func outsideLoopback(members []string) []string {
	out := slices.DeleteFunc(slices.Clone(members), func(m string) bool { return net.ParseIP(m).IsLoopback() })
	if len(out) == 0 {
		return []string{"0.0.0.0"} // nobody's
	}
	return out
}

// server is what a server says of a database, of the table Database in _Server.
type server struct {
	Model     string `json:"model"`
	Connected bool   `json:"connected"`
}

func serverOf(ctx context.Context, socket, database string) (server, error) {
	rows, err := transact(ctx, socket, "_Server", map[string]any{
		"op": "select", "table": "Database", "where": []any{[]any{"name", "==", database}}, "columns": []string{"model", "connected"},
	})
	if err != nil {
		return server{}, err
	}
	if len(rows) == 0 {
		return server{}, fmt.Errorf("%s does not serve %s", socket, database)
	}
	var s server
	err = errors.Join(json.Unmarshal(rows[0]["model"], &s.Model), json.Unmarshal(rows[0]["connected"], &s.Connected))
	return s, err
}

// isMember tells whether a server is a member of the database's cluster, with or without the others.
func isMember(ctx context.Context, socket, database string) error {
	s, err := serverOf(ctx, socket, database)
	if err == nil && s.Model != "clustered" {
		err = fmt.Errorf("%s serves %s alone and not as a member of a cluster", socket, database)
	}
	return err
}

// hasQuorum tells whether a member is in touch with most of the others.
func hasQuorum(ctx context.Context, socket, database string) error {
	s, err := serverOf(ctx, socket, database)
	if err == nil && !s.Connected {
		err = fault.New(fault.Unavailable, "this control node is not in touch with most of the others' %s: see aloft ovn-members", database)
	}
	return err
}

// upgrade brings a cluster to the schema of this node's OVN, if that is newer. A member's file cannot be converted.
func upgrade(ctx context.Context, socket, schema string) error {
	needs, err := command.Run(ctx, "ovsdb-client", "needs-conversion", "unix:"+socket, schema)
	if err == nil && strings.TrimSpace(needs) == "yes" {
		_, err = command.Run(ctx, "ovsdb-client", "convert", "unix:"+socket, schema)
	}
	return err
}
