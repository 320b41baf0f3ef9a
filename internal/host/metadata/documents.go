package metadata

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

// document is what a path holds.
type document struct {
	contentType string
	body        []byte
}

func text(s string) (document, bool) {
	return document{"text/plain; charset=utf-8", []byte(s)}, true
}

func lines(names ...string) (document, bool) { return text(strings.Join(names, "\n")) }

func jsonDocument(v any) (document, bool) {
	body, err := json.Marshal(v)
	return document{"application/json", body}, err == nil
}

// guest is who asks: a server, by the address of one of its ports. Seed is fresh entropy for its random generator.
type guest struct {
	protocol.Server
	address string
	seed    []byte
}

// The versions of OpenStack's metadata that differ in what they hold. A client takes the newest that it knows.
const (
	folsom  = "2012-08-10"
	grizzly = "2013-04-04" // + random_seed
	havana  = "2013-10-17" // + vendor_data.json
	liberty = "2015-10-15" // + network_data.json, project_id
	newton1 = "2016-06-30" // + devices
	newton2 = "2016-10-06" // + vendor_data2.json
	ocata   = "2017-02-22"
	rocky   = "2018-08-27"
	latest  = "latest"
)

func openstackVersions() []string {
	return []string{folsom, grizzly, havana, liberty, newton1, newton2, ocata, rocky, latest}
}

// find returns what a path holds for a guest. A slash at the end, or several in a row, make no difference.
func find(g guest, path string) (document, bool) {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	switch {
	case len(parts) == 0:
		return lines(append(ec2Versions(), "openstack")...)
	case parts[0] == "openstack":
		return findOpenStack(g, parts[1:])
	default:
		return findEC2(g, parts)
	}
}

func findOpenStack(g guest, parts []string) (document, bool) {
	if len(parts) == 0 {
		return lines(openstackVersions()...)
	}
	version := parts[0]
	if !slices.Contains(openstackVersions(), version) || len(parts) > 2 {
		return document{}, false
	}
	names := openstackNames(g, version)
	if len(parts) == 1 {
		return lines(names...)
	}
	if !slices.Contains(names, parts[1]) {
		return document{}, false
	}
	switch parts[1] {
	case "meta_data.json":
		return jsonDocument(metaData(g, version))
	case "network_data.json":
		return jsonDocument(networkData(g.NICs))
	case "user_data":
		return document{"application/octet-stream", g.Guest.UserData}, true
	default:
		return jsonDocument(struct{}{}) // vendor data: Aloft adds nothing of its own to a guest
	}
}

// openstackNames lists the documents of a version; "latest" sorts after every date.
func openstackNames(g guest, version string) []string {
	names := []string{"meta_data.json"}
	if len(g.Guest.UserData) > 0 {
		names = append(names, "user_data")
	}
	if version >= havana {
		names = append(names, "vendor_data.json")
	}
	if version >= liberty {
		names = append(names, "network_data.json")
	}
	if version >= newton2 {
		names = append(names, "vendor_data2.json")
	}
	return names
}

type metaDataJSON struct {
	UUID             string            `json:"uuid"`
	Name             string            `json:"name"`
	Hostname         string            `json:"hostname"`
	AvailabilityZone string            `json:"availability_zone"`
	LaunchIndex      int               `json:"launch_index"`
	Meta             map[string]string `json:"meta,omitempty"`
	PublicKeys       map[string]string `json:"public_keys,omitempty"`
	Keys             []keyJSON         `json:"keys,omitempty"`
	RandomSeed       string            `json:"random_seed,omitempty"`
	ProjectID        string            `json:"project_id,omitempty"`
	Devices          []struct{}        `json:"devices,omitzero"`
}

type keyJSON struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Data string `json:"data"`
}

