package api

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

func (a *api) createServer(ctx context.Context, in createServerIn) (createServerOut, error) {
	n, err := wanted(ctx, &in)
	if err != nil {
		return createServerOut{}, err
	}
	servers, err := a.core.CreateServer(ctx, auth.From(ctx), n)
	if err != nil {
		return createServerOut{}, err
	}
	if in.Server.Reservation {
		return createServerOut{Reservation: servers[0].ReservationID}, nil
	}
	groups := in.Server.Groups
	if len(groups) == 0 {
		groups = []namedGroup{{"default"}}
	}
	id := servers[0].ID
	return createServerOut{
		Server:   &createdServer{ID: id, Links: links(ctx, "servers", id), DiskConfig: "AUTO", Groups: groups},
		Location: base(ctx) + "/servers/" + id,
	}, nil
}

// wanted turns the wire's request into the service's own, and refuses what is not offered.
func wanted(ctx context.Context, in *createServerIn) (compute.NewServer, error) {
	b := &in.Server
	n := compute.NewServer{
		Name: strings.TrimSpace(b.Name), Description: b.Description, Hostname: text(b.Hostname), KeyName: text(b.KeyName),
		UserData: text(b.UserData), Metadata: b.Metadata, Tags: b.Tags, AccessIPv4: text(b.AccessIPv4), AccessIPv6: text(b.AccessIPv6),
	}
	if n.Name == "" {
		return n, fault.Invalidf("server.name", "Invalid input for field server.name: it is empty")
	}
	if n.Metadata == nil {
		n.Metadata = map[string]string{}
	}
	if err := refuseNew(in); err != nil {
		return n, err
	}
	var err error
	if n.FlavorID, err = reference("server.flavorRef", b.FlavorRef); err != nil {
		return n, err
	}
	if n.ImageID, err = rootImage(b); err != nil {
		return n, err
	}
	for _, g := range b.Groups {
		n.SecurityGroups = append(n.SecurityGroups, g.Name)
	}
	if b.MinCount != nil {
		n.Min = *b.MinCount
	}
	if b.MaxCount != nil {
		n.Max = *b.MaxCount
	}
	if n.Network, err = connection(ctx, b); err != nil {
		return n, err
	}
	n.Zone, n.Host = place(b)
	if err := hints(in, &n); err != nil {
		return n, err
	}
	return n, checkAddresses(n.AccessIPv4, n.AccessIPv6)
}

// refuseNew refuses what a server can't have here, rather than to leave it out without a word.
func refuseNew(in *createServerIn) error {
	b := &in.Server
	drive, asked := b.ConfigDrive.(bool)
	switch {
	case drive, !asked && b.ConfigDrive != nil && !strings.EqualFold(fmt.Sprint(b.ConfigDrive), "false") && fmt.Sprint(b.ConfigDrive) != "":
		return fault.Invalidf("server.config_drive", "config_drive is not offered: every network has the metadata service at 169.254.169.254")
	case len(b.Files) > 0:
		return fault.Invalidf("server.personality", "personality is not offered: write files with user_data")
	case len(b.OldDisks) > 0:
		return fault.Invalidf("server.block_device_mapping", "block_device_mapping is not offered: use block_device_mapping_v2")
	case len(b.Certificates) > 0:
		return fault.Invalidf("server.trusted_image_certificates", "trusted_image_certificates are not offered: images are not signed here")
	case b.AdminPass != nil:
		return fault.Invalidf("server.adminPass", "adminPass is not offered: log in with a key pair (key_name) or set a password with user_data")
	}
	return nil
}

// reference reads an id that may be a number, or the end of a URL.
func reference(field string, ref any) (string, error) {
	id := ""
	switch v := ref.(type) {
	case string:
		id = v[strings.LastIndexByte(v, '/')+1:]
	case int64:
		id = fmt.Sprint(v)
	}
	if id == "" {
		return "", fault.Invalidf(field, "Invalid input for field %s: it must be an id", field)
	}
	return id, nil
}

// rootImage finds the image of the root disk, in imageRef or in a block device of the form image → local.
func rootImage(b *newServer) (string, error) {
	id := text(b.ImageRef)
	id = id[strings.LastIndexByte(id, '/')+1:]
	for i := range b.Disks {
		d := &b.Disks[i]
		if d.SourceType != "image" || d.DestinationType == "volume" || (d.BootIndex != nil && *d.BootIndex != 0) {
			return "", fault.Invalidf("server.block_device_mapping_v2", "Block Device Mapping is Invalid: only the root disk from an image is offered (source_type image, destination_type local, boot_index 0)")
		}
		from := text(d.UUID)
		if from == "" {
			from = text(d.ImageID)
		}
		if id != "" && from != id {
			return "", fault.Invalidf("server.block_device_mapping_v2", "Block Device Mapping is Invalid: its image %s is not the server's image %s", from, id)
		}
		id = from
	}
	if id == "" {
		return "", fault.Invalidf("server.imageRef", "Invalid imageRef provided: a server needs an image to start from")
	}
	return id, nil
}

