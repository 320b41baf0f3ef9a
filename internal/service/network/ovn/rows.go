package ovn

import (
	"reflect"

	"github.com/ovn-kubernetes/libovsdb/model"
)

// The rows of the northbound database, as far as this package writes them. Columns tagged "member" are lists of other
// rows, to which each member adds itself; "seen" columns are read only.

// LogicalSwitch is a network.
type LogicalSwitch struct {
	UUID        string            `ovsdb:"_uuid"`
	Name        string            `ovsdb:"name"`
	OtherConfig map[string]string `ovsdb:"other_config"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
	Ports       []string          `ovsdb:"ports" aloft:"member"`
	DNSRecords  []string          `ovsdb:"dns_records" aloft:"member"`
	QoSRules    []string          `ovsdb:"qos_rules" aloft:"member"`
}

// LogicalSwitchPort is a port, or a network's way to a physical one.
type LogicalSwitchPort struct {
	UUID         string            `ovsdb:"_uuid"`
	Name         string            `ovsdb:"name"`
	Type         string            `ovsdb:"type"`
	Options      map[string]string `ovsdb:"options"`
	Tag          *int              `ovsdb:"tag"`
	ParentName   *string           `ovsdb:"parent_name"`
	Addresses    []string          `ovsdb:"addresses"`
	PortSecurity []string          `ovsdb:"port_security"`
	Enabled      *bool             `ovsdb:"enabled"`
	DHCPv4       *string           `ovsdb:"dhcpv4_options"`
	DHCPv6       *string           `ovsdb:"dhcpv6_options"`
	ExternalIDs  map[string]string `ovsdb:"external_ids"`
	Up           *bool             `ovsdb:"up" aloft:"seen"`
}

// DHCPOptions is what DHCP says in a subnet.
type DHCPOptions struct {
	UUID        string            `ovsdb:"_uuid"`
	CIDR        string            `ovsdb:"cidr"`
	Options     map[string]string `ovsdb:"options"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

// DNS are names of a network.
type DNS struct {
	UUID        string            `ovsdb:"_uuid"`
	Records     map[string]string `ovsdb:"records"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

// PortGroup is a security group.
type PortGroup struct {
	UUID        string            `ovsdb:"_uuid"`
	Name        string            `ovsdb:"name"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
	Ports       []string          `ovsdb:"ports" aloft:"member"`
	ACLs        []string          `ovsdb:"acls" aloft:"member"`
}

// AddressSet is what an address group has of one IP version.
type AddressSet struct {
	UUID        string            `ovsdb:"_uuid"`
	Name        string            `ovsdb:"name"`
	Addresses   []string          `ovsdb:"addresses"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

// ACL is a rule.
type ACL struct {
	UUID        string            `ovsdb:"_uuid"`
	Priority    int               `ovsdb:"priority"`
	Direction   string            `ovsdb:"direction"`
	Match       string            `ovsdb:"match"`
	Action      string            `ovsdb:"action"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

// LogicalRouter is a router.
type LogicalRouter struct {
	UUID         string            `ovsdb:"_uuid"`
	Name         string            `ovsdb:"name"`
	Enabled      *bool             `ovsdb:"enabled"`
	Options      map[string]string `ovsdb:"options"`
	ExternalIDs  map[string]string `ovsdb:"external_ids"`
	Ports        []string          `ovsdb:"ports" aloft:"member"`
	StaticRoutes []string          `ovsdb:"static_routes" aloft:"member"`
	Policies     []string          `ovsdb:"policies" aloft:"member"`
	NAT          []string          `ovsdb:"nat" aloft:"member"`
	LoadBalancer []string          `ovsdb:"load_balancer" aloft:"member"`
}

// LogicalRouterPort is a router's leg.
type LogicalRouterPort struct {
	UUID           string            `ovsdb:"_uuid"`
	Name           string            `ovsdb:"name"`
	MAC            string            `ovsdb:"mac"`
	Networks       []string          `ovsdb:"networks"`
	Options        map[string]string `ovsdb:"options"`
	IPv6RAConfigs  map[string]string `ovsdb:"ipv6_ra_configs"`
	HAChassisGroup *string           `ovsdb:"ha_chassis_group"`
	ExternalIDs    map[string]string `ovsdb:"external_ids"`
}

// StaticRoute is a router's route.
type StaticRoute struct {
	UUID        string            `ovsdb:"_uuid"`
	IPPrefix    string            `ovsdb:"ip_prefix"`
	Nexthop     string            `ovsdb:"nexthop"`
	OutputPort  *string           `ovsdb:"output_port"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

// RouterPolicy is what becomes of some packets whatever the routes say.
type RouterPolicy struct {
	UUID        string            `ovsdb:"_uuid"`
	Priority    int               `ovsdb:"priority"`
	Match       string            `ovsdb:"match"`
	Action      string            `ovsdb:"action"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

// NAT is a translation of a router's.
type NAT struct {
	UUID        string            `ovsdb:"_uuid"`
	Type        string            `ovsdb:"type"`
	ExternalIP  string            `ovsdb:"external_ip"`
	ExternalMAC *string           `ovsdb:"external_mac"`
	LogicalIP   string            `ovsdb:"logical_ip"`
	LogicalPort *string           `ovsdb:"logical_port"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

// LoadBalancer is what forwards the ports of a floating IP.
type LoadBalancer struct {
	UUID        string            `ovsdb:"_uuid"`
	Name        string            `ovsdb:"name"`
	Protocol    *string           `ovsdb:"protocol"`
	VIPs        map[string]string `ovsdb:"vips"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

// QoS is what is asked of some packets of a network.
type QoS struct {
	UUID        string            `ovsdb:"_uuid"`
	Priority    int               `ovsdb:"priority"`
	Direction   string            `ovsdb:"direction"`
	Match       string            `ovsdb:"match"`
	Action      map[string]int    `ovsdb:"action"`
	Bandwidth   map[string]int    `ovsdb:"bandwidth"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

// HAChassisGroup are the chassis that may be a router's gateway.
type HAChassisGroup struct {
	UUID        string            `ovsdb:"_uuid"`
	Name        string            `ovsdb:"name"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
	HAChassis   []string          `ovsdb:"ha_chassis" aloft:"member"`
}

// HAChassis is one of them; the highest priority that lives is the gateway.
type HAChassis struct {
	UUID        string            `ovsdb:"_uuid"`
	ChassisName string            `ovsdb:"chassis_name"`
	Priority    int               `ovsdb:"priority"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

// SBChassis is a host, as the southbound database knows it.
type SBChassis struct {
	UUID        string            `ovsdb:"_uuid"`
	Name        string            `ovsdb:"name"`
	Hostname    string            `ovsdb:"hostname"`
	OtherConfig map[string]string `ovsdb:"other_config"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

// The tables.
const (
	tableSwitch    = "Logical_Switch"
	tablePort      = "Logical_Switch_Port"
	tableDHCP      = "DHCP_Options"
	tableDNS       = "DNS"
	tableGroup     = "Port_Group"
	tableACL       = "ACL"
	tableAddresses = "Address_Set"
	tableRouter    = "Logical_Router"
	tableLeg       = "Logical_Router_Port"
	tableRoute     = "Logical_Router_Static_Route"
	tablePolicy    = "Logical_Router_Policy"
	tableNAT       = "NAT"
	tableBalancer  = "Load_Balancer"
	tableQoS       = "QoS"
	tableHAGroup   = "HA_Chassis_Group"
	tableHAChassis = "HA_Chassis"
	tableChassis   = "Chassis"
)

// models are the tables of the northbound database, and their rows' types.
func models() map[string]model.Model {
	return map[string]model.Model{
		tableSwitch: &LogicalSwitch{}, tablePort: &LogicalSwitchPort{}, tableDHCP: &DHCPOptions{}, tableDNS: &DNS{},
		tableGroup: &PortGroup{}, tableACL: &ACL{}, tableRouter: &LogicalRouter{}, tableLeg: &LogicalRouterPort{},
		tableRoute: &StaticRoute{}, tableNAT: &NAT{}, tableHAGroup: &HAChassisGroup{}, tableHAChassis: &HAChassis{},
		tableBalancer: &LoadBalancer{}, tableQoS: &QoS{}, tableAddresses: &AddressSet{}, tablePolicy: &RouterPolicy{},
	}
}

// root tells whether rows of a table stay without being in another's list.
func root(table string) bool {
	switch table {
	case tableSwitch, tableDHCP, tableDNS, tableGroup, tableRouter, tableHAGroup, tableBalancer, tableAddresses:
		return true
	}
	return false
}

// clone copies a row deeply. libovsdb would otherwise do so by way of JSON, which a switch with ten thousand ports feels.
func clone[T any](row *T) *T {
	out := *row
	v := reflect.ValueOf(&out).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case f.Kind() == reflect.Slice && !f.IsNil():
			c := reflect.MakeSlice(f.Type(), f.Len(), f.Len())
			reflect.Copy(c, f)
			f.Set(c)
		case f.Kind() == reflect.Map && !f.IsNil():
			c := reflect.MakeMapWithSize(f.Type(), f.Len())
			for _, k := range f.MapKeys() {
				c.SetMapIndex(k, f.MapIndex(k))
			}
			f.Set(c)
		case f.Kind() == reflect.Pointer && !f.IsNil():
			c := reflect.New(f.Type().Elem())
			c.Elem().Set(f.Elem())
			f.Set(c)
		}
	}
	return &out
}

// CloneModel and CloneModelInto are what libovsdb calls to copy rows.

// CloneModel implements model.CloneableModel.
func (r *LogicalSwitch) CloneModel() model.Model { return clone(r) }

// CloneModelInto implements model.CloneableModel.
func (r *LogicalSwitch) CloneModelInto(to model.Model) { *to.(*LogicalSwitch) = *clone(r) }

// CloneModel implements model.CloneableModel.
func (r *LogicalSwitchPort) CloneModel() model.Model { return clone(r) }

// CloneModelInto implements model.CloneableModel.
func (r *LogicalSwitchPort) CloneModelInto(to model.Model) { *to.(*LogicalSwitchPort) = *clone(r) }

// CloneModel implements model.CloneableModel.
func (r *PortGroup) CloneModel() model.Model { return clone(r) }

// CloneModelInto implements model.CloneableModel.
func (r *PortGroup) CloneModelInto(to model.Model) { *to.(*PortGroup) = *clone(r) }
