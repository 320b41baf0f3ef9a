package api

import (
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

// newServer is the body of a create request.
type newServer struct {
	Name         string            `json:"name" check:"required,min=1,max=255"`
	ImageRef     *string           `json:"imageRef"`
	FlavorRef    any               `json:"flavorRef" check:"required"` // a string, or a number
	Description  *string           `json:"description" since:"2.19" check:"max=255"`
	Hostname     *string           `json:"hostname" since:"2.90" check:"min=1,max=255"`
	Networks     any               `json:"networks"` // a list, "auto" or "none"
	Groups       []namedGroup      `json:"security_groups"`
	KeyName      *string           `json:"key_name" check:"min=1,max=255"`
	UserData     *string           `json:"user_data"`
	Metadata     map[string]string `json:"metadata"`
	Tags         []string          `json:"tags" since:"2.52"`
	Zone         *string           `json:"availability_zone" check:"min=1,max=255"`
	Host         *string           `json:"host" since:"2.74" check:"min=1,max=255"`
	HypervisorAt *string           `json:"hypervisor_hostname" since:"2.74" check:"min=1,max=255"`
	MinCount     *int              `json:"min_count" check:"min=1"`
	MaxCount     *int              `json:"max_count" check:"min=1"`
	Reservation  bool              `json:"return_reservation_id"`
	AccessIPv4   *string           `json:"accessIPv4"`
	AccessIPv6   *string           `json:"accessIPv6"`
	DiskConfig   string            `json:"OS-DCF:diskConfig" check:"enum=AUTO|MANUAL"`
	ConfigDrive  any               `json:"config_drive"`
	Disks        []blockDevice     `json:"block_device_mapping_v2"`
	OldDisks     []any             `json:"block_device_mapping"`
	Files        []any             `json:"personality" until:"2.56"`
	Certificates []string          `json:"trusted_image_certificates" since:"2.63"`
	AdminPass    *string           `json:"adminPass"`
}

type namedGroup struct {
	Name string `json:"name" check:"required,min=1,max=255"`
}

type blockDevice struct {
	SourceType          string  `json:"source_type" check:"enum=volume|image|snapshot|blank"`
	DestinationType     string  `json:"destination_type" check:"enum=local|volume"`
	UUID                *string `json:"uuid"`
	ImageID             *string `json:"image_id"`
	VolumeID            *string `json:"volume_id"`
	SnapshotID          *string `json:"snapshot_id"`
	BootIndex           *int    `json:"boot_index"`
	DeleteOnTermination *bool   `json:"delete_on_termination"`
	VolumeSize          *int    `json:"volume_size"`
	VolumeType          *string `json:"volume_type" since:"2.67"`
	DeviceName          *string `json:"device_name"`
	DeviceType          *string `json:"device_type"`
	DiskBus             *string `json:"disk_bus"`
	GuestFormat         *string `json:"guest_format"`
	NoDevice            any     `json:"no_device"`
	Tag                 *string `json:"tag" since:"2.32"`
}

// network is a list item of newServer.Networks.
type network struct{ uuid, port, fixedIP string }

// networks reads the three forms of a server's networks. ok is false where none were given.
func (n *newServer) networks() (items []network, word string, ok bool, err error) {
	switch v := n.Networks.(type) {
	case nil:
		return nil, "", false, nil
	case string:
		if v != "auto" && v != "none" {
			return nil, "", false, fault.Invalidf("server.networks", "Invalid input for field server.networks: %q is neither \"auto\" nor \"none\" nor a list", v)
		}
		return nil, v, true, nil
	case []any:
		for _, item := range v {
			one, err := readNetwork(item)
			if err != nil {
				return nil, "", false, err
			}
			items = append(items, one)
		}
		return items, "", true, nil
	}
	return nil, "", false, fault.Invalidf("server.networks", "Invalid input for field server.networks: it must be a list, \"auto\" or \"none\"")
}

func readNetwork(item any) (network, error) {
	var n network
	m, ok := item.(map[string]any)
	if !ok {
		return n, fault.Invalidf("server.networks", "Invalid input for field server.networks: an item is an object with uuid, port or fixed_ip")
	}
	for key, value := range m {
		text, isText := value.(string)
		if !isText && value != nil {
			return n, fault.Invalidf("server.networks."+key, "Invalid input for field server.networks.%s: it must be a string", key)
		}
		switch key {
		case "uuid":
			n.uuid = text
		case "port":
			n.port = text
		case "fixed_ip":
			n.fixedIP = text
		case "tag": // names the device in the guest's metadata, which we do not list by device
		default:
			return n, fault.Invalidf("server.networks."+key, "Invalid input: there is no field server.networks.%s; Additional properties are not allowed, the fields are uuid, port, fixed_ip, tag", key)
		}
	}
	if n.uuid == "" && n.port == "" {
		return n, fault.Invalidf("server.networks", "Invalid input for field server.networks: an item needs the uuid of a network or a port")
	}
	return n, nil
}

type createServerIn struct {
	Server   newServer       `body:"server"`
	Hints    *map[string]any `body:"os:scheduler_hints"`
	OldHints *map[string]any `body:"OS-SCH-HNT:scheduler_hints"`
}

type createdServer struct {
	ID         string       `json:"id"`
	Links      []link       `json:"links"`
	DiskConfig string       `json:"OS-DCF:diskConfig"`
	Groups     []namedGroup `json:"security_groups"`
}

type createServerOut struct {
	Server      *createdServer `json:"server,omitempty"`
	Reservation string         `json:"reservation_id,omitempty"`
	Location    string         `json:"-" header:"Location"`
}

type serverIn struct {
	ID string `path:"server_id"`
}

type updateServerIn struct {
	serverIn
	Server struct {
		Name        *string          `json:"name" check:"min=1,max=255"`
		Description rest.Opt[string] `json:"description" since:"2.19" check:"max=255"`
		Hostname    *string          `json:"hostname" since:"2.90" check:"min=1,max=255"`
		AccessIPv4  *string          `json:"accessIPv4"`
		AccessIPv6  *string          `json:"accessIPv6"`
		DiskConfig  string           `json:"OS-DCF:diskConfig" check:"enum=AUTO|MANUAL"`
	} `body:"server"`
}

// server is the detailed form. What only admins see is in Admin.
type server struct {
	ID           string               `json:"id"`
	Name         string               `json:"name"`
	Status       string               `json:"status"`
	TenantID     string               `json:"tenant_id"`
	UserID       string               `json:"user_id"`
	Metadata     map[string]string    `json:"metadata"`
	HostID       string               `json:"hostId"`
	Image        any                  `json:"image"`
	Flavor       any                  `json:"flavor"`
	Created      string               `json:"created"`
	Updated      string               `json:"updated"`
	Addresses    map[string][]address `json:"addresses"`
	AccessIPv4   string               `json:"accessIPv4"`
	AccessIPv6   string               `json:"accessIPv6"`
	Links        []link               `json:"links"`
	DiskConfig   string               `json:"OS-DCF:diskConfig"`
	Progress     *int                 `json:"progress,omitempty"`
	Zone         string               `json:"OS-EXT-AZ:availability_zone"`
	ConfigDrive  string               `json:"config_drive"`
	KeyName      *string              `json:"key_name"`
	LaunchedAt   *string              `json:"OS-SRV-USG:launched_at"`
	TerminatedAt *string              `json:"OS-SRV-USG:terminated_at"`
	Groups       []namedGroup         `json:"security_groups"`
	TaskState    *string              `json:"OS-EXT-STS:task_state"`
	VMState      string               `json:"OS-EXT-STS:vm_state"`
	PowerState   int                  `json:"OS-EXT-STS:power_state"`
	Volumes      []any                `json:"os-extended-volumes:volumes_attached"`
	Fault        *serverFault         `json:"fault,omitempty"`
	Locked       bool                 `json:"locked" since:"2.9"`
	Description  *string              `json:"description" since:"2.19"`
	Tags         []string             `json:"tags" since:"2.26"`
	LockedReason *string              `json:"locked_reason" since:"2.73"`
	PinnedZone   *string              `json:"pinned_availability_zone" since:"2.96"`
	More         map[string]any       `json:"*"`
}

type imageRef struct {
	ID    string `json:"id"`
	Links []link `json:"links"`
}

type flavorRef struct {
	ID    string `json:"id"`
	Links []link `json:"links"`
}

type flavorCopy struct {
	VCPUs     int               `json:"vcpus"`
	RAM       int               `json:"ram"`
	Disk      int               `json:"disk"`
	Ephemeral int               `json:"ephemeral"`
	Swap      int               `json:"swap"`
	Name      string            `json:"original_name"`
	Specs     map[string]string `json:"extra_specs"`
}

type address struct {
	Version int    `json:"version"`
	Addr    string `json:"addr"`
	Type    string `json:"OS-EXT-IPS:type"`
	MAC     string `json:"OS-EXT-IPS-MAC:mac_addr"`
}

type serverFault struct {
	Code    int    `json:"code"`
	Created string `json:"created"`
	Message string `json:"message"`
	Details string `json:"details,omitempty"`
}

type serverOut struct {
	Server server `json:"server"`
}

type briefServer struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Links []link `json:"links"`
}

type briefServersOut struct {
	Servers []briefServer `json:"servers"`
	Links   []link        `json:"servers_links,omitempty"`
}

type serversOut struct {
	Servers []server `json:"servers"`
	Links   []link   `json:"servers_links,omitempty"`
}
