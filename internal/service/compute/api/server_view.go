package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

// status is Nova's word for state and task together.
func status(s *compute.Server) string {
	switch s.State {
	case compute.Building:
		return "BUILD"
	case compute.Active:
		switch s.Task {
		case compute.Rebooting:
			return "REBOOT"
		case compute.RebootingHard:
			return "HARD_REBOOT"
		}
		return "ACTIVE"
	case compute.Stopped:
		return "SHUTOFF"
	case compute.Paused:
		return "PAUSED"
	case compute.Deleted:
		return "DELETED"
	}
	return "ERROR"
}

// powerState is Nova's number of a power state.
func powerState(p protocol.Power) int {
	switch p {
	case protocol.Running:
		return 1
	case protocol.Paused:
		return 3
	case protocol.Stopped:
		return 4
	}
	return 0
}

var percent = regexp.MustCompile(`(\d{1,3}) ?%`)

// progress is how far a server is, where that says something.
func progress(s *compute.Server) *int {
	n := 0
	switch s.State {
	case compute.Building:
		if m := percent.FindStringSubmatch(s.Step); m != nil {
			n, _ = strconv.Atoi(m[1]) // three digits
		}
	case compute.Active:
		n = 100
	case compute.Deleted:
	default:
		return nil
	}
	return &n
}

// hostHash hides the name of a host, and yet tells a project which of its servers share one.
func hostHash(projectID, host string) string {
	if host == "" {
		return ""
	}
	sum := sha256.Sum224([]byte(projectID + host))
	return hex.EncodeToString(sum[:])
}

func ipVersion(addr string) int {
	if strings.Contains(addr, ":") {
		return 6
	}
	return 4
}

func addresses(ports []compute.Port) map[string][]address {
	out := map[string][]address{}
	for _, p := range ports {
		for _, ip := range p.FixedIPs {
			out[p.NetworkName] = append(out[p.NetworkName], address{ipVersion(ip.Address), ip.Address, "fixed", p.MAC})
			if f := p.FloatingIPs[ip.Address]; f != "" {
				out[p.NetworkName] = append(out[p.NetworkName], address{ipVersion(f), f, "floating", p.MAC})
			}
		}
	}
	return out
}

func groupsOf(ports []compute.Port) []namedGroup {
	var out []namedGroup
	for _, p := range ports {
		for _, g := range p.SecurityGroups {
			if !slices.Contains(out, namedGroup{g.Name}) {
				out = append(out, namedGroup{g.Name})
			}
		}
	}
	return out
}

// viewer writes servers for one request.
type viewer struct {
	ctx    context.Context
	admin  bool
	single bool            // the form of show, not of a list
	up     map[string]bool // hosts, for admins
}

// viewer prepares to write servers.
func (a *api) viewer(ctx context.Context, single bool, shown []compute.View) (*viewer, error) {
	v := &viewer{ctx: ctx, admin: auth.From(ctx).Admin(), single: single}
	if !v.admin || !at(ctx, "2.16") {
		return v, nil
	}
	ids := make([]string, 0, len(shown))
	for i := range shown {
		if shown[i].HostID != "" {
			ids = append(ids, shown[i].HostID)
		}
	}
	slices.Sort(ids)
	var err error
	v.up, err = a.core.HostsUp(ctx, slices.Compact(ids))
	return v, err
}

func (v *viewer) server(s *compute.View) server {
	out := server{
		ID: s.ID, Name: s.Name, Status: status(&s.Server), TenantID: s.ProjectID, UserID: s.UserID, Metadata: s.Metadata,
		HostID: hostHash(s.ProjectID, s.HostName), Image: v.image(s), Flavor: v.flavor(s),
		Created: stamp(s.CreatedAt), Updated: stamp(s.UpdatedAt), Addresses: addresses(s.Ports),
		AccessIPv4: s.AccessIPv4, AccessIPv6: s.AccessIPv6, Links: links(v.ctx, "servers", s.ID),
		DiskConfig: "AUTO", Progress: progress(&s.Server), Zone: s.Zone, KeyName: optional(s.KeyName),
		LaunchedAt: micros(s.LaunchedAt), TerminatedAt: micros(s.DeletedAt), Groups: groupsOf(s.Ports),
		TaskState: optional(string(s.Task)), VMState: string(s.State), PowerState: powerState(s.Power),
		Description: s.Description, Tags: s.Tags, PinnedZone: optional(s.PinnedZone), More: map[string]any{},
	}
	if s.Fault != nil && (s.State == compute.Failed || s.State == compute.Deleted) {
		out.Fault = &serverFault{Code: s.Fault.Code, Created: stamp(s.Fault.At), Message: s.Fault.Message}
		if v.admin {
			out.Fault.Details = s.Fault.Details
		}
	}
	if at(v.ctx, "2.63") {
		out.More["trusted_image_certificates"] = nil
	}
	if v.single && at(v.ctx, "2.71") {
		groups := []string{}
		if s.GroupID != "" {
			groups = append(groups, s.GroupID)
		}
		out.More["server_groups"] = groups
	}
	if at(v.ctx, "2.90") {
		out.More["OS-EXT-SRV-ATTR:hostname"] = s.Hostname
	}
	if v.admin {
		v.adminFields(s, out.More)
	}
	return out
}

func (v *viewer) image(s *compute.View) any {
	if s.Image.ID == "" {
		return ""
	}
	return imageRef{s.Image.ID, []link{bookmark(v.ctx, "images", s.Image.ID)}}
}

func (v *viewer) flavor(s *compute.View) any {
	f := &s.Flavor
	if !at(v.ctx, "2.47") {
		return flavorRef{f.ID, []link{bookmark(v.ctx, "flavors", f.ID)}}
	}
	return flavorCopy{f.VCPUs, f.MemoryMiB, f.DiskGiB, f.Ephemeral, f.SwapMiB, f.Name, f.Specs}
}

// adminFields adds what Nova shows to admins only.
func (v *viewer) adminFields(s *compute.View, more map[string]any) {
	more["OS-EXT-SRV-ATTR:host"] = optional(s.HostName)
	more["OS-EXT-SRV-ATTR:hypervisor_hostname"] = optional(s.HostName)
	more["OS-EXT-SRV-ATTR:instance_name"] = protocol.DomainName(s.ID)
	if at(v.ctx, "2.3") {
		more["OS-EXT-SRV-ATTR:reservation_id"] = s.ReservationID
		more["OS-EXT-SRV-ATTR:launch_index"] = s.LaunchIndex
		more["OS-EXT-SRV-ATTR:hostname"] = s.Hostname
		more["OS-EXT-SRV-ATTR:kernel_id"] = ""
		more["OS-EXT-SRV-ATTR:ramdisk_id"] = ""
		more["OS-EXT-SRV-ATTR:root_device_name"] = "/dev/vda"
		more["OS-EXT-SRV-ATTR:user_data"] = optional(s.UserData)
	}
	if at(v.ctx, "2.16") {
		more["host_status"] = v.hostStatus(s.HostID)
	}
}

func (v *viewer) hostStatus(hostID string) string {
	up, known := v.up[hostID]
	switch {
	case !known:
		return ""
	case up:
		return "UP"
	}
	return "DOWN"
}
