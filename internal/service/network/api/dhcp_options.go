package api

import (
	"net/netip"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

type dhcpOptionOut struct {
	Name      string `json:"opt_name"`
	Value     string `json:"opt_value"`
	IPVersion int    `json:"ip_version"`
}

type dhcpOptionIn struct {
	Name      string  `json:"opt_name" check:"required,max=64"`
	Value     *string `json:"opt_value" doc:"Null removes the option of a port."`
	IPVersion *int    `json:"ip_version"`
}

// v6 tells whether the option is one of DHCPv6: as it says, or else if its value is an IPv6 address.
func (o dhcpOptionIn) v6() bool {
	if o.IPVersion != nil {
		return *o.IPVersion == 6
	}
	a, err := netip.ParseAddr(deref(o.Value))
	return err == nil && a.Is6()
}

func dhcpOptionsOut(list []network.DHCPOption) []dhcpOptionOut {
	var out []dhcpOptionOut
	for _, o := range list {
		w := dhcpOptionOut{o.Name, o.Value, 4}
		if o.V6 {
			w.IPVersion = 6
		}
		out = append(out, w)
	}
	return out
}

func newDHCPOptions(list []dhcpOptionIn) []network.DHCPOption {
	var out []network.DHCPOption
	for _, o := range list {
		if o.Value != nil {
			out = append(out, network.DHCPOption{Name: o.Name, Value: *o.Value, V6: o.v6()})
		}
	}
	return out
}

func dhcpOptionChanges(list []dhcpOptionIn) []network.DHCPOptionChange {
	var out []network.DHCPOptionChange
	for _, o := range list {
		out = append(out, network.DHCPOptionChange{Name: o.Name, Value: o.Value, V6: o.v6()})
	}
	return out
}
