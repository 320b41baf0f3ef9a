package engine

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Member is a server of a clustered database.
type Member struct {
	Database string // "OVN_Northbound" or "OVN_Southbound"
	ID       string // the first digits of its id
	Address  string // of its node
	Role     string // "leader" or "follower"
	Heard    string // how long ago this node heard of it, in OVN's words; empty for this node
}

// databases are OVN's, and where their servers take commands.
func databases() map[string]string {
	return map[string]string{northDatabase: ovnRunDir + "/ovnnb_db.ctl", southDatabase: ovnRunDir + "/ovnsb_db.ctl"}
}

// Members asks this node's servers for those of both clusters.
func Members(ctx context.Context) ([]Member, error) {
	var out []Member
	for _, database := range []string{northDatabase, southDatabase} {
		var text string
		if err := call(ctx, databases()[database], "cluster/status", []any{database}, &text); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "%s on this machine is not a member of a cluster, or does not run (see --ovn-members of aloft serve)", database)
		}
		out = append(out, parseMembers(database, text)...)
	}
	return out, nil
}

var (
	leaderLine = regexp.MustCompile(`(?m)^Leader: (\w+)$`)
	memberLine = regexp.MustCompile(`(?m)^\s+(\w+) \(\w+ at \w+:(\S+)\)(.*)$`)
	heardWords = regexp.MustCompile(`last msg (\d+ ms) ago`)
)

// parseMembers reads the answer to cluster/status.
func parseMembers(database, text string) []Member {
	leader := ""
	if m := leaderLine.FindStringSubmatch(text); m != nil {
		leader = m[1]
	}
	var out []Member
	for _, m := range memberLine.FindAllStringSubmatch(text, -1) {
		one := Member{Database: database, ID: m[1], Role: "follower"}
		self := strings.Contains(m[3], "(self)")
		if leader == m[1] || leader == "self" && self {
			one.Role = "leader"
		}
		if host, _, err := net.SplitHostPort(m[2]); err == nil {
			one.Address = host
		}
		if heard := heardWords.FindStringSubmatch(m[3]); heard != nil && !self {
			one.Heard = heard[1]
		}
		out = append(out, one)
	}
	return out
}

// RemoveMember takes a node, by its address or the id of one of its servers, out of the clusters. It is for nodes that do
// not come back; others leave most of the cluster to work with, and lose nothing by staying in it while they are down.
func RemoveMember(ctx context.Context, which string) error {
	members, err := Members(ctx)
	if err != nil {
		return err
	}
	found := false
	for _, m := range members {
		if m.ID != which && m.Address != which {
			continue
		}
		found = true
		var text string
		if err := call(ctx, databases()[m.Database], "cluster/kick", []any{m.Database, m.ID}, &text); err != nil {
			return fmt.Errorf("removing %s from %s: %w", which, m.Database, err)
		}
	}
	if !found {
		return fault.New(fault.NotFound, "no member of OVN's clusters has the address or the id %q; aloft ovn-members lists them", which)
	}
	return nil
}
