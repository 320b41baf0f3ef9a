package libvirt

import (
	"encoding/xml"
	"fmt"
	"path/filepath"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// machine is what a domain's XML depends on besides its spec: the ground it runs on.
type machine struct {
	Acceleration    string // "kvm" or "tcg"
	ConsoleDir      string
	Bridge          string
	ChecksumOffload bool
}

// virtType is libvirt's name of the acceleration.
func (m machine) virtType() string {
	if m.Acceleration == "kvm" {
		return "kvm"
	}
	return "qemu"
}

// namespace is of Aloft's element in a domain's metadata.
const namespace = "urn:aloft:server:1"

// consoleLog is where a domain's console is logged. virtlogd adds .0, .1 ... to the name of what it has rotated.
func consoleLog(dir, id string) string { return filepath.Join(dir, id+".log") }

// domainXML describes a server to libvirt. Devices that cost start-up time and that no server asked for (USB, VGA, boot
// ROMs of NICs) are left out.
func domainXML(spec hypervisor.Spec, m machine) (string, error) {
	d := libvirtxml.Domain{
		Type:        m.virtType(),
		Name:        protocol.DomainName(spec.ID),
		UUID:        spec.ID,
		Title:       oneLine(spec.Name),
		Metadata:    &libvirtxml.DomainMetadata{XML: metadataXML(spec.Meta)},
		Memory:      &libvirtxml.DomainMemory{Value: uint(spec.MemoryMiB), Unit: "MiB"},
		VCPU:        &libvirtxml.DomainVCPU{Placement: "static", Value: uint(spec.VCPUs)},
		SysInfo:     []libvirtxml.DomainSysInfo{{SMBIOS: smbios(spec.ID)}},
		OS:          operatingSystem(),
		Features:    &libvirtxml.DomainFeatureList{ACPI: &libvirtxml.DomainFeature{}, APIC: &libvirtxml.DomainFeatureAPIC{}},
		CPU:         processor(spec.VCPUs, m.Acceleration),
		Clock:       clock(),
		OnPoweroff:  "destroy",
		OnReboot:    "restart",
		OnCrash:     "destroy", // the agent starts it again, with back-off
		Devices:     devices(spec, m),
		Description: "Managed by Aloft; changes made here are undone.",
		// Without this libvirt asks QEMU for each of some hundred features of the guest's processor, one by one, which
		// takes longer than all else of a start; with it, it asks for all at once. Nothing here needs the longer answer,
		// which tells apart features that a processor model has and the host lacks.
		QEMUCapabilities: &libvirtxml.DomainQEMUCapabilities{
			Del: []libvirtxml.DomainQEMUCapabilitiesEntry{{Name: "cpu-unavailable-features"}},
		},
	}
	return d.Marshal()
}

// smbios tells guests what they run on: cloud-init takes "OpenStack Nova" for the sign of an OpenStack metadata service.
func smbios(id string) *libvirtxml.DomainSysInfoSMBIOS {
	return &libvirtxml.DomainSysInfoSMBIOS{System: &libvirtxml.DomainSysInfoSystem{Entry: []libvirtxml.DomainSysInfoEntry{
		{Name: "manufacturer", Value: "Aloft"},
		{Name: "product", Value: "OpenStack Nova"},
		{Name: "version", Value: "1"},
		{Name: "serial", Value: id},
		{Name: "uuid", Value: id},
		{Name: "family", Value: "Virtual Machine"},
	}}}
}

func operatingSystem() *libvirtxml.DomainOS {
	return &libvirtxml.DomainOS{
		Type:   &libvirtxml.DomainOSType{Arch: "x86_64", Machine: "q35", Type: "hvm"},
		SMBios: &libvirtxml.DomainSMBios{Mode: "sysinfo"},
	}
}

func processor(vcpus int, acceleration string) *libvirtxml.DomainCPU {
	cpu := &libvirtxml.DomainCPU{Mode: "maximum", Check: "none"}
	if acceleration == "kvm" {
		cpu.Mode = "host-passthrough"
		cpu.Migratable = "on"
	}
	cpu.Topology = &libvirtxml.DomainCPUTopology{Sockets: 1, Dies: 1, Cores: vcpus, Threads: 1}
	return cpu
}

func clock() *libvirtxml.DomainClock {
	return &libvirtxml.DomainClock{Offset: "utc", Timer: []libvirtxml.DomainTimer{
		{Name: "rtc", TickPolicy: "catchup"},
		{Name: "pit", TickPolicy: "delay"},
		{Name: "hpet", Present: "no"},
	}}
}

func devices(spec hypervisor.Spec, m machine) *libvirtxml.DomainDeviceList {
	port := uint(0)
	list := &libvirtxml.DomainDeviceList{
		Disks:       []libvirtxml.DomainDisk{rootDisk(spec)},
		Controllers: []libvirtxml.DomainController{{Type: "usb", Model: "none"}},
		Serials: []libvirtxml.DomainSerial{{
			Source: &libvirtxml.DomainChardevSource{Pty: &libvirtxml.DomainChardevSourcePty{}},
			Target: &libvirtxml.DomainSerialTarget{Port: &port},
			// virtlogd writes and rotates it, so that a guest can't fill the host's disk.
			Log: &libvirtxml.DomainChardevLog{File: consoleLog(m.ConsoleDir, spec.ID), Append: "on"},
		}},
		Channels: []libvirtxml.DomainChannel{{
			Source: &libvirtxml.DomainChardevSource{UNIX: &libvirtxml.DomainChardevSourceUNIX{}},
			Target: &libvirtxml.DomainChannelTarget{VirtIO: &libvirtxml.DomainChannelTargetVirtIO{Name: "org.qemu.guest_agent.0"}},
		}},
		MemBalloon: &libvirtxml.DomainMemBalloon{
			Model: "virtio", FreePageReporting: "on", Stats: &libvirtxml.DomainMemBalloonStats{Period: 10},
		},
		RNGs: []libvirtxml.DomainRNG{{
			Model:   "virtio",
			Backend: &libvirtxml.DomainRNGBackend{Random: &libvirtxml.DomainRNGBackendRandom{Device: "/dev/urandom"}},
		}},
	}
	for _, nic := range spec.NICs {
		list.Interfaces = append(list.Interfaces, networkCard(nic, m))
	}
	return list
}

// rootDisk names the backing image, so that libvirt doesn't open the overlay to find it and doesn't change the owner of
// an image that other servers share.
func rootDisk(spec hypervisor.Spec) libvirtxml.DomainDisk {
	queues := uint(min(spec.VCPUs, 4))
	d := libvirtxml.DomainDisk{
		Device: "disk",
		Driver: &libvirtxml.DomainDiskDriver{
			Name: "qemu", Type: spec.Root.Format, Cache: spec.Root.Cache, Discard: "unmap", Queues: &queues,
		},
		Source: &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: spec.Root.Path}},
		Target: &libvirtxml.DomainDiskTarget{Dev: "vda", Bus: "virtio"},
		Serial: spec.ID[:min(20, len(spec.ID))],
		Boot:   &libvirtxml.DomainDeviceBoot{Order: 1},
	}
	if spec.Root.Backing != "" {
		d.BackingStore = &libvirtxml.DomainDiskBackingStore{
			Format: &libvirtxml.DomainDiskFormat{Type: spec.Root.BackingFormat},
			Source: &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{
				File:     spec.Root.Backing,
				SecLabel: []libvirtxml.DomainDeviceSecLabel{{Model: "dac", Relabel: "no"}},
			}},
			BackingStore: &libvirtxml.DomainDiskBackingStore{},
		}
	}
	return d
}