func metaData(g guest, version string) metaDataJSON {
	m := metaDataJSON{
		UUID: g.ID, Name: g.Name, Hostname: g.Guest.Hostname, AvailabilityZone: g.Guest.AvailabilityZone,
		LaunchIndex: g.Guest.LaunchIndex, Meta: g.Guest.Metadata,
	}
	for _, k := range g.Guest.Keys {
		if m.PublicKeys == nil {
			m.PublicKeys = map[string]string{}
		}
		m.PublicKeys[k.Name] = k.Data
		m.Keys = append(m.Keys, keyJSON(k))
	}
	if version >= grizzly {
		m.RandomSeed = base64.StdEncoding.EncodeToString(g.seed)
	}
	if version >= liberty {
		m.ProjectID = g.ProjectID
	}
	if version >= newton1 {
		m.Devices = []struct{}{}
	}
	return m
}

type networkDataJSON struct {
	Links    []linkJSON    `json:"links"`
	Networks []networkJSON `json:"networks"`
	Services []serviceJSON `json:"services"`
}

type linkJSON struct {
	ID   string `json:"id"`
	VIF  string `json:"vif_id"`
	Type string `json:"type"`
	MTU  int    `json:"mtu"`
	MAC  string `json:"ethernet_mac_address"`
}

type networkJSON struct {
	ID        string        `json:"id"`
	Type      string        `json:"type"`
	Link      string        `json:"link"`
	NetworkID string        `json:"network_id"`
	Address   string        `json:"ip_address"`
	Netmask   string        `json:"netmask"`
	Routes    []routeJSON   `json:"routes"`
	Services  []serviceJSON `json:"services"`
}

type routeJSON struct {
	Network string `json:"network"`
	Netmask string `json:"netmask"`
	Gateway string `json:"gateway"`
}

type serviceJSON struct {
	Type    string `json:"type"`
	Address string `json:"address"`
}

// networkData describes the ports with their addresses, so that a guest needs no DHCP.
func networkData(nics []protocol.NIC) networkDataJSON {
	d := networkDataJSON{Links: []linkJSON{}, Networks: []networkJSON{}, Services: []serviceJSON{}}
	for _, nic := range nics {
		link := "tap" + nic.PortID[:min(11, len(nic.PortID))]
		d.Links = append(d.Links, linkJSON{ID: link, VIF: nic.PortID, Type: "ovs", MTU: nic.MTU, MAC: nic.MAC})
		services := []serviceJSON{}
		for _, address := range nic.DNSServers {
			services = append(services, serviceJSON{"dns", address})
		}
		for _, s := range services {
			if !slices.Contains(d.Services, s) {
				d.Services = append(d.Services, s)
			}
		}
		for _, ip := range nic.FixedIPs {
			n := networkOf(nic, ip)
			n.ID, n.Link, n.Services = fmt.Sprintf("network%d", len(d.Networks)), link, services
			d.Networks = append(d.Networks, n)
		}
	}
	return d
}

func networkOf(nic protocol.NIC, ip protocol.FixedIP) networkJSON {
	n := networkJSON{Type: "ipv4", NetworkID: nic.NetworkID, Address: ip.Address, Routes: []routeJSON{}}
	anywhere := "0.0.0.0"
	if strings.Contains(ip.Address, ":") {
		n.Type, anywhere = "ipv6", "::"
	}
	if ip.Gateway != "" {
		n.Routes = append(n.Routes, routeJSON{anywhere, anywhere, ip.Gateway})
	}
	_, subnet, err := net.ParseCIDR(ip.CIDR)
	if err != nil {
		return n
	}
	n.Netmask = net.IP(subnet.Mask).String()
	// The way to this service must not depend on the gateway, which a subnet need not have.
	for _, a := range nic.Metadata.Addresses {
		address, _, err := net.ParseCIDR(a)
		if err == nil && n.Type == "ipv4" && subnet.Contains(address) {
			n.Routes = append(n.Routes, routeJSON{serviceAddress, "255.255.255.255", address.String()})
		}
	}
	return n
}
