// Package config holds the settings that a process needs before it can read any others: where its files are, where it
// listens, and where its database is. They are flags of the command line. Everything else is a setting in the database,
// changed through the API.
package config

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Config is how a process is set up. The zero value is not valid: begin with Default.
type Config struct {
	DataDir   string // what must survive: the database, images, disks, keys
	EtcDir    string // what people and clients read: the CA's certificate, openrc, clouds.yaml
	RunDir    string // what may be lost with the machine's next boot: sockets, process ids
	Listen    string // address:port of the API and the console
	PublicURL string // how clients reach Listen; empty until Complete for the address of Listen itself
	Database  string // sqlite:///path or postgres://…; empty until Complete for a SQLite file in DataDir
	// Address is this machine's for the others: tunnels between networks, moves of servers. Empty where there are no others.
	Address   string
	BusListen string // address:port for hosts on other machines; empty until Complete for port 4222 of Address, if that is given
	OVNListen string // address:port of OVN's southbound database for them; empty likewise, port 6642
	// OVNMembers are the Addresses of all control nodes whose OVN databases form one cluster; empty where there is one node.
	OVNMembers []string
	// BusClusterListen and BusRoutes link the buses of several control nodes.
	BusClusterListen string
	BusRoutes        []string
	Region           string   // the name of the region in the catalog
	PolicyFile       string   // policies that differ from the defaults; empty for none
	AllowOrigins     []string // web pages whose scripts may call the API, as https://name:port; "*" is all
	Outside          string   // this host's address, with the prefix length, on the network of floating addresses
	OutsideDevice    string   // network device that joins this host to it; empty for none
	TunnelDevice     string   // network device whose address tunnels use; empty for that of Address
	LogLevel         string   // debug, info, warn or error
	LimitModel       string   // flat or strict_two_level
	LogIn            LogIn
	Load             Load
}

// Default is the set-up of one machine.
func Default() Config {
	return Config{
		DataDir: "/var/lib/aloft", EtcDir: "/etc/aloft", RunDir: "/run/aloft",
		Listen: "127.0.0.1:8443", Region: "RegionOne", Outside: "172.24.4.1/24", LogLevel: "info", LimitModel: "flat",
	}
}

// Bind makes flags of the settings; what c holds are their defaults. The process' command line is parsed into c.
func (c *Config) Bind(flags *pflag.FlagSet) {
	flags.StringVar(&c.DataDir, "data-dir", c.DataDir, "folder of the database, images, disks and keys")
	flags.StringVar(&c.EtcDir, "etc-dir", c.EtcDir, "folder of the CA certificate, openrc and clouds.yaml")
	flags.StringVar(&c.RunDir, "run-dir", c.RunDir, "folder of sockets and process ids")
	flags.StringVar(&c.Listen, "listen", c.Listen, "address:port of the API and the console")
	flags.StringVar(&c.PublicURL, "public-url", c.PublicURL, "URL at which clients reach the API (default https:// and the address of --listen)")
	flags.StringVar(&c.Database, "database", c.Database, "sqlite:///path or postgres://user@host/name (default a SQLite file in --data-dir)")
	flags.StringVar(&c.Address, "address", c.Address, "IPv4 address of this machine for the other hosts (default none: there are no others)")
	flags.StringVar(&c.BusListen, "bus-listen", c.BusListen, "address:port at which hosts on other machines connect (default port 4222 of --address)")
	flags.StringVar(&c.OVNListen, "ovn-listen", c.OVNListen, "address:port at which they reach OVN's southbound database (default port 6642 of --address)")
	flags.StringSliceVar(&c.OVNMembers, "ovn-members", c.OVNMembers, "--address of every control node, in the same order on each: their OVN databases form one cluster, which the first makes (default none: this node has its own)")
	flags.StringVar(&c.BusClusterListen, "bus-cluster-listen", c.BusClusterListen, "address:port at which other control nodes connect (default none)")
	flags.StringSliceVar(&c.BusRoutes, "bus-routes", c.BusRoutes, "address:port of other control nodes' --bus-cluster-listen")
	flags.StringVar(&c.PolicyFile, "policy-file", c.PolicyFile, "YAML file of policies that differ from the defaults (default none)")
	flags.StringSliceVar(&c.AllowOrigins, "allow-origins", c.AllowOrigins, "https://name:port of web pages whose scripts may call the API, or * (default none)")
	flags.StringVar(&c.Region, "region", c.Region, "name of the region in the catalog")
	flags.StringVar(&c.Outside, "outside", c.Outside, "address of this host, with the prefix length, on the network of floating addresses")
	flags.StringVar(&c.OutsideDevice, "outside-device", c.OutsideDevice, "network device that joins this host to the network of floating addresses (default none)")
	flags.StringVar(&c.TunnelDevice, "tunnel-device", c.TunnelDevice, "network device whose address tunnels between hosts use. Where the kernel has no openvswitch module it is needed, and Open vSwitch takes the device over, so that nothing else should use it (default the device of --address)")
	flags.StringVar(&c.LogLevel, "log-level", c.LogLevel, "least level that is logged: debug, info, warn or error")
	flags.StringVar(&c.LimitModel, "limit-model", c.LimitModel, "how the limits of domains and projects have to do with one another: flat or strict_two_level")
	c.LogIn.bind(flags)
	c.Load.bind(flags)
}

// The ports of Address that hosts connect to. NATS and OVN have them by default.
const (
	busPort        = "4222"
	southboundPort = "6642"
)

