package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

type hypervisor struct {
	ID       any            `json:"id"` // a number before 2.53
	Hostname string         `json:"hypervisor_hostname"`
	State    string         `json:"state"`
	Status   string         `json:"status"`
	More     map[string]any `json:"*"`
}

type hypervisorServer struct {
	Name string `json:"name"`
	ID   string `json:"uuid"`
}

type hypervisorsIn struct {
	Limit   *int   `query:"limit" check:"nonneg"`
	Marker  string `query:"marker"`
	Pattern string `query:"hypervisor_hostname_pattern"`
	Servers bool   `query:"with_servers"`
}

type hypervisorsOut struct {
	Hypervisors []hypervisor `json:"hypervisors"`
	Links       []link       `json:"hypervisors_links,omitempty" since:"2.33"`
}

type hypervisorIn struct {
	ID      string `path:"hypervisor_id"`
	Servers bool   `query:"with_servers"`
}

type hypervisorOut struct {
	Hypervisor hypervisor `json:"hypervisor"`
}

func hostID(ctx context.Context, h *compute.HostView) any {
	if at(ctx, "2.53") {
		return h.ID
	}
	return h.Number
}

func upDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

func enabled(disabled bool) string {
	if disabled {
		return "disabled"
	}
	return "enabled"
}

func brief(ctx context.Context, h *compute.HostView) hypervisor {
	return hypervisor{ID: hostID(ctx, h), Hostname: h.Name, State: upDown(h.Up), Status: enabled(h.Disabled), More: map[string]any{}}
}

type hypervisorService struct {
	Host           string  `json:"host"`
	ID             any     `json:"id"`
	DisabledReason *string `json:"disabled_reason"`
}

func detailed(ctx context.Context, h *compute.HostView) hypervisor {
	out := brief(ctx, h)
	kind, release := hypervisorKind(h)
	out.More["host_ip"] = h.Address
	out.More["hypervisor_type"] = kind
	out.More["hypervisor_version"] = release
	out.More["service"] = hypervisorService{h.Name, hostID(ctx, h), optional(h.DisabledReason)}
	if at(ctx, "2.88") {
		out.More["uptime"] = "" // not known; Debian's openstackclient can't take null
		return out
	}
	for name, value := range capacity(h.Capacity.VCPUs, h.Capacity.MemoryMiB, h.Capacity.DiskGiB, h.Used, h.Servers) {
		out.More[name] = value
	}
	cpu := map[string]any{"arch": h.Arch, "topology": map[string]any{"cores": h.Capacity.VCPUs, "sockets": 1, "threads": 1}}
	out.More["cpu_info"] = cpu
	if !at(ctx, "2.28") {
		raw, err := json.Marshal(cpu)
		if err != nil { // strings and numbers always encode
			raw = []byte("{}")
		}
		out.More["cpu_info"] = string(raw)
	}
	return out
}

// capacity are the numbers of a host, or of all hosts together.
func capacity(vcpus, memory, disk int, used compute.Resources, servers int) map[string]any {
	return map[string]any{
		"vcpus": vcpus, "vcpus_used": used.VCPUs, "memory_mb": memory, "memory_mb_used": used.MemoryMiB,
		"free_ram_mb": memory - used.MemoryMiB, "local_gb": disk, "local_gb_used": used.DiskGiB,
		"free_disk_gb": disk - used.DiskGiB, "disk_available_least": disk - used.DiskGiB,
		"running_vms": servers, "current_workload": 0,
	}
}

// hypervisorKind reads "QEMU 7.2.19" as a type and Nova's number of a version.
func hypervisorKind(h *compute.HostView) (kind string, release int) {
	name, version, ok := strings.Cut(h.HypervisorInfo, " ")
	if !ok {
		return h.Hypervisor, 0
	}
	for i, part := range strings.SplitN(version, ".", 3) {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		release += n * [...]int{1000000, 1000, 1}[i]
	}
	return name, release
}

func (a *api) listHypervisors(ctx context.Context, in hypervisorsIn) (hypervisorsOut, error) {
	return a.hypervisors(ctx, &in, brief)
}

