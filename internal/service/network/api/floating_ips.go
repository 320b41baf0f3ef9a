package api

import (
	"cmp"
	"context"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type floatingIPOut struct {
	ID          string  `json:"id"`
	Description string  `json:"description"`
	NetworkID   string  `json:"floating_network_id"`
	Address     string  `json:"floating_ip_address"`
	PortID      *string `json:"port_id"`
	Fixed       *string `json:"fixed_ip_address"`
	RouterID    *string `json:"router_id"`
	Status      string  `json:"status"`
	QoSPolicyID *string `json:"qos_policy_id"`
	DNSName     string  `json:"dns_name"`
	DNSDomain   string  `json:"dns_domain"`
	Details     *detail `json:"port_details"`
	stampOut
}

// detail is what a floating IP tells of the port that it leads to.
type detail struct {
	Name        string `json:"name"`
	NetworkID   string `json:"network_id"`
	MAC         string `json:"mac_address"`
	AdminUp     bool   `json:"admin_state_up"`
	Status      string `json:"status"`
	DeviceID    string `json:"device_id"`
	DeviceOwner string `json:"device_owner"`
}

// detailed adds to floating IPs what there is to tell of the ports that they lead to, as far as the caller sees these.
func (a *api) detailed(ctx context.Context, list []floatingIPOut) error {
	var ids []string
	for _, f := range list {
		if f.PortID != nil {
			ids = append(ids, *f.PortID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	ports, err := a.core.Ports(ctx, auth.From(ctx), network.ByID(ids...))
	if err != nil {
		return err
	}
	details := make(map[string]*detail, len(ports))
	for _, p := range ports {
		details[p.ID] = &detail{p.Name, p.NetworkID, p.MAC, p.AdminUp, p.Status, p.DeviceID, p.DeviceOwner}
	}
	for i, f := range list {
		list[i].Details = details[deref(f.PortID)]
	}
	return nil
}

// shown is one floating IP with the details of its port.
func (a *api) shown(ctx context.Context, f network.FloatingIP, err error) (floatingIPShow, error) {
	if err != nil {
		return floatingIPShow{}, err
	}
	list := []floatingIPOut{newFloatingIPOut(f)}
	err = a.detailed(ctx, list)
	return floatingIPShow{list[0]}, err
}

type floatingIPsOut struct {
	FloatingIPs []floatingIPOut `json:"floatingips"`
	Links       []link          `json:"floatingips_links,omitempty"`
}

type floatingIPShow struct {
	FloatingIP floatingIPOut `json:"floatingip"`
}

type floatingIPIn struct {
	owner

	Description rest.Opt[string] `json:"description" check:"max=255"`
	NetworkID   string           `json:"floating_network_id" check:"required"`
	SubnetID    *string          `json:"subnet_id"`
	Address     *string          `json:"floating_ip_address"`
	PortID      *string          `json:"port_id"`
	Fixed       *string          `json:"fixed_ip_address"`
	QoSPolicyID *string          `json:"qos_policy_id"`
	DNSName     string           `json:"dns_name"`
	DNSDomain   string           `json:"dns_domain"`
}

// Validate implements what rest calls after decoding.
func (w floatingIPIn) Validate() error {
	return cmp.Or(relativeName(w.DNSName), dnsDomain(w.DNSDomain))
}

func newFloatingIPOut(f network.FloatingIP) floatingIPOut {
	return floatingIPOut{
		ID: f.ID, Description: f.Description, NetworkID: f.NetworkID, Address: f.Address.String(), PortID: text(f.PortID),
		Fixed: address(f.FixedAddress), RouterID: text(f.RouterID), Status: f.Status, QoSPolicyID: text(f.QoSPolicyID),
		DNSName: f.DNSName, DNSDomain: f.DNSDomain, stampOut: stamp(f.ProjectID, f.Stamp),
	}
}

func (a *api) listFloatingIPs(ctx context.Context, in listIn) (floatingIPsOut, error) {
	q, err := in.query(map[string]string{
		"floating_network_id": "network_id", "floating_ip_address": "address", "port_id": "port_id", "fixed_ip_address": "fixed_address",
		"router_id": "router_id", "status": "status",
	})
	if err != nil {
		return floatingIPsOut{}, err
	}
	list, err := a.core.FloatingIPs(ctx, auth.From(ctx), q)
	if err != nil {
		return floatingIPsOut{}, err
	}
	var out floatingIPsOut
	for _, f := range list {
		out.FloatingIPs = append(out.FloatingIPs, newFloatingIPOut(f))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, a.detailed(ctx, out.FloatingIPs)
}

func (a *api) createFloatingIP(ctx context.Context, in struct {
	FloatingIP  *floatingIPIn   `body:"floatingip"`
	FloatingIPs *[]floatingIPIn `body:"floatingips"`
},
) (made, error) {
	return create(ctx, a, "floatingip", "floatingips", in.FloatingIP, in.FloatingIPs, a.newFloatingIP)
}

func (a *api) newFloatingIP(ctx context.Context, w floatingIPIn) (floatingIPOut, error) {
	spec := network.NewFloatingIP{
		ProjectID: w.id(), Description: w.Description.Value, NetworkID: w.NetworkID, SubnetID: deref(w.SubnetID), PortID: deref(w.PortID),
		QoSPolicyID: deref(w.QoSPolicyID), DNSName: strings.ToLower(w.DNSName), DNSDomain: strings.ToLower(w.DNSDomain),
	}
	var err error
	if spec.Address, err = parseAddr("floating_ip_address", deref(w.Address)); err != nil {
		return floatingIPOut{}, err
	}
	if spec.FixedAddress, err = parseAddr("fixed_ip_address", deref(w.Fixed)); err != nil {
		return floatingIPOut{}, err
	}
	f, err := a.core.CreateFloatingIP(ctx, auth.From(ctx), spec)
	out, err := a.shown(ctx, f, err)
	return out.FloatingIP, err
}

func (a *api) showFloatingIP(ctx context.Context, in byID) (floatingIPShow, error) {
	f, err := a.core.ShowFloatingIP(ctx, auth.From(ctx), in.ID)
	return a.shown(ctx, f, err)
}

func (a *api) changeFloatingIP(ctx context.Context, in struct {
	condition
	ID         string `path:"id"`
	FloatingIP struct {
		Description rest.Opt[string] `json:"description" check:"max=255"`
		PortID      rest.Opt[string] `json:"port_id"`
		Fixed       rest.Opt[string] `json:"fixed_ip_address"`
		QoSPolicyID rest.Opt[string] `json:"qos_policy_id"`
	} `body:"floatingip"`
},
) (floatingIPShow, error) {
	revision, err := in.revision()
	if err != nil {
		return floatingIPShow{}, err
	}
	w := in.FloatingIP
	fixed, err := parseAddr("fixed_ip_address", w.Fixed.Value)
	if err != nil {
		return floatingIPShow{}, err
	}
	f, err := a.core.ChangeFloatingIP(ctx, auth.From(ctx), in.ID, network.FloatingIPChange{
		Revision: revision, Description: given(w.Description), PortID: given(w.PortID), FixedAddress: fixed, QoSPolicyID: given(w.QoSPolicyID),
	})
	return a.shown(ctx, f, err)
}

func (a *api) deleteFloatingIP(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteFloatingIP)
}
