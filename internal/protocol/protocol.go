// Package protocol is what the control plane and the hosts say to each other, and its version. Both ends are the same
// binary; a control plane understands agents of its own version and of the one before.
//
// A host dials out to the bus and never listens. The control plane states what a host should run; the host states what
// it sees. Both statements are whole and may be repeated, so a lost message costs latency and nothing else.
package protocol

import (
	"strings"
	"time"
)

// Version is the version of these messages.
const Version = 1

// Subjects that the control plane serves; hosts call them by request and reply.
const (
	SubjectSync   = "aloft.control.sync"   // Sync → SyncReply: everything a host sees for everything it should run
	SubjectReport = "aloft.control.report" // Report → Ack: what has changed on a host
	SubjectImage  = "aloft.control.image"  // ImageRead → ImageData: a piece of an image's data
	SubjectRenew  = "aloft.control.renew"  // Renew → Membership: what a host that has joined needs, anew
)

// SubjectHeartbeat is where hosts publish Heartbeat, for all control nodes.
const SubjectHeartbeat = "aloft.control.heartbeat"

// SubjectServers is where a host hears []Server, the servers whose wants have changed; it answers Ack.
func SubjectServers(host string) string { return "aloft.host." + host + ".servers" }

// SubjectResync is where a host hears AskSync.
func SubjectResync(host string) string { return "aloft.host." + host + ".resync" }

// SubjectConsole is where a host serves ConsoleRead → ConsoleOutput.
func SubjectConsole(host string) string { return "aloft.host." + host + ".console" }

// Ack says that a message was taken; nothing more.
type Ack struct{}

// Power is what a server should be, or is.
type Power string

// The closed set of power states.
const (
	Running Power = "running"
	Stopped Power = "stopped"
	Paused  Power = "paused"
	Absent  Power = "absent" // no domain, no disks, no ports: nothing of it is left
)

// Server is what a host should run. Generation rises with every change of the wants; the domain carries it.
type Server struct {
	ID, Name, ProjectID, UserID string
	Hostname                    string
	Generation                  int64
	Power                       Power
	// Boot rises each time a user asks for a reboot. A domain that was started for a lower Boot is rebooted:
	// by the ACPI power button with a deadline, or at once where HardBoot is set.
	Boot      int64
	HardBoot  bool
	VCPUs     int
	MemoryMiB int
	RootGiB   int
	Image     Image
	NICs      []NIC
	Guest     Guest
}

// DomainName is what the hypervisor of a host calls a server; the control plane shows it to administrators. 12 hex digits
// of a random UUID are enough to be unique on a host.
func DomainName(serverID string) string {
	plain := strings.ReplaceAll(serverID, "-", "")
	return "aloft-" + plain[:min(12, len(plain))]
}

// Image is the data that a root disk starts from.
type Image struct {
	ID     string
	Format string // "qcow2" or "raw", as found in the content
	Size   int64  // bytes
	SHA512 string // lower-case hex
}

// NIC is a port of a server. PortID is the iface-id that OVN knows.
type NIC struct {
	PortID, NetworkID, MAC string
	MTU                    int
	FixedIPs               []FixedIP
	Metadata               MetadataPort
	// DNSServers, Routes and Gateway are in the guest's network_data.json.
	DNSServers []string
}

// FixedIP is an address of a port, with its subnet's prefix and gateway (empty if none).
type FixedIP struct {
	Address, CIDR, Gateway string
	SubnetID               string
}

// MetadataPort is the local port of a network from which every host serves 169.254.169.254.
type MetadataPort struct {
	PortID, MAC string
	Addresses   []string // with prefix length, e.g. "10.0.0.2/24"
}

// Guest is what the metadata service tells a guest about itself.
type Guest struct {
	Hostname         string
	Keys             []Key
	Metadata         map[string]string
	UserData         []byte // as the user gave it, decoded
	AvailabilityZone string
	LaunchIndex      int
	InstanceType     string            // the flavor's name, for EC2
	FloatingIPs      map[string]string // fixed address → floating address, for EC2's public-ipv4
	SecurityGroups   []string
}

// Key is a public key of a key pair.
type Key struct {
	Name, Type, Data string // Type is "ssh"
}

// Cause says why a server is not running.
type Cause string

// The closed set of causes.
const (
	// CauseNone goes with states that need no explanation.
	CauseNone Cause = ""
	// CauseGuest means that the guest shut itself down, or that someone stopped the domain behind Aloft's back.
	CauseGuest Cause = "guest"
	// CauseLost means that the domain stopped with its host, its hypervisor or its process: it should run again.
	CauseLost Cause = "lost"
)