func (a *api) listHypervisorsDetail(ctx context.Context, in hypervisorsIn) (hypervisorsOut, error) {
	return a.hypervisors(ctx, &in, detailed)
}

func (a *api) hypervisors(ctx context.Context, in *hypervisorsIn, view func(context.Context, *compute.HostView) hypervisor) (hypervisorsOut, error) {
	hosts, err := a.core.Hosts(ctx)
	if err != nil {
		return hypervisorsOut{}, err
	}
	if in.Pattern != "" {
		hosts = slices.DeleteFunc(hosts, func(h compute.HostView) bool { return !strings.Contains(h.Name, in.Pattern) })
		if len(hosts) == 0 {
			return hypervisorsOut{}, fault.New(fault.NotFound, "No hypervisor matching '%s' could be found.", in.Pattern)
		}
	}
	limit := 0
	if at(ctx, "2.33") {
		if hosts, limit, err = pageOfHosts(ctx, hosts, in); err != nil {
			return hypervisorsOut{}, err
		}
	}
	out := hypervisorsOut{Hypervisors: make([]hypervisor, len(hosts))}
	for i := range hosts {
		out.Hypervisors[i] = view(ctx, &hosts[i])
	}
	if limit > 0 {
		out.Links = nextLink(ctx, len(hosts), limit, func() string { return fmt.Sprint(hostID(ctx, &hosts[len(hosts)-1])) })
	}
	if in.Servers && at(ctx, "2.53") {
		return out, a.addServers(ctx, hosts, out.Hypervisors)
	}
	return out, nil
}

func pageOfHosts(ctx context.Context, hosts []compute.HostView, in *hypervisorsIn) ([]compute.HostView, int, error) {
	limit := maxPage
	if in.Limit != nil && *in.Limit > 0 {
		limit = min(limit, *in.Limit)
	}
	if in.Marker != "" {
		i := slices.IndexFunc(hosts, func(h compute.HostView) bool { return fmt.Sprint(hostID(ctx, &h)) == in.Marker })
		if i < 0 {
			return nil, 0, fault.Invalidf("marker", "marker [%s] not found", in.Marker)
		}
		hosts = hosts[i+1:]
	}
	return hosts[:min(limit, len(hosts))], limit, nil
}

// addServers adds the servers of hosts, in one query.
func (a *api) addServers(ctx context.Context, hosts []compute.HostView, out []hypervisor) error {
	byHost, err := a.core.ServersByHost(ctx, db.Everywhere())
	if err != nil {
		return err
	}
	for i := range hosts {
		var servers []hypervisorServer
		for _, s := range byHost[hosts[i].ID] {
			servers = append(servers, hypervisorServer{s.Name, s.ID})
		}
		if len(servers) > 0 || at(ctx, "2.75") {
			out[i].More["servers"] = servers
		}
	}
	return nil
}

// hypervisor finds a host by its id, or by its number before 2.53.
func (a *api) hypervisor(ctx context.Context, id string) (*compute.HostView, error) {
	hosts, err := a.core.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(hosts, func(h compute.HostView) bool { return fmt.Sprint(hostID(ctx, &h)) == id })
	if i < 0 {
		return nil, fault.New(fault.NotFound, "Compute host %s could not be found.", id)
	}
	return &hosts[i], nil
}

func (a *api) showHypervisor(ctx context.Context, in hypervisorIn) (hypervisorOut, error) {
	h, err := a.hypervisor(ctx, in.ID)
	if err != nil {
		return hypervisorOut{}, err
	}
	out := []hypervisor{detailed(ctx, h)}
	if in.Servers && at(ctx, "2.53") {
		err = a.addServers(ctx, []compute.HostView{*h}, out)
	}
	return hypervisorOut{out[0]}, err
}

// hypervisorUptime is the short form of a host; how long its machine has run is not known.
func (a *api) hypervisorUptime(ctx context.Context, in hypervisorIn) (hypervisorOut, error) {
	h, err := a.hypervisor(ctx, in.ID)
	if err != nil {
		return hypervisorOut{}, err
	}
	out := brief(ctx, h)
	out.More["uptime"] = "" // not known; Debian's openstackclient can't take null
	return hypervisorOut{out}, nil
}

