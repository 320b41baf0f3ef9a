package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// systemctl acts like systemd's for units that are daemons made by hand: a unit is a script that starts or stops it, and a
// file says that it is active.
const systemctl = `#!/bin/sh
dir=$(dirname "$0")
echo "$@" >>"$dir/calls"
verb=$1; shift
[ "$1" = --quiet ] && shift
for unit in "$@"; do
  case $verb in
    is-active) [ -e "$dir/$unit.active" ] || exit 3 ;;
    start|restart) "$dir/start" "$unit" && touch "$dir/$unit.active" || exit 1 ;;
    stop) "$dir/stop" "$unit"; rm -f "$dir/$unit.active" ;;
  esac
done
`

// ovnctl starts and stops the real engines as Debian's units do.
const (
	startUnits = `#!/bin/sh
case $1 in
  virtlogd.socket) exec virtlogd -d -p "$DIR/virtlogd.pid" ;;
  libvirtd.service) exec libvirtd -d -p "$DIR/libvirtd.pid" ;;
  ovsdb-server.service) exec /usr/share/openvswitch/scripts/ovs-ctl --no-ovs-vswitchd --no-monitor --system-id=before --no-record-hostname start ;;
  ovs-vswitchd.service) OVS_MISSING_KMOD_OK=yes; ovs-vswitchd --detach --pidfile --log-file unix:/run/openvswitch/db.sock ;;
  ovn-ovsdb-server-nb.service) setsid /usr/share/ovn/scripts/ovn-ctl run_nb_ovsdb >/dev/null 2>&1 </dev/null & ;;
  ovn-ovsdb-server-sb.service) setsid /usr/share/ovn/scripts/ovn-ctl run_sb_ovsdb >/dev/null 2>&1 </dev/null & ;;
  ovn-northd.service) exec /usr/share/ovn/scripts/ovn-ctl start_northd --ovn-manage-ovsdb=no --no-monitor ;;
  ovn-controller.service) exec /usr/share/ovn/scripts/ovn-ctl start_controller --no-monitor ;;
esac
`
	// Like systemd it returns when the process has ended: what is told to end still answers for a moment.
	stopUnits = `#!/bin/sh
end() { # pid file, command
  pid=$(cat "$1") || return 0
  shift
  "$@"
  while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status"; do sleep 0.02; done
}
by_signal() { end "$1" kill "$(cat "$1")"; }
case $1 in
  virtlogd.socket|virtlogd.service) by_signal "$DIR/virtlogd.pid" ;;
  libvirtd.service) by_signal "$DIR/libvirtd.pid" ;;
  ovsdb-server.service) end /run/openvswitch/ovsdb-server.pid ovs-appctl -t ovsdb-server exit ;;
  ovs-vswitchd.service) end /run/openvswitch/ovs-vswitchd.pid ovs-appctl -t ovs-vswitchd exit ;;
  ovn-ovsdb-server-nb.service) end /run/ovn/ovnnb_db.pid ovn-appctl -t /run/ovn/ovnnb_db.ctl exit ;;
  ovn-ovsdb-server-sb.service) end /run/ovn/ovnsb_db.pid ovn-appctl -t /run/ovn/ovnsb_db.ctl exit ;;
  ovn-northd.service) end /run/ovn/ovn-northd.pid ovn-appctl -t ovn-northd exit ;;
  ovn-controller.service) end /run/ovn/ovn-controller.pid ovn-appctl -t ovn-controller exit ;;
esac
`
)

func TestDrivesSystemd(t *testing.T) {
	e := fixture(t)
	e.systemd = true
	ctx := deadline(t)
	dir := t.TempDir()
	for name, script := range map[string]string{"systemctl": systemctl, "start": startUnits, "stop": stopUnits} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755))
	}
	t.Setenv("DIR", dir)
	t.Setenv("PATH", dir+":/usr/sbin:/sbin:"+os.Getenv("PATH"))

	// What systemd runs before Aloft comes stays when it goes.
	output(t, filepath.Join(dir, "systemctl"), "start", "virtlogd.socket", "ovsdb-server.service", "ovs-vswitchd.service")
	require.NoError(t, os.Remove(filepath.Join(dir, "calls")))
	require.NoError(t, e.Ensure(ctx, nil))
	requireRunning(t, e)
	ours := map[string]bool{}
	for _, s := range e.Status(ctx) {
		ours[s.Name] = s.Ours
	}
	require.Equal(t, map[string]bool{
		"virtlogd": false, "libvirtd": true, "ovsdb-server": false, "ovs-vswitchd": false,
		"ovnnb_db": true, "ovnsb_db": true, "ovn-northd": true, "ovn-controller": true,
	}, ours)

	require.NoError(t, e.Stop(ctx))
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	require.NoError(t, err)
	require.NotContains(t, string(calls), "stop virtlogd")
	require.NotContains(t, string(calls), "stop ovs")
	require.NoError(t, e.answers(ctx, e.vswitchd()))
	require.Equal(t, "before", strings.Trim(output(t, "ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids:system-id"), `"`))
	require.Error(t, e.answers(ctx, e.controller()))
	output(t, filepath.Join(dir, "systemctl"), "stop", "ovs-vswitchd.service", "ovsdb-server.service", "virtlogd.service")
}
