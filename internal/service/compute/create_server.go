package compute

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// NewServer is what a user asks for.
type NewServer struct {
	Name                   string
	Description            *string
	Hostname               string // empty: made of the name
	ImageID, FlavorID      string
	KeyName                string
	Network                Network
	SecurityGroups         []string
	UserData               string // base64
	Metadata               map[string]string
	Tags                   []string
	Zone, Host             string // empty: any. Host is for admins
	GroupID                string // of a server group; empty: none
	Hints                  Hints
	AccessIPv4, AccessIPv6 string
	Min, Max               int // how many; as many up to Max as the quota has room for, and not less than Min
}

// Network is how a new server is connected: Auto (the one network that there is), None, or NICs. Auto and None together
// mean that no network is fine too.
type Network struct {
	Auto, None bool
	NICs       []NewNIC
}

// NewNIC is a network, with a fixed address if one is asked for, or a port that exists.
type NewNIC struct{ NetworkID, FixedIP, PortID string }

// The bounds of a request.
const (
	maxUserData = 65535
	maxAtOnce   = 1000
)

// CreateServer writes the intent of one or more servers in one transaction: quota, rows, ports, action, events. Requests
// that come at the same moment share it. The placement loop takes it from there.
func (s *Service) CreateServer(ctx context.Context, caller *auth.Caller, n NewServer) ([]Server, error) {
	if caller.ProjectID == "" {
		return nil, fault.Invalidf("server", "a server belongs to a project, and the token is scoped to none: log in with a project")
	}
	if err := s.checkNew(caller, &n); err != nil {
		return nil, err
	}
	if err := s.checkZone(ctx, &n); err != nil {
		return nil, err
	}
	if err := s.chooseNetwork(ctx, caller, &n.Network); err != nil {
		return nil, err
	}
	c := &creation{caller: caller, request: rest.RequestID(ctx), NewServer: n}
	if err := s.creations.Do(ctx, c); err != nil {
		return nil, err
	}
	return c.servers, c.refusal
}

// plugFault says what is wrong with a request whose networks can't be had: a thing that is named in a request and is
// not there is a bad request, not a missing page.
func plugFault(err error) error {
	f := fault.Of(err)
	if f.Class == fault.NotFound {
		return fault.Wrap(fault.Invalid, err, "%s", f.Message)
	}
	return fmt.Errorf("plugging in the server: %w", err)
}

// checkNew refuses what needs no look at the database to be wrong.
func (s *Service) checkNew(caller *auth.Caller, n *NewServer) error {
	if n.Max == 0 {
		n.Max = max(n.Min, 1)
	}
	n.Min = max(n.Min, 1)
	switch {
	case n.Min > n.Max:
		return fault.Invalidf("server.min_count", "min_count must be <= max_count")
	case n.Max > maxAtOnce:
		return fault.Invalidf("server.max_count", "at most %d servers can be created at once, not %d", maxAtOnce, n.Max)
	case len(n.UserData) > maxUserData:
		return fault.Invalidf("server.user_data", "User data too large: at most %d bytes of base64, not %d", maxUserData, len(n.UserData))
	case n.Host != "" && !caller.Admin():
		return fault.New(fault.Forbidden, "only an admin may choose the host of a server; choose an availability zone alone")
	}
	for _, nic := range n.Network.NICs {
		if n.Max > 1 && (nic.PortID != "" || nic.FixedIP != "") {
			return fault.Invalidf("server.networks", "a port or a fixed address is for one server only, and max_count asks for %d", n.Max)
		}
	}
	if _, err := base64.StdEncoding.DecodeString(n.UserData); err != nil {
		return fault.Invalidf("server.user_data", "User data needs to be valid base 64")
	}
	if err := s.checkMetadata(n.Metadata); err != nil {
		return err
	}
	var err error
	n.Tags, err = checkTags(n.Tags)
	return err
}

