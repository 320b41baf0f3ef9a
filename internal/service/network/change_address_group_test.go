package network_test

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/ovn"
)

// What changes in an address group changes in OVN, and drift there is mended.
func TestAddressGroupsReachOVN(t *testing.T) {
	nb, sb := northbound(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	b := newBench(t, dbtest.SQLite(t, sets()...), ovn.New(ovn.Config{Northbound: []string{nb}, Southbound: []string{sb}}, log))
	b.start()
	ctx, c := t.Context(), tenant("one")
	prefixes := func(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }
	within := func(why string, ok func(rows string) bool) {
		t.Helper()
		require.Eventually(t, func() bool { return ok(nbctl(t, nb, "list", "Address_Set")) }, patience, 20*time.Millisecond, why)
	}
	has := func(s string) func(string) bool { return func(rows string) bool { return strings.Contains(rows, s) } }

	g, err := b.CreateAddressGroup(ctx, c, network.NewAddressGroup{Name: "office", Addresses: prefixes("203.0.113.7/32")})
	require.NoError(t, err)
	within("the group is there", has("203.0.113.7/32"))
	_, err = b.AddAddresses(ctx, c, g.ID, prefixes("2001:db8::/64"), nil)
	require.NoError(t, err)
	within("an address joins", has("2001:db8::/64"))
	_, err = b.RemoveAddresses(ctx, c, g.ID, prefixes("203.0.113.7/32"), nil)
	require.NoError(t, err)
	within("an address leaves", func(rows string) bool { return !strings.Contains(rows, "203.0.113.7") })
	nbctl(t, nb, "--all", "destroy", "Address_Set")
	b.Resync()
	within("drift is mended", has("2001:db8::/64"))
	require.NoError(t, b.DeleteAddressGroup(ctx, c, g.ID, nil))
	within("nothing is left", func(rows string) bool { return rows == "" })
}