// connection reads the networks. Before 2.37 they may be left out, which means auto, or no network if there is none.
func connection(ctx context.Context, b *newServer) (compute.Network, error) {
	items, word, given, err := b.networks()
	if err != nil {
		return compute.Network{}, err
	}
	switch {
	case !given && at(ctx, "2.37"):
		return compute.Network{}, fault.Invalidf("server.networks", "Invalid input: server.networks is a required field: a list, \"auto\" or \"none\"")
	case word != "" && !at(ctx, "2.37"):
		return compute.Network{}, fault.Invalidf("server.networks", "networks %q needs version 2.37 of the API", word)
	case word == "none":
		return compute.Network{None: true}, nil
	case len(items) == 0:
		return compute.Network{Auto: true, None: word == ""}, nil
	}
	var n compute.Network
	for _, item := range items {
		nic := compute.NewNIC{NetworkID: item.uuid, FixedIP: item.fixedIP, PortID: item.port}
		if item.fixedIP != "" {
			if _, err := netip.ParseAddr(item.fixedIP); err != nil {
				return n, fault.Invalidf("server.networks.fixed_ip", "Invalid input for field server.networks.fixed_ip: %q is not an IP address", item.fixedIP)
			}
		}
		n.NICs = append(n.NICs, nic)
	}
	return n, nil
}

// place reads the zone, which may carry a host behind a colon, and the host.
func place(b *newServer) (zone, host string) {
	zone, host, _ = strings.Cut(text(b.Zone), ":")
	host, _, _ = strings.Cut(host, ":")
	if host == "" {
		host = text(b.Host)
	}
	if host == "" {
		host = text(b.HypervisorAt)
	}
	return zone, host
}

func checkAddresses(v4, v6 string) error {
	if v4 != "" {
		if ip, err := netip.ParseAddr(v4); err != nil || !ip.Is4() {
			return fault.Invalidf("server.accessIPv4", "accessIPv4 is not proper IPv4 format: %q", v4)
		}
	}
	if v6 != "" {
		if ip, err := netip.ParseAddr(v6); err != nil || !ip.Is6() {
			return fault.Invalidf("server.accessIPv6", "accessIPv6 is not proper IPv6 format: %q", v6)
		}
	}
	return nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (a *api) showServer(ctx context.Context, in serverIn) (serverOut, error) {
	s, err := a.core.ShowServer(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return serverOut{}, instance(err)
	}
	return a.one(ctx, &s)
}

func (a *api) one(ctx context.Context, s *compute.View) (serverOut, error) {
	v, err := a.viewer(ctx, true, []compute.View{*s})
	if err != nil {
		return serverOut{}, err
	}
	return serverOut{v.server(s)}, nil
}

// instance gives a missing server the words that Nova's clients know.
func instance(err error) error {
	if f := fault.Of(err); f.Class == fault.NotFound && f.Object == "server" {
		return &fault.Error{Class: fault.NotFound, Object: f.Object, ID: f.ID, Message: fmt.Sprintf("Instance %s could not be found.", f.ID)}
	}
	return err
}

func (a *api) updateServer(ctx context.Context, in updateServerIn) (serverOut, error) {
	b := &in.Server
	if err := checkAddresses(text(b.AccessIPv4), text(b.AccessIPv6)); err != nil {
		return serverOut{}, err
	}
	c := compute.ServerChanges{Name: b.Name, Hostname: b.Hostname, AccessIPv4: b.AccessIPv4, AccessIPv6: b.AccessIPv6}
	if b.Description.Set {
		var d *string
		if !b.Description.Null {
			d = &b.Description.Value
		}
		c.Description = &d
	}
	changed, err := a.core.UpdateServer(ctx, auth.From(ctx), in.ID, c)
	if err != nil {
		return serverOut{}, instance(err)
	}
	s, err := a.core.View(ctx, changed)
	if err != nil {
		return serverOut{}, err
	}
	return a.one(ctx, &s)
}

func (a *api) deleteServer(ctx context.Context, in serverIn) (rest.None, error) {
	return rest.None{}, instance(a.core.DeleteServer(ctx, auth.From(ctx), in.ID))
}
