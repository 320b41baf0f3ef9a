package network

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// DHCPOption is what DHCP says to one port besides what it says in its subnet, or in place of that. The names are those
// of dnsmasq, as clients of Neutron write them.
type DHCPOption struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	V6    bool   `json:"v6"`
}

// DHCPDisabled is the option that has DHCP say nothing at all to a port, when its value is "true".
const DHCPDisabled = "dhcp_disabled"

// mostDHCPOptions is how many options a port may have, and longestDHCPValue the bytes of one, as its length is a byte.
const (
	mostDHCPOptions  = 64
	longestDHCPValue = 255
)

// DHCPValue is what the value of an option is.
type DHCPValue int

// The kinds of values.
const (
	DHCPText      DHCPValue = iota
	DHCPAddresses           // one, or several separated by commas
	DHCPNumber
	DHCPSwitch // 0 or 1
	DHCPHost   // an address or a name
	DHCPRoutes // network,next hop,network,next hop …
)

// DHCPKind is how OVN calls an option, and what its value is. Only engine names are here that OVN 23.03 knows.
type DHCPKind struct {
	Engine string
	Value  DHCPValue
}

// DHCPKindOf is the kind of an option by its name or its number; ok is false where there is no such option. Engine is
// empty where the engine cannot say it in this IP version: then it is kept, and not said.
func DHCPKindOf(o DHCPOption) (kind DHCPKind, ok bool) {
	name := strings.ReplaceAll(strings.ToLower(o.Name), "_", "-")
	kind, ok = dhcpKinds()[name]
	if !o.V6 || !ok {
		return kind, ok
	}
	switch name {
	case "dns-server", "domain-search":
		return DHCPKind{strings.ReplaceAll(name, "-", "_"), kind.Value}, true
	}
	return DHCPKind{"", DHCPText}, true
}

// dhcpKinds are the options by name and, as Ironic writes them, by number.
var dhcpKinds = sync.OnceValue(func() map[string]DHCPKind {
	out := map[string]DHCPKind{}
	for _, row := range []struct {
		names, engine string
		value         DHCPValue
	}{
		{"netmask 1", "netmask", DHCPAddresses},
		{"router 3", "router", DHCPAddresses},
		{"dns-server 6", "dns_server", DHCPAddresses},
		{"log-server 7", "log_server", DHCPAddresses},
		{"lpr-server 9", "lpr_server", DHCPAddresses},
		{"hostname 12", "hostname", DHCPText},
		{"domain-name 15", "domain_name", DHCPText},
		{"swap-server 16", "swap_server", DHCPAddresses},
		{"ip-forward-enable 19", "ip_forward_enable", DHCPSwitch},
		{"policy-filter 21", "policy_filter", DHCPAddresses},
		{"default-ttl 23", "default_ttl", DHCPNumber},
		{"mtu 26", "mtu", DHCPNumber},
		{"broadcast broadcast-address 28", "broadcast_address", DHCPAddresses},
		{"router-discovery 31", "router_discovery", DHCPSwitch},
		{"router-solicitation 32", "router_solicitation", DHCPAddresses},
		{"arp-timeout arp-cache-timeout 35", "arp_cache_timeout", DHCPNumber},
		{"ethernet-encap 36", "ethernet_encap", DHCPSwitch},
		{"tcp-ttl 37", "tcp_ttl", DHCPNumber},
		{"tcp-keepalive tcp-keepalive-interval 38", "tcp_keepalive_interval", DHCPNumber},
		{"nis-server 41", "nis_server", DHCPAddresses},
		{"ntp-server 42", "ntp_server", DHCPAddresses},
		{"netbios-ns netbios-name-server 44", "netbios_name_server", DHCPAddresses},
		{"netbios-nodetype netbios-node-type 46", "netbios_node_type", DHCPNumber},
		{"lease-time 51", "lease_time", DHCPNumber},
		{"t1 58", "T1", DHCPNumber},
		{"t2 59", "T2", DHCPNumber},
		{"tftp-server tftp-server-name 66", "tftp_server", DHCPHost},
		{"bootfile-name 67", "bootfile_name", DHCPText},
		{"domain-search domain-search-list 119", "domain_search_list", DHCPText},
		{"classless-static-route 121", "classless_static_route", DHCPRoutes},
		{"server-ip-address tftp-server-address 150", "tftp_server_address", DHCPAddresses},
		{"path-prefix 210", "path_prefix", DHCPText},
		{"ms-classless-static-route 249", "ms_classless_static_route", DHCPRoutes},
		{"wpad 252", "wpad", DHCPText},
		{"next-server", "next_server", DHCPAddresses},
	} {
		for name := range strings.FieldsSeq(row.names) {
			out[name] = DHCPKind{row.engine, row.value}
		}
	}
	return out
})

