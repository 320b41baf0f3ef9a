package ovn

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// TestAuditFindsWhatIsTamperedWith deletes and alters rows at random, and sees each found and mended.
func TestAuditFindsWhatIsTamperedWith(t *testing.T) {
	p := newPlant(t)
	e, _ := p.engine()
	s := forwarded()
	s.Ports[0].QoS = limited().Ports[0].QoS
	require.NoError(t, e.Apply(t.Context(), s))
	audit := func() []network.Deviation {
		list, err := e.Audit(t.Context(), s)
		require.NoError(t, err)
		return list
	}
	clean := func() bool { return len(audit()) == 0 }
	require.Eventually(t, clean, patience, 10*time.Millisecond)

	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 15 {
		words := p.tamper(random)
		require.Eventually(t, func() bool { return !clean() }, patience, 10*time.Millisecond, words)
		for _, d := range audit() {
			require.NotEmpty(t, d.String())
		}
		require.NoError(t, e.Apply(t.Context(), s))
		require.Eventually(t, clean, patience, 10*time.Millisecond, "after %s: %v", words, audit())
	}

	t.Run("it says in words what is not so", func(t *testing.T) {
		p.nbctl("lsp-set-addresses", id("two"), "unknown")
		p.nbctl("lsp-del", id("one"))
		p.nbctl("create", "DHCP_Options", "cidr=10.9.0.0/24", `external_ids={"aloft:unit"="network/gone","aloft:id"="gone"}`)
		told := func() string {
			var out []string
			for _, d := range audit() {
				out = append(out, d.String())
			}
			return strings.Join(out, "\n")
		}
		for _, want := range []string{
			"Logical_Switch_Port " + id("one") + " of port " + id("one") + " is missing",
			"Logical_Switch_Port " + id("two") + " of port " + id("two") + " is altered: addresses is [unknown], not [fa:16:3e:00:00:12 10.0.0.12]",
			"of network gone should not be there",
		} {
			require.Eventually(t, func() bool { return strings.Contains(told(), want) }, patience, 10*time.Millisecond, want)
		}
	})
}

// tamper deletes or alters a row at random, and says what it did.
func (p *plant) tamper(random *rand.Rand) string {
	p.t.Helper()
	tables := []string{tableSwitch, tablePort, tableDHCP, tableDNS, tableGroup, tableACL, tableRouter, tableLeg, tableRoute, tableNAT, tableBalancer, tableQoS, tableHAGroup, tableAddresses}
	table := tables[random.IntN(len(tables))]
	rows := strings.Fields(p.nbctl("--bare", "--columns=_uuid", "list", table))
	require.NotEmpty(p.t, rows, table)
	row := rows[random.IntN(len(rows))]
	var command []string
	switch {
	case table == tableSwitch || table == tableRouter || table == tableGroup || table == tableHAGroup || table == tableAddresses:
		command = []string{"set", table, row, "name=tampered"}
		if random.IntN(2) == 0 && table != tableHAGroup { // which a leg refers to
			command = []string{"destroy", table, row}
		}
	case root(table):
		command = []string{"destroy", table, row}
	default:
		places := map[string][2]string{
			tablePort: {tableSwitch, "ports"}, tableACL: {tableGroup, "acls"}, tableLeg: {tableRouter, "ports"}, tableRoute: {tableRouter, "static_routes"},
			tableNAT: {tableRouter, "nat"}, tableQoS: {tableSwitch, "qos_rules"},
		}
		at := places[table]
		holder := p.nbctl("--bare", "--columns=_uuid", "find", at[0], at[1]+"{>=}"+row)
		command = []string{"remove", at[0], strings.Fields(holder)[0], at[1], row}
	}
	p.nbctl(command...)
	return strings.Join(command, " ")
}

// TestALostDatabaseIsRebuilt takes the northbound database away whole, with a thousand ports in it.
func TestALostDatabaseIsRebuilt(t *testing.T) {
	p := newPlant(t)
	e, w := p.engine()
	s := forwarded()
	wide := testNetwork("wide", testSubnet("wide4", "10.64.0.0/16", "10.64.0.1"))
	s.Networks = append(s.Networks, wide)
	for i := range 1000 {
		s.Ports = append(s.Ports, testPort(wide, sprintf("port-%d", i), sprintf("fa:16:3f:00:%02x:%02x", i/256, i%256), sprintf("10.64.%d.%d", 1+i/200, 1+i%200), s.Groups[0]))
	}
	require.NoError(t, e.Apply(t.Context(), s))
	for len(w.resync) > 0 {
		<-w.resync
	}
	p.stopServer()
	require.NoError(t, os.Remove(p.dir+"/nb.db"))
	require.NoError(t, os.Remove(strings.TrimPrefix(p.nb, "unix:")))
	require.NoError(t, os.Remove(strings.TrimPrefix(p.sb, "unix:")))
	p.create("nb", "ovn-nb")
	p.startServer()
	select {
	case <-w.resync:
	case <-time.After(patience):
		require.FailNow(t, "the engine asked for nothing")
	}
	require.Eventually(t, func() bool { return e.Apply(t.Context(), s) == nil }, patience, 10*time.Millisecond)
	require.Eventually(t, func() bool {
		list, err := e.Audit(t.Context(), s)
		return err == nil && len(list) == 0
	}, patience, 10*time.Millisecond)
	require.Len(t, strings.Fields(p.nbctl("--bare", "--columns=_uuid", "find", "Logical_Switch_Port", "type=\"\"")), 1002)
}