type statisticsOut struct {
	Statistics map[string]any `json:"hypervisor_statistics"`
}

func (a *api) hypervisorStatistics(ctx context.Context, _ struct{}) (statisticsOut, error) {
	hosts, err := a.core.Hosts(ctx)
	if err != nil {
		return statisticsOut{}, err
	}
	var all, used compute.Resources
	servers := 0
	for i := range hosts {
		h := &hosts[i]
		all.VCPUs += h.Capacity.VCPUs
		all.MemoryMiB += h.Capacity.MemoryMiB
		all.DiskGiB += h.Capacity.DiskGiB
		used.VCPUs += h.Used.VCPUs
		used.MemoryMiB += h.Used.MemoryMiB
		used.DiskGiB += h.Used.DiskGiB
		servers += h.Servers
	}
	out := capacity(all.VCPUs, all.MemoryMiB, all.DiskGiB, used, servers)
	out["count"] = len(hosts)
	return statisticsOut{out}, nil
}

type service struct {
	ID             any     `json:"id"`
	Binary         string  `json:"binary"`
	Host           string  `json:"host"`
	Zone           string  `json:"zone"`
	Status         string  `json:"status"`
	State          string  `json:"state"`
	UpdatedAt      *string `json:"updated_at"`
	DisabledReason *string `json:"disabled_reason"`
	ForcedDown     bool    `json:"forced_down" since:"2.11"`
}

type servicesIn struct {
	Host   string `query:"host"`
	Binary string `query:"binary"`
}

type servicesOut struct {
	Services []service `json:"services"`
}

// agentBinary is what Nova's tools call the program on a host.
const agentBinary = "nova-compute"

func serviceView(ctx context.Context, h *compute.HostView) service {
	return service{
		ID: hostID(ctx, h), Binary: agentBinary, Host: h.Name, Zone: h.Zone, Status: enabled(h.Disabled), State: upDown(h.Up),
		UpdatedAt: micros(&h.SeenAt), DisabledReason: optional(h.DisabledReason),
	}
}

func (a *api) listServices(ctx context.Context, in servicesIn) (servicesOut, error) {
	hosts, err := a.core.Hosts(ctx)
	if err != nil {
		return servicesOut{}, err
	}
	var out servicesOut
	for i := range hosts {
		if (in.Host == "" || in.Host == hosts[i].Name) && (in.Binary == "" || in.Binary == agentBinary) {
			out.Services = append(out.Services, serviceView(ctx, &hosts[i]))
		}
	}
	return out, nil
}

type zone struct {
	Name  string    `json:"zoneName"`
	State zoneState `json:"zoneState"`
	Shown any       `json:"hosts"` // null, or host → program → state
}

type zoneState struct {
	Available bool `json:"available"`
}

type zonesOut struct {
	Zones []zone `json:"availabilityZoneInfo"`
}

func (a *api) listZones(ctx context.Context, _ struct{}) (zonesOut, error) {
	return a.zones(ctx, false)
}

func (a *api) listZonesDetail(ctx context.Context, _ struct{}) (zonesOut, error) {
	return a.zones(ctx, true)
}

func (a *api) zones(ctx context.Context, detail bool) (zonesOut, error) {
	zones, err := a.core.Zones(ctx)
	if err != nil {
		return zonesOut{}, err
	}
	var out zonesOut
	for _, z := range zones {
		one := zone{Name: z.Name, State: zoneState{z.Available}}
		if detail {
			hosts := map[string]any{}
			for i := range z.Hosts {
				h := &z.Hosts[i]
				hosts[h.Name] = map[string]any{agentBinary: map[string]any{
					"active": !h.Disabled, "available": h.Up, "updated_at": micros(&h.SeenAt),
				}}
			}
			one.Shown = hosts
		}
		out.Zones = append(out.Zones, one)
	}
	return out, nil
}