// checkDHCPOptions checks the options of a port.
func checkDHCPOptions(list []DHCPOption) error {
	if len(list) > mostDHCPOptions {
		return invalid("extra_dhcp_opts", "Invalid input for extra_dhcp_opts: %d are more than the limit of %d", len(list), mostDHCPOptions)
	}
	for i, o := range list {
		same := func(p DHCPOption) bool { return p.Name == o.Name && p.V6 == o.V6 }
		if slices.ContainsFunc(list[:i], same) {
			return invalid("extra_dhcp_opts", "Invalid input for extra_dhcp_opts: %s is there twice", o.Name)
		}
		if err := checkDHCPOption(o); err != nil {
			return err
		}
	}
	return nil
}

func checkDHCPOption(o DHCPOption) error {
	bad := func(why string) error {
		return fault.Invalidf("extra_dhcp_opts", "Invalid data format for extra-dhcp-opt: %s=%q: %s.", o.Name, o.Value, why).WithCode("ExtraDhcpOptBadData")
	}
	if o.Name == DHCPDisabled {
		if _, err := strconv.ParseBool(o.Value); err != nil {
			return bad("it is true or false")
		}
		return nil
	}
	kind, ok := DHCPKindOf(o)
	switch {
	case !ok:
		return bad("there is no such option; it is a name such as bootfile-name, tftp-server, ntp-server or mtu, or its number")
	case o.Value == "" || len(o.Value) > longestDHCPValue:
		return bad("the value has from 1 to " + strconv.Itoa(longestDHCPValue) + " bytes")
	case strings.ContainsFunc(o.Value, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r > '~' }):
		return bad("the value has printable ASCII only, without quotes and backslashes")
	case kind.Engine == "":
		return nil
	}
	switch kind.Value {
	case DHCPAddresses:
		for one := range strings.SplitSeq(o.Value, ",") {
			if a, err := netip.ParseAddr(strings.TrimSpace(one)); err != nil || a.Is6() != o.V6 {
				return bad("it is an IP address of the option's ip_version, or several separated by commas")
			}
		}
	case DHCPNumber:
		if _, err := strconv.ParseUint(o.Value, 10, 32); err != nil {
			return bad("it is a number from 0 to 4294967295")
		}
	case DHCPSwitch:
		if o.Value != "0" && o.Value != "1" {
			return bad("it is 0 or 1")
		}
	case DHCPRoutes:
		part := strings.Split(o.Value, ",")
		for i, one := range part {
			_, prefix := netip.ParsePrefix(strings.TrimSpace(one))
			_, hop := netip.ParseAddr(strings.TrimSpace(one))
			if len(part)%2 != 0 || i%2 == 0 && prefix != nil || i%2 == 1 && hop != nil {
				return bad("it is NETWORK,NEXT-HOP,NETWORK,NEXT-HOP …")
			}
		}
	case DHCPText, DHCPHost:
	}
	return nil
}

// dhcpUnits are the units that a port's own options are in: those of its network, which say what DHCP does there.
func dhcpUnits(p Port) []Unit {
	if len(p.DHCPOptions) == 0 {
		return nil
	}
	return []Unit{{KindNetwork, p.NetworkID}}
}

// DHCPOptionChange is an option to set, or to remove where Value is nil.
type DHCPOptionChange struct {
	Name  string
	Value *string
	V6    bool
}

// mergeDHCPOptions changes the options of a port by name and IP version; others stay.
func mergeDHCPOptions(there []DHCPOption, changes []DHCPOptionChange) []DHCPOption {
	out := slices.Clone(there)
	for _, c := range changes {
		at := slices.IndexFunc(out, func(o DHCPOption) bool { return o.Name == c.Name && o.V6 == c.V6 })
		switch {
		case c.Value == nil && at >= 0:
			out = slices.Delete(out, at, at+1)
		case c.Value == nil:
		case at >= 0:
			out[at].Value = *c.Value
		default:
			out = append(out, DHCPOption{c.Name, *c.Value, c.V6})
		}
	}
	return out
}
