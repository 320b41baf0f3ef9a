package api

import (
	"cmp"
	"context"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type fixedIPWire struct {
	SubnetID  string `json:"subnet_id"`
	IPAddress string `json:"ip_address"`
}

type pairWire struct {
	MAC string `json:"mac_address"`
	IP  string `json:"ip_address" check:"required"`
}

type assignmentOut struct {
	Hostname string `json:"hostname"`
	IP       string `json:"ip_address"`
	FQDN     string `json:"fqdn"`
}

type portOut struct {
	ID            string          `json:"id"`
	Name          string          `json:"name"`
	Description   string          `json:"description"`
	NetworkID     string          `json:"network_id"`
	AdminUp       bool            `json:"admin_state_up"`
	Status        string          `json:"status"`
	MAC           string          `json:"mac_address"`
	FixedIPs      []fixedIPWire   `json:"fixed_ips"`
	DeviceID      string          `json:"device_id"`
	DeviceOwner   string          `json:"device_owner"`
	Groups        []string        `json:"security_groups"`
	Pairs         []pairWire      `json:"allowed_address_pairs"`
	DHCPOptions   []dhcpOptionOut `json:"extra_dhcp_opts"`
	PortSecurity  bool            `json:"port_security_enabled"`
	DNSName       string          `json:"dns_name"`
	DNSDomain     string          `json:"dns_domain"`
	DNSAssignment []assignmentOut `json:"dns_assignment"`
	QoSPolicyID   *string         `json:"qos_policy_id"`
	QoSOfNetwork  *string         `json:"qos_network_policy_id"`
	VNICType      string          `json:"binding:vnic_type"`
	stampOut

	Trunk   *trunkDetails  `json:"trunk_details,omitempty"`
	Binding map[string]any `json:"*"` // what only an admin sees
}

type portsOut struct {
	Ports []portOut `json:"ports"`
	Links []link    `json:"ports_links,omitempty"`
}

type portShow struct {
	Port portOut `json:"port"`
}

// portFields are those that a request may set at any time.
type portFields struct {
	Name         rest.Opt[string]        `json:"name" check:"max=255"`
	Description  rest.Opt[string]        `json:"description" check:"max=255"`
	AdminUp      *bool                   `json:"admin_state_up"`
	MAC          rest.Opt[string]        `json:"mac_address" doc:"Null in a change chooses a new one."`
	FixedIPs     rest.Opt[[]fixedIPWire] `json:"fixed_ips"`
	DeviceID     rest.Opt[string]        `json:"device_id" check:"max=255"`
	DeviceOwner  rest.Opt[string]        `json:"device_owner" check:"max=255"`
	Groups       rest.Opt[[]string]      `json:"security_groups"`
	Pairs        rest.Opt[[]pairWire]    `json:"allowed_address_pairs"`
	DHCPOptions  []dhcpOptionIn          `json:"extra_dhcp_opts"`
	PortSecurity *bool                   `json:"port_security_enabled"`
	DNSName      rest.Opt[string]        `json:"dns_name" doc:"Alone, or with its whole domain and a dot at the end."`
	DNSDomain    rest.Opt[string]        `json:"dns_domain" doc:"Ends with a dot; without one it is the network's."`
	QoSPolicyID  rest.Opt[string]        `json:"qos_policy_id"`
	HostID       rest.Opt[string]        `json:"binding:host_id" check:"max=255"`
	VNICType     *string                 `json:"binding:vnic_type" check:"enum=normal"`
	Profile      map[string]any          `json:"binding:profile"`
}

// Validate implements what rest calls after decoding.
func (f portFields) Validate() error {
	if len(f.Profile) > 0 {
		return fault.Invalidf("binding:profile", "Invalid input for binding:profile: there are no profiles here; leave it empty").WithCode("InvalidInput")
	}
	for _, o := range f.DHCPOptions {
		if v := o.IPVersion; v != nil && *v != 4 && *v != 6 {
			return fault.Invalidf("extra_dhcp_opts", "Invalid input for ip_version of %s. Reason: '%d' is not in [4, 6].", o.Name, *v).WithCode("InvalidInput")
		}
	}
	return cmp.Or(dnsName(f.DNSName.Value), dnsDomain(f.DNSDomain.Value))
}

type portIn struct {
	owner
	portFields

	NetworkID string   `json:"network_id" check:"required"`
	Tags      []string `json:"tags"`
}

// newPortOut writes a port of a network.
func newPortOut(c *auth.Caller, p network.Port, n network.Network, guaranteed map[string]int) portOut {
	out := portOut{
		ID: p.ID, Name: p.Name, Description: p.Description, NetworkID: p.NetworkID, AdminUp: p.AdminUp, Status: p.Status, MAC: p.MAC,
		DeviceID: p.DeviceID, DeviceOwner: p.DeviceOwner, Groups: p.GroupIDs, PortSecurity: p.PortSecurity, DNSName: p.DNSName, DNSDomain: p.DNSDomain,
		QoSPolicyID: text(p.QoSPolicyID), QoSOfNetwork: text(n.QoSPolicyID), DHCPOptions: dhcpOptionsOut(p.DHCPOptions), VNICType: "normal", stampOut: stamp(p.ProjectID, p.Stamp),
	}
	for _, f := range p.FixedIPs {
		out.FixedIPs = append(out.FixedIPs, fixedIPWire{f.SubnetID, f.Address.String()})
		name := p.HostnameAt(f.Address)
		out.DNSAssignment = append(out.DNSAssignment, assignmentOut{name, f.Address.String(), network.FullName(name, p.DomainIn(n.DNSDomain))})
	}
	for _, pair := range p.Pairs {
		w := pairWire{pair.MAC, pair.CIDR}
		if w.MAC == "" {
			w.MAC = p.MAC
		}
		out.Pairs = append(out.Pairs, w)
	}
	if c.Admin() {
		kind := "unbound"
		if p.HostID != "" {
			kind = "ovs"
		}
		out.Binding = map[string]any{
			"binding:host_id": p.HostID, "binding:profile": map[string]any{}, "binding:vif_type": kind,
			"binding:vif_details": map[string]any{}, "resource_request": resourceRequest(n, guaranteed),
		}
		if kind == "ovs" {
			out.Binding["binding:vif_details"] = map[string]any{"port_filter": true, "connectivity": "l2"}
		}
	}
	return out
}

// portsOut writes ports, with what they have of their networks.
func (a *api) portsOut(ctx context.Context, list ...network.Port) ([]portOut, error) {
	c := auth.From(ctx)
	networks, err := a.core.NetworksOf(ctx, list)
	var guaranteed map[string]map[string]int
	if err == nil && c.Admin() {
		guaranteed, err = a.core.GuaranteedTo(ctx, list, networks)
	}
	out := make([]portOut, 0, len(list))
	for _, p := range list {
		out = append(out, newPortOut(c, p, networks[p.NetworkID], guaranteed[p.ID]))
	}
	return out, err
}

// resourceRequest is what a port asks of its host, in the words of Placement; nil if it asks for nothing.
func resourceRequest(n network.Network, guaranteed map[string]int) any {
	if len(guaranteed) == 0 {
		return nil
	}
	resources := map[string]int{}
	for direction, kbps := range guaranteed {
		class := map[string]string{network.Egress: "NET_BW_EGR_KILOBIT_PER_SEC", network.Ingress: "NET_BW_IGR_KILOBIT_PER_SEC"}[direction]
		resources[class] = kbps
	}
	trait := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(n.Provider.Physical))
	return map[string]any{"resources": resources, "required": []string{"CUSTOM_PHYSNET_" + trait, "CUSTOM_VNIC_TYPE_NORMAL"}}
}