// Complete fills in what follows from other settings, and checks all. Its error names the flag that is wrong.
func (c *Config) Complete() error {
	if c.Database == "" {
		c.Database = "sqlite://" + filepath.Join(c.DataDir, "aloft.db")
	}
	if c.PublicURL == "" {
		c.PublicURL = "https://" + reachable(c.Listen, c.Address)
	}
	if c.Address != "" && c.BusListen == "" {
		c.BusListen = net.JoinHostPort(c.Address, busPort)
	}
	if c.Address != "" && c.OVNListen == "" {
		c.OVNListen = net.JoinHostPort(c.Address, southboundPort)
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	for _, check := range []func() error{c.checkFolders, c.checkAddresses, c.checkURLs, c.checkWords, c.checkLogIn, c.checkLoad} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// reachable is the address by which a listener is reached: on every address, by that for other machines if there is one.
func reachable(listen, address string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen // checkAddresses will say what is wrong
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = cmp.Or(address, "127.0.0.1")
	}
	if port == "443" && !strings.Contains(host, ":") {
		return host
	}
	return net.JoinHostPort(host, port)
}

func (c *Config) checkFolders() error {
	for flag, dir := range map[string]string{"data-dir": c.DataDir, "etc-dir": c.EtcDir, "run-dir": c.RunDir} {
		if !filepath.IsAbs(dir) {
			return fault.Invalidf(flag, "--%s must be an absolute path, but is %q", flag, dir)
		}
	}
	return nil
}

func (c *Config) checkAddresses() error {
	if err := checkAddress("listen", c.Listen); err != nil {
		return err
	}
	if ip, err := netip.ParseAddr(c.Address); c.Address != "" && (err != nil || !ip.Is4() || ip.IsUnspecified()) {
		return fault.Invalidf("address", "--address must be one IPv4 address of this machine, such as 10.0.0.1, but is %q", c.Address)
	}
	if err := c.checkMembers(); err != nil {
		return err
	}
	for flag, address := range map[string]string{"bus-listen": c.BusListen, "ovn-listen": c.OVNListen, "bus-cluster-listen": c.BusClusterListen} {
		if address == "" {
			continue
		}
		if err := checkAddress(flag, address); err != nil {
			return err
		}
	}
	if len(c.BusRoutes) > 0 && c.BusClusterListen == "" {
		return fault.Invalidf("bus-routes", "--bus-routes links this control node to others, which needs --bus-cluster-listen too")
	}
	for _, route := range c.BusRoutes {
		if err := checkAddress("bus-routes", route); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) checkMembers() error {
	for i, m := range c.OVNMembers {
		if ip, err := netip.ParseAddr(m); err != nil || !ip.Is4() {
			return fault.Invalidf("ovn-members", "--ovn-members must be IPv4 addresses of control nodes, such as 10.0.0.1,10.0.0.2,10.0.0.3, but one is %q", m)
		}
		if slices.Contains(c.OVNMembers[:i], m) {
			return fault.Invalidf("ovn-members", "--ovn-members has %s twice", m)
		}
	}
	if len(c.OVNMembers) > 0 && !slices.Contains(c.OVNMembers, c.Address) {
		return fault.Invalidf("ovn-members", "--ovn-members must have this control node's --address among them, but %q is not", c.Address)
	}
	return nil
}

func checkAddress(flag, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fault.Invalidf(flag, "--%s must be address:port with a port from 0 to 65535, for instance 0.0.0.0:8443, but is %q",
			flag, address)
	}
	return nil
}

func (c *Config) checkURLs() error {
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" {
		return fault.Invalidf("public-url", "--public-url must be https://name:port and nothing behind it, but is %q", c.PublicURL)
	}
	for _, origin := range c.AllowOrigins {
		u, err := url.Parse(origin)
		if origin != "*" && (err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin) {
			return fault.Invalidf("allow-origins", "--allow-origins must be https://name:port and nothing behind it, or *, but is %q", origin)
		}
	}
	path, lite := strings.CutPrefix(c.Database, "sqlite://")
	switch {
	case lite && filepath.IsAbs(path):
		return nil
	case strings.HasPrefix(c.Database, "postgres://"), strings.HasPrefix(c.Database, "postgresql://"):
		return nil
	}
	return fault.Invalidf("database", "--database must be sqlite:///absolute/path or postgres://user@host/name")
}

// deviceName is what the kernel takes for one.
var deviceName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,15}$`)

var regionName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$`)

func (c *Config) checkWords() error {
	if !regionName.MatchString(c.Region) {
		return fault.Invalidf("region", "--region must be letters, digits, and . _ - between them, but is %q", c.Region)
	}
	if outside, err := netip.ParsePrefix(c.Outside); err != nil || !outside.Addr().Is4() || outside.Bits() > 28 || outside.Masked().Addr() == outside.Addr() {
		return fault.Invalidf("outside", "--outside must be an IPv4 address of this host in a range of 16 addresses or more, such as 172.24.4.1/24, but is %q", c.Outside)
	}
	for flag, device := range map[string]string{"outside-device": c.OutsideDevice, "tunnel-device": c.TunnelDevice} {
		if device != "" && !deviceName.MatchString(device) {
			return fault.Invalidf(flag, "--%s must be the name of a network device, such as eth1, but is %q", flag, device)
		}
	}
	if c.TunnelDevice != "" && c.TunnelDevice == c.OutsideDevice {
		return fault.Invalidf("tunnel-device", "--tunnel-device and --outside-device must be two devices, but both are %q", c.TunnelDevice)
	}
	if c.LimitModel != "flat" && c.LimitModel != "strict_two_level" {
		return fault.Invalidf("limit-model", "--limit-model must be flat or strict_two_level, but is %q", c.LimitModel)
	}
	switch c.LogLevel {
	case "debug", "info", "warn", "error":
		return nil
	}
	return fault.Invalidf("log-level", "--log-level must be debug, info, warn or error, but is %q", c.LogLevel)
}