// newTemplate is the server that is asked for, without what differs between several.
func (s *Service) newTemplate(ctx context.Context, caller *auth.Caller, n *NewServer, known *known) (Server, error) {
	flavor, err := known.flavors.of(n.FlavorID, func() (Flavor, error) { return s.ShowFlavor(ctx, caller, n.FlavorID) })
	if fault.Is(err, fault.NotFound) || (err == nil && flavor.Disabled) {
		return Server{}, fault.Invalidf("server.flavorRef", "Flavor %s could not be found", n.FlavorID)
	}
	if err != nil {
		return Server{}, err
	}
	image, err := known.images.of(n.ImageID, func() (Image, error) { return s.images.Show(ctx, caller, n.ImageID) })
	if fault.Is(err, fault.NotFound) {
		return Server{}, fault.Invalidf("server.imageRef", "Image %s could not be found", n.ImageID)
	}
	if err != nil {
		return Server{}, fmt.Errorf("reading image %s: %w", n.ImageID, err)
	}
	if err := fits(image, flavor); err != nil {
		return Server{}, err
	}
	image.Properties = placing(image.Properties)
	now := s.now()
	t := Server{
		ProjectID: caller.ProjectID, UserID: caller.UserID, Description: n.Description,
		State: Building, Task: Placing, Wanted: protocol.Running, Generation: 1, Revision: 1,
		PinnedZone: n.Zone, PinnedHost: n.Host, GroupID: n.GroupID, Hints: n.Hints, Flavor: flavor.FlavorCopy, Image: image,
		Size:    Resources{VCPUs: flavor.VCPUs, MemoryMiB: flavor.MemoryMiB, DiskGiB: flavor.DiskGiB + flavor.Ephemeral},
		KeyName: n.KeyName, Metadata: n.Metadata, Tags: n.Tags, UserData: n.UserData,
		AccessIPv4: n.AccessIPv4, AccessIPv6: n.AccessIPv6, CreatedAt: now, UpdatedAt: now,
		ReservationID: "r-" + strings.ReplaceAll(uuid.NewString(), "-", "")[:8],
	}
	if n.KeyName == "" {
		return t, nil
	}
	key, err := known.keys.of(n.KeyName, func() (KeyPair, error) { return s.store.FindKeyPair(ctx, caller.UserID, n.KeyName) })
	if fault.Is(err, fault.NotFound) {
		return t, fault.Invalidf("server.key_name", "Invalid key_name provided: you have no key pair %q", n.KeyName)
	}
	t.Keys = []protocol.Key{{Name: key.Name, Type: "ssh", Data: key.PublicKey}}
	return t, err
}

// fits tells whether a server of a flavor can start from an image.
func fits(image Image, flavor Flavor) error {
	switch {
	case image.Status != "active":
		return fault.Invalidf("server.imageRef", "Image %s is not active: it is %s", image.ID, image.Status)
	case flavor.MemoryMiB < image.MinRAMMiB:
		return fault.Invalidf("server.flavorRef", "Flavor's memory is too small for requested image: the flavor has %d MiB and the image needs %d", flavor.MemoryMiB, image.MinRAMMiB)
	case flavor.DiskGiB == 0:
		return nil // the disk is as large as the image
	case flavor.DiskGiB < image.MinDiskGiB:
		return fault.Invalidf("server.flavorRef", "Flavor's disk is too small for requested image: the flavor has %d GiB and the image needs %d", flavor.DiskGiB, image.MinDiskGiB)
	case int64(flavor.DiskGiB)<<30 < image.VirtualSize:
		return fault.Invalidf("server.flavorRef", "Flavor's disk is too small for requested image: the flavor has %d bytes and the image is %d bytes large", int64(flavor.DiskGiB)<<30, image.VirtualSize)
	}
	return nil
}

func (s *Service) checkZone(ctx context.Context, n *NewServer) error {
	if n.Zone != "" && n.Zone != s.settings.DefaultZone {
		known, err := s.store.AnyHost(ctx, n.Zone)
		if err != nil {
			return err
		}
		if !known {
			return fault.Invalidf("server.availability_zone", "The requested availability zone is not available: there is no host in zone %q", n.Zone)
		}
	}
	if n.Host == "" {
		return nil
	}
	_, err := s.hostNamed(ctx, n.Host)
	if fault.Is(err, fault.NotFound) {
		return fault.Invalidf("server.host", "Compute host %s could not be found.", n.Host)
	}
	return err
}

// chooseNetwork replaces "auto" by the one network that the project can use.
func (s *Service) chooseNetwork(ctx context.Context, caller *auth.Caller, n *Network) error {
	if !n.Auto {
		return nil
	}
	usable, err := s.networks.Usable(ctx, caller)
	if err != nil {
		return fmt.Errorf("listing the networks of project %s: %w", caller.ProjectID, err)
	}
	switch len(usable) {
	case 0:
		if n.None {
			return nil
		}
		return fault.Invalidf("server.networks", "the project has no network to plug the server into: create one, or ask for networks \"none\"")
	case 1:
		n.NICs = []NewNIC{{NetworkID: usable[0].ID}}
		return nil
	}
	names := make([]string, 0, 5)
	for _, u := range usable[:min(len(usable), cap(names))] {
		names = append(names, u.Name)
	}
	return fault.Conflictf("network", "", "Multiple possible networks found, use a Network ID to be more specific: %s", strings.Join(names, ", "))
}

// multiply makes the servers of a template: several get a number behind their name.
func multiply(t Server, n *NewServer) []Server {
	servers := make([]Server, n.Max)
	for i := range servers {
		sv := t
		sv.ID, sv.LaunchIndex, sv.Name = uuid.NewString(), i, n.Name
		host := n.Hostname
		if n.Max > 1 {
			sv.Name = fmt.Sprintf("%s-%d", n.Name, i+1)
			if host != "" {
				host = fmt.Sprintf("%s-%d", host, i+1)
			}
		}
		if sv.Hostname = host; host == "" {
			sv.Hostname = hostname(sv.Name, sv.ID)
		}
		servers[i] = sv
	}
	return servers
}
