package engine

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/command"
)

// IntegrationBridge is the bridge that OVN programs and ports of servers are plugged into.
const IntegrationBridge = "br-int"

// KernelDatapath tells whether the kernel has Open vSwitch's datapath. Asking loads the module where there is one.
// Where it is missing, every bridge must have datapath_type=netdev and checksum offload must be off at every end.
func KernelDatapath() bool {
	_, err := netlink.GenlFamilyGet("ovs_datapath")
	return err == nil
}

// configureSwitch tells Open vSwitch who this host is and where OVN is.
func (e *Engines) configureSwitch(ctx context.Context) error {
	remote := e.cfg.OVNRemote
	if remote == "" {
		remote = "unix:" + ovnSouthSocket
	}
	if err := e.refuseForeignOVN(ctx, remote); err != nil {
		return err
	}
	if strings.HasPrefix(remote, "ssl:") {
		if err := e.trustSwitch(ctx); err != nil {
			return err
		}
	}
	want := map[string]string{
		"system-id":      e.cfg.HostID,
		"ovn-remote":     remote,
		"ovn-encap-type": "geneve",
		"ovn-bridge":     IntegrationBridge,
		// A port comes up sooner when the controller need not ask for the rows of a datapath that is new to it.
		"ovn-monitor-all": "true",
		// A switch that is busy for some seconds is not thrown away with all its flows.
		"ovn-openflow-probe-interval": "0",
	}
	if !KernelDatapath() {
		want["ovn-bridge-datapath-type"] = "netdev"
	}
	return e.ensureSettings(ctx, e.switchIDs(), want)
}

// ChassisMAC is the address that a host's routers have on a physical network: a locally administered one that no other host
// has, and that stays the same.
func ChassisMAC(hostID, physical string) string {
	sum := sha256.Sum256([]byte(hostID + "/" + physical))
	return net.HardwareAddr(append([]byte{0x0e}, sum[:5]...)).String()
}

// refuseForeignOVN refuses to take a host away from another cloud's OVN.
func (e *Engines) refuseForeignOVN(ctx context.Context, remote string) error {
	have, err := e.switchIDs().read(ctx)
	if err != nil {
		return err
	}
	b, err := e.journal.read()
	if err != nil {
		return err
	}
	_, mine := b.Maps[e.switchIDs().String()]["ovn-remote"]
	if now := have["ovn-remote"]; now != "" && now != remote && !mine {
		return fault.New(fault.Conflict, "Open vSwitch on this host belongs to the OVN at %s already; "+
			"take the host out of it first (ovs-vsctl remove Open_vSwitch . external_ids ovn-remote)", now)
	}
	return nil
}

// configureNorth sets the options of OVN's northbound database.
func (e *Engines) configureNorth(ctx context.Context) error {
	return e.ensureSettings(ctx, e.northOptions(), NorthOptions())
}

// NorthOptions are the options of OVN's northbound database.
func NorthOptions() map[string]string {
	return map[string]string{
		"use_logical_dp_groups": "true", // far fewer rows in the southbound database
		"ignore_lsp_down":       "true", // addresses resolve before a port's first "up" has travelled round
		// A gateway is taken for dead after 5 silent half seconds: sooner than by default, and by more than 3 lost packets.
		"bfd-min-rx": "500", "bfd-min-tx": "500", "bfd-mult": "5",
	}
}

// ensureBridge makes a bridge, unless there is one of the name.
func (e *Engines) ensureBridge(ctx context.Context, name string) error {
	have, err := bridges(ctx)
	if err != nil || slices.Contains(have, name) {
		return err
	}
	return e.makeBridge(ctx, name)
}

func (e *Engines) makeBridge(ctx context.Context, name string) error {
	if err := e.journal.change(func(b *before) {
		if !slices.Contains(b.Bridges, name) {
			b.Bridges = append(b.Bridges, name)
		}
	}); err != nil {
		return err
	}
	args := []string{"--may-exist", "add-br", name}
	if name == IntegrationBridge {
		// Without its controller the bridge carries nothing, rather than everything to everybody.
		args = append(args, "--", "set", "Bridge", name, "fail_mode=secure", "other_config:disable-in-band=true")
	}
	if !KernelDatapath() {
		args = append(args, "--", "set", "Bridge", name, "datapath_type=netdev")
	}
	_, err := command.Vsctl(ctx, args...)
	return err
}

func bridges(ctx context.Context) ([]string, error) {
	rows, err := transact(ctx, ovsSocket, "Open_vSwitch", map[string]any{
		"op": "select", "table": "Bridge", "where": []any{}, "columns": []string{"name"},
	})
	if err != nil {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal(row["name"], &names[i]); err != nil {
			return nil, fmt.Errorf("read the bridges: %w", err)
		}
	}
	return names, nil
}
