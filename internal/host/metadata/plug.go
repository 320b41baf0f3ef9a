package metadata

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/host/command"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

const (
	innerName   = "meta"
	outerPrefix = "almd"
	// plugKey is in the external_ids of our interfaces, and its value is the short id of the network.
	plugKey = "aloft-metadata"
)

func outerName(short string) string { return outerPrefix + short }

// ensureVeth makes the veth from the host into the namespace, with the port's addresses. The inner end is set up last:
// an end that is up is complete but for its addresses, which are compared.
func ensureVeth(ctx context.Context, ns netns.NsHandle, networkID string, port protocol.MetadataPort, plugged map[string]string) error {
	mac, err := net.ParseMAC(port.MAC)
	if err != nil {
		return err
	}
	in, err := netlink.NewHandleAt(ns)
	if err != nil {
		return fmt.Errorf("speak to the kernel in the namespace: %w", err)
	}
	defer in.Close()
	inner, err := in.LinkByName(innerName)
	if missing(err) {
		if err := unplug(ctx, shortID(networkID), plugged); err != nil {
			return err
		}
		inner, err = makeVeth(ctx, in, ns, outerName(shortID(networkID)))
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(inner.Attrs().HardwareAddr, mac) {
		if err := in.LinkSetHardwareAddr(inner, mac); err != nil {
			return fmt.Errorf("set MAC address %s: %w", mac, err)
		}
	}
	if err := ensureAddresses(in, inner, append([]string{serviceAddress + "/32"}, port.Addresses...)); err != nil {
		return err
	}
	lo, err := in.LinkByName("lo")
	if err != nil {
		return err
	}
	outer, err := netlink.LinkByName(outerName(shortID(networkID)))
	if err != nil {
		return err
	}
	if err := errors.Join(in.LinkSetUp(lo), netlink.LinkSetUp(outer), in.LinkSetUp(inner)); err != nil {
		return err
	}
	return ensureNobody(in, inner)
}

func makeVeth(ctx context.Context, in *netlink.Handle, ns netns.NsHandle, outer string) (netlink.Link, error) {
	if err := removeLink(outer); err != nil { // an old one's other end is in no namespace that we know
		return nil, err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = outer
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: innerName, PeerNamespace: netlink.NsFd(ns)}
	if err := netlink.LinkAdd(veth); err != nil {
		return nil, fmt.Errorf("make %s: %w", outer, err)
	}
	// A datapath in user space would leave the checksums that the kernel puts off as they are: wrong.
	off := func(device string) error {
		_, err := command.Run(ctx, "ethtool", "-K", device, "tx", "off")
		return err
	}
	err := errors.Join(off(outer), inside(ns, func() error { return off(innerName) }))
	if err != nil {
		return nil, errors.Join(err, netlink.LinkDel(veth))
	}
	return in.LinkByName(innerName)
}

// removeLink removes a device if it is there. One whose namespace is being taken apart may go by itself meanwhile.
func removeLink(name string) error {
	link, err := netlink.LinkByName(name)
	if missing(err) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return nil
}

// ensureAddresses makes a device have these IPv4 addresses and no others.
func ensureAddresses(in *netlink.Handle, link netlink.Link, want []string) error {
	have, err := in.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	var wanted []netlink.Addr
	for _, s := range want {
		a, err := netlink.ParseAddr(s)
		if err != nil {
			return fmt.Errorf("address %q: %w", s, err)
		}
		if a.IP.To4() == nil {
			continue // the service is at an IPv4 address
		}
		wanted = append(wanted, *a)
	}
	for _, a := range have {
		if !slices.ContainsFunc(wanted, a.Equal) {
			if err := in.AddrDel(link, &a); err != nil {
				return fmt.Errorf("remove address %s: %w", a.IPNet, err)
			}
		}
	}
	for _, a := range wanted {
		if !slices.ContainsFunc(have, a.Equal) {
			if err := in.AddrReplace(link, &a); err != nil {
				return fmt.Errorf("add address %s: %w", a.IPNet, err)
			}
		}
	}
	return nil
}

func missing(err error) bool {
	_, is := errors.AsType[netlink.LinkNotFoundError](err)
	return is
}

// plug makes the outer end a port of the integration bridge, under the id by which OVN knows the port.
func plug(ctx context.Context, bridge, networkID, portID string, plugged map[string]string) error {
	short := shortID(networkID)
	if plugged[short] == portID {
		return nil
	}
	_, err := command.Vsctl(ctx, "--may-exist", "add-port", bridge, outerName(short), "--",
		"set", "Interface", outerName(short), "external_ids:iface-id="+portID, "external_ids:"+plugKey+"="+short)
	return err
}

// unplug takes a network's device out of the bridge. The switch holds on to a device that goes and comes back under the
// same name, and hears nothing from the new one, so it must see the port go in between.
func unplug(ctx context.Context, short string, plugged map[string]string) error {
	if _, ok := plugged[short]; !ok {
		return nil
	}
	if _, err := command.Vsctl(ctx, "--if-exists", "del-port", outerName(short)); err != nil {
		return err
	}
	delete(plugged, short)
	return nil
}

// pluggedPorts reads the port ids of our interfaces by the short ids of their networks.
func pluggedPorts(ctx context.Context) (map[string]string, error) {
	out, err := command.Vsctl(ctx, "--format=json", "--columns=external_ids", "find", "Interface", "external_ids:"+plugKey+"!=\"\"")
	if err != nil {
		return nil, err
	}
	var table struct {
		Data [][]json.RawMessage `json:"data"` // [[["map", [[key, value], …]]], …]
	}
	if err := json.Unmarshal([]byte(out), &table); err != nil {
		return nil, fmt.Errorf("read the interfaces: %w", err)
	}
	ports := map[string]string{}
	for _, row := range table.Data {
		var cell [2]json.RawMessage
		var pairs [][2]string
		if err := errors.Join(json.Unmarshal(row[0], &cell), json.Unmarshal(cell[1], &pairs)); err != nil {
			return nil, fmt.Errorf("read the interfaces: %w", err)
		}
		ids := map[string]string{}
		for _, p := range pairs {
			ids[p[0]] = p[1]
		}
		if short := ids[plugKey]; short != "" {
			ports[short] = ids["iface-id"]
		}
	}
	return ports, nil
}

// removeOthers removes the plugs and the namespaces of networks that are not wanted, by short id.
func removeOthers(ctx context.Context, wanted map[string]bool, plugged map[string]string) error {
	var errs []error
	for short := range plugged {
		if !wanted[short] {
			errs = append(errs, unplug(ctx, short, plugged))
		}
	}
	have, err := spaces()
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, short := range have {
		if wanted[short] {
			continue
		}
		// The kernel takes a namespace apart some time later; its veth goes now.
		errs = append(errs, removeLink(outerName(short)), removeSpace(spacePrefix+short))
	}
	return errors.Join(errs...)
}