// Observed is what a host sees of one server.
type Observed struct {
	ID         string
	Generation int64 // of the wants that the host has carried out; a lower one than the current is stale
	Boot       int64
	Power      Power
	Cause      Cause
	Step       string // the step at work while wants are being carried out, e.g. "fetching image (40 %)"; empty at rest
	Error      string // why the wants can't be carried out, for the user; empty if they can
	Final      bool   // Error will not go away by retrying on this host
	At         time.Time
}

// Capacity is what a host has in all.
type Capacity struct {
	VCPUs, MemoryMiB, DiskGiB int
	Bandwidth                 Bandwidth // of its links to physical networks
}

// Host is what a host says of itself.
type Host struct {
	ID, Name       string // Name is the host name; ID is stable over its changes, and OVN's chassis name
	Version        int    // of this package
	Arch           string // as in Go: amd64, arm64 ...
	Hypervisor     string // "libvirt", "simulated"
	Acceleration   string // "kvm", "tcg"
	HypervisorInfo string // e.g. "QEMU 7.2.19"
	Address        string
	BootID         string // of the host's kernel
	Capacity       Capacity
}

// Sync is everything a host sees. It is sent at start, when the host has lost messages, when it is asked to, and as often
// as the last SyncReply said.
type Sync struct {
	Host    Host
	Servers []Observed
	Network *NetworkSeen // nil: not known yet
}

// SyncEvery is how often a host sends Sync that was told nothing else.
const SyncEvery = 5 * time.Second

// HeartbeatEvery is how often a host sends Heartbeat that was told nothing else.
const HeartbeatEvery = 10 * time.Second

// SyncReply is everything a host should run. A server that the host has and the reply does not name is left as it is:
// only Power Absent removes anything.
type SyncReply struct {
	Servers []Server
	// HeartbeatEvery and SyncEvery are how often the control plane wants to hear of the host, at least; hosts add jitter.
	// 0, from a control plane that doesn't say, means the constants of these names.
	HeartbeatEvery, SyncEvery time.Duration
	// Settings are the host's, whole; nil, from a control plane that doesn't say: they stay as they were heard last.
	Settings *Settings
}

// Settings are what an operator has set through the API, as far as a host has to do with it.
type Settings struct {
	// DNSForwarders are the addresses that guests' questions go to that OVN has no answer for; none: the host's own resolvers.
	DNSForwarders []string `json:"dns_forwarders,omitempty"`
	// Network is how this host is joined to networks; nil: nobody has ever set that, and it stays as it is.
	Network *HostNetwork `json:"network,omitempty"`
}

// HostNetwork is how a host is to be joined to networks. What it does not say is as the flags of the host's agent say.
type HostNetwork struct {
	Generation     int64           `json:"generation"`      // rises with every change
	BridgeMappings []BridgeMapping `json:"bridge_mappings"` // all of them; nil, which is not none: the flags'
	EncapAddress   string          `json:"encap_address,omitempty"`
}

// BridgeMapping joins a host to a physical network: by a bridge of Open vSwitch, which is made where it is missing, and, where
// Device is not empty, a network device that is put into it.
type BridgeMapping struct {
	PhysicalNetwork string `json:"physical_network"`
	Bridge          string `json:"bridge"`
	Device          string `json:"device,omitempty"`
}

// NetworkSeen is how a host is joined to networks.
type NetworkSeen struct {
	Generation     int64 // of the HostNetwork that it has heard; 0: of none
	BridgeMappings []BridgeMapping
	EncapAddress   string
	Error          string // what of the HostNetwork cannot be had, and why; empty if all can
}

// Heartbeat says that a host is there. It is small, as there are many, and is lost where nobody listens.
type Heartbeat struct {
	HostID  string
	Servers int // that the host knows of
}

// AskSync asks a host to Sync at once.
type AskSync struct{}

// Report is what has changed on a host since its last message.
type Report struct {
	HostID  string
	Servers []Observed
}

// ImageRead asks for a piece of an image's data, at most ImagePiece bytes.
type ImageRead struct {
	ID     string
	Offset int64
	Length int
}

// ImagePiece is the largest piece of image data in one message, in bytes.
const ImagePiece = 512 << 10

// ImageData is a piece; it is shorter than asked for at the end only.
type ImageData struct {
	Data []byte
}

// ConsoleRead asks for the last Lines lines of a server's serial console; 0 means all that is kept.
type ConsoleRead struct {
	ServerID string
	Lines    int
}

// ConsoleOutput is the text of a serial console.
type ConsoleOutput struct {
	Text string
}