func portNames() map[string]string {
	return map[string]string{
		"name": "name", "network_id": "network_id", "admin_state_up": "admin_up", "status": "status", "mac_address": "mac",
		"device_id": "device_id", "device_owner": "device_owner", "binding:host_id": "host_id", "port_security_enabled": "port_security",
		"dns_name": "dns_name", "dns_domain": "dns_domain", "qos_policy_id": "qos_policy_id", "security_groups": "group_id", "ip_address": "address", "subnet_id": "subnet_id",
	}
}

func (a *api) listPorts(ctx context.Context, in listIn) (portsOut, error) {
	for i, mac := range in.Filters["mac_address"] {
		in.Filters["mac_address"][i] = strings.ToLower(mac)
	}
	q, err := in.query(portNames())
	if err != nil {
		return portsOut{}, err
	}
	c := auth.From(ctx)
	list, err := a.core.Ports(ctx, c, q)
	if err != nil {
		return portsOut{}, err
	}
	var out portsOut
	if out.Ports, err = a.portsOut(ctx, list...); err != nil {
		return out, err
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, a.withTrunks(ctx, out.Ports)
}

// wantedIPs reads fixed_ips: nil where they are left to the service.
func wantedIPs(o rest.Opt[[]fixedIPWire]) ([]network.WantedIP, error) {
	if !o.Set || o.Null {
		return nil, nil
	}
	return parseWanted(o.Value)
}

func parseWanted(list []fixedIPWire) ([]network.WantedIP, error) {
	out := []network.WantedIP{}
	for _, f := range list {
		if f.SubnetID == "" && f.IPAddress == "" {
			return nil, fault.Invalidf("fixed_ips", "IP allocation requires subnet_id or ip_address.").WithCode("InvalidInput")
		}
		at, err := parseAddr("fixed_ips", f.IPAddress)
		if err != nil {
			return nil, err
		}
		out = append(out, network.WantedIP{SubnetID: f.SubnetID, Address: at})
	}
	return out, nil
}

func pairs(list []pairWire) []network.AddressPair {
	out := make([]network.AddressPair, 0, len(list))
	for _, p := range list {
		out = append(out, network.AddressPair{MAC: p.MAC, CIDR: p.IP})
	}
	return out
}

func (a *api) createPort(ctx context.Context, in struct {
	Port  *portIn   `body:"port"`
	Ports *[]portIn `body:"ports"`
},
) (made, error) {
	return create(ctx, a, "port", "ports", in.Port, in.Ports, a.newPort)
}

func (a *api) newPort(ctx context.Context, w portIn) (portOut, error) {
	wanted, err := wantedIPs(w.FixedIPs)
	if err != nil {
		return portOut{}, err
	}
	spec := network.NewPort{
		NetworkID: w.NetworkID, ProjectID: w.id(), Name: w.Name.Value, Description: w.Description.Value, AdminUp: w.AdminUp,
		MAC: w.MAC.Value, DeviceID: w.DeviceID.Value, DeviceOwner: w.DeviceOwner.Value, HostID: w.HostID.Value,
		PortSecurity: w.PortSecurity, FixedIPs: wanted, Pairs: pairs(w.Pairs.Value), DNSName: strings.ToLower(w.DNSName.Value),
		DNSDomain: strings.ToLower(w.DNSDomain.Value), QoSPolicyID: w.QoSPolicyID.Value, DHCPOptions: newDHCPOptions(w.DHCPOptions), Tags: w.Tags,
	}
	if w.Groups.Set && !w.Groups.Null {
		spec.GroupIDs = &w.Groups.Value
	}
	p, err := a.core.CreatePort(ctx, auth.From(ctx), spec)
	if err != nil {
		return portOut{}, err
	}
	out, err := a.portsOut(ctx, p)
	return out[0], err
}

func (a *api) showPort(ctx context.Context, in byID) (portShow, error) {
	p, err := a.core.ShowPort(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return portShow{}, err
	}
	out, err := a.portsOut(ctx, p)
	if err != nil {
		return portShow{}, err
	}
	err = a.withTrunks(ctx, out)
	return portShow{out[0]}, err
}

func (a *api) changePort(ctx context.Context, in struct {
	condition
	ID   string     `path:"id"`
	Port portFields `body:"port"`
},
) (portShow, error) {
	revision, err := in.revision()
	if err != nil {
		return portShow{}, err
	}
	w := in.Port
	change := network.PortChange{
		Revision: revision, Name: given(w.Name), Description: given(w.Description), DNSName: lower(w.DNSName), DNSDomain: lower(w.DNSDomain), AdminUp: w.AdminUp,
		PortSecurity: w.PortSecurity, MAC: given(w.MAC), DeviceID: given(w.DeviceID), DeviceOwner: given(w.DeviceOwner),
		HostID: given(w.HostID), GroupIDs: given(w.Groups), QoSPolicyID: given(w.QoSPolicyID),
		DHCPOptions: dhcpOptionChanges(w.DHCPOptions),
	}
	if w.FixedIPs.Set {
		wanted, err := parseWanted(w.FixedIPs.Value)
		if err != nil {
			return portShow{}, err
		}
		change.FixedIPs = &wanted
	}
	if w.Pairs.Set {
		list := pairs(w.Pairs.Value)
		change.Pairs = &list
	}
	p, err := a.core.ChangePort(ctx, auth.From(ctx), in.ID, change)
	if err != nil {
		return portShow{}, err
	}
	out, err := a.portsOut(ctx, p)
	return portShow{out[0]}, err
}

func (a *api) deletePort(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeletePort)
}