// networkCard plugs a port into the integration bridge; OVN knows it by its interface id. On a user-space datapath
// nobody completes checksums, so each end has to do so itself.
func networkCard(nic hypervisor.NIC, m machine) libvirtxml.DomainInterface {
	i := libvirtxml.DomainInterface{
		MAC:    &libvirtxml.DomainInterfaceMAC{Address: nic.MAC},
		Source: &libvirtxml.DomainInterfaceSource{Bridge: &libvirtxml.DomainInterfaceSourceBridge{Bridge: m.Bridge}},
		VirtualPort: &libvirtxml.DomainInterfaceVirtualPort{Params: &libvirtxml.DomainInterfaceVirtualPortParams{
			OpenVSwitch: &libvirtxml.DomainInterfaceVirtualPortParamsOpenVSwitch{InterfaceID: nic.PortID},
		}},
		Target: &libvirtxml.DomainInterfaceTarget{Dev: tapName(nic.PortID)},
		Model:  &libvirtxml.DomainInterfaceModel{Type: "virtio"},
		ROM:    &libvirtxml.DomainROM{Enabled: "no"},
	}
	if nic.MTU > 0 {
		i.MTU = &libvirtxml.DomainInterfaceMTU{Size: uint(nic.MTU)}
	}
	if !m.ChecksumOffload {
		i.Driver = &libvirtxml.DomainInterfaceDriver{
			Host:  &libvirtxml.DomainInterfaceDriverHost{CSum: "off", GSO: "off", TSO4: "off", TSO6: "off", ECN: "off", UFO: "off"},
			Guest: &libvirtxml.DomainInterfaceDriverGuest{CSum: "off", TSO4: "off", TSO6: "off", ECN: "off", UFO: "off"},
		}
	}
	return i
}

// tapName is the port's device on the host; the kernel allows 15 characters.
func tapName(port string) string { return "tap" + port[:min(11, len(port))] }

// element is Aloft's metadata as libvirt hands it out: libvirt finds it by its namespace and takes the namespace off.
type element struct {
	XMLName    xml.Name `xml:"server"`
	Generation int64    `xml:"generation,attr"`
	Boot       int64    `xml:"boot,attr"`
	Halted     bool     `xml:"halted,attr"`
}

// metadataElement is the metadata as libvirt wants it to be set: libvirt adds the namespace itself.
func metadataElement(m hypervisor.Metadata) string {
	return fmt.Sprintf(`<server generation="%d" boot="%d" halted="%t"/>`, m.Generation, m.Boot, m.Halted)
}

// metadataXML is the metadata within a domain's XML. It is written by hand, as encoding/xml can't write a prefix and
// libvirt wants one.
func metadataXML(m hypervisor.Metadata) string {
	return fmt.Sprintf(`<aloft:server xmlns:aloft="%s" generation="%d" boot="%d" halted="%t"/>`,
		namespace, m.Generation, m.Boot, m.Halted)
}

func parseMetadata(text string) (hypervisor.Metadata, error) {
	var e element
	if err := xml.Unmarshal([]byte(text), &e); err != nil {
		return hypervisor.Metadata{}, fmt.Errorf("reading the domain's metadata %q: %w", text, err)
	}
	return hypervisor.Metadata{Generation: e.Generation, Boot: e.Boot, Halted: e.Halted}, nil
}

// oneLine makes a server's name fit for libvirt's title, which takes no line breaks.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
