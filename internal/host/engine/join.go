package engine

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/command"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// joining is how this host is to be joined to networks: as was set through the API, and where that says nothing, as the flags
// say.
type joining struct {
	generation int64
	mappings   []protocol.BridgeMapping
	flags      bool   // the mappings are those of the flags
	encap      string // empty: that of the flags
}

func (e *Engines) joining() joining {
	j := joining{flags: true, mappings: []protocol.BridgeMapping{{PhysicalNetwork: e.cfg.PhysicalNetwork, Bridge: e.cfg.OutsideBridge, Device: e.cfg.OutsideDevice}}}
	if e.cfg.Network == nil {
		return j
	}
	n := e.cfg.Network()
	if n == nil {
		return j
	}
	j.generation, j.encap = n.Generation, n.EncapAddress
	if n.BridgeMappings != nil {
		j.mappings, j.flags = n.BridgeMappings, false
	}
	return j
}

// bridge is the bridge of a physical network; empty: the host is not to be joined to it.
func (j joining) bridge(physical string) string {
	for _, m := range j.mappings {
		if m.PhysicalNetwork == physical {
			return m.Bridge
		}
	}
	return ""
}

// join makes the bridges, plugs devices in, and tells OVN of both. What was set through the API and cannot be had is told by
// Seen, and all else is done; what the flags say and cannot be had is an error. A physical network that cannot be reached is
// not mapped, so that no router has its gateway here.
func (e *Engines) join(ctx context.Context) error {
	j := e.joining()
	if err := e.ensureBridge(ctx, IntegrationBridge); err != nil {
		return err
	}
	seen := protocol.NetworkSeen{Generation: j.generation}
	var problems []string
	var networks, macs []string
	for _, m := range j.mappings {
		if err := e.joinPhysical(ctx, m); err != nil {
			if j.flags {
				return err
			}
			problems = append(problems, "physical network "+m.PhysicalNetwork+": "+sentence(err))
			continue
		}
		seen.BridgeMappings = append(seen.BridgeMappings, m)
		networks = append(networks, m.PhysicalNetwork+":"+m.Bridge)
		macs = append(macs, m.PhysicalNetwork+":"+ChassisMAC(e.cfg.HostID, m.PhysicalNetwork))
	}
	ids := map[string]string{
		"ovn-bridge-mappings": strings.Join(networks, ","),
		// What a router sends to the physical network from here has this MAC, as every host sends for the router.
		"ovn-chassis-mac-mappings": strings.Join(macs, ","),
	}
	address, device, err := e.tunnelEnd(ctx, j.encap)
	if err == nil {
		err = e.carryTunnels(ctx, device)
	}
	switch {
	case err == nil:
		ids["ovn-encap-ip"] = address
	case j.encap == "":
		return err
	default: // tunnels end where they have ended
		problems = append(problems, "encapsulation address: "+sentence(err))
	}
	if err := e.ensureSettings(ctx, e.switchIDs(), ids); err != nil {
		return err
	}
	have, err := e.switchIDs().read(ctx)
	if err != nil {
		return err
	}
	seen.EncapAddress, seen.Error = have["ovn-encap-ip"], strings.Join(problems, "; ")
	if err := e.leaveOthers(ctx, j); err != nil {
		return err
	}
	e.saw(seen)
	return nil
}

// sentence is an error as an operator reads it, who does not see this host.
func sentence(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Message
	}
	return err.Error()
}

func (e *Engines) joinPhysical(ctx context.Context, m protocol.BridgeMapping) error {
	if err := e.ensureBridge(ctx, m.Bridge); err != nil || m.Device == "" {
		return err
	}
	return e.plug(ctx, m.Bridge, m.Device)
}

// leaveOthers takes devices out of bridges, and removes bridges, that Aloft had put there for what is not wanted any more.
func (e *Engines) leaveOthers(ctx context.Context, j joining) error {
	b, err := e.journal.read()
	if err != nil {
		return err
	}
	keepBridges, keepPorts := []string{IntegrationBridge}, []string{}
	for _, m := range j.mappings {
		keepBridges, keepPorts = append(keepBridges, m.Bridge), append(keepPorts, m.Device)
	}
	if b.Tunnel != nil {
		keepBridges, keepPorts = append(keepBridges, TunnelBridge), append(keepPorts, b.Tunnel.Device)
	}
	for _, device := range b.Ports {
		if slices.Contains(keepPorts, device) {
			continue
		}
		if err := e.unplug(ctx, device); err != nil {
			return err
		}
	}
	for _, name := range b.Bridges {
		if slices.Contains(keepBridges, name) {
			continue
		}
		if _, err := command.Vsctl(ctx, "--if-exists", "del-br", name); err != nil {
			return err
		}
		if err := e.journal.change(func(b *before) {
			b.Bridges = slices.DeleteFunc(b.Bridges, func(n string) bool { return n == name })
		}); err != nil {
			return err
		}
	}
	return nil
}

// Seen is how this host is joined to networks, as Ensure or Watch has found it last; nil: neither has been there yet.
func (e *Engines) Seen() *protocol.NetworkSeen {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seen
}

func (e *Engines) saw(seen protocol.NetworkSeen) {
	e.mu.Lock()
	changed := e.seen == nil || !reflect.DeepEqual(*e.seen, seen)
	e.seen = &seen
	e.mu.Unlock()
	if changed && e.cfg.Changed != nil {
		e.cfg.Changed()
	}
}
