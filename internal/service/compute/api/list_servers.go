package api

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

// maxPage is the longest page of any list.
const maxPage = 1000

type listServersIn struct {
	rest.List
	rest.TagQuery
	Filters url.Values `query:"*" doc:"name and ip, ip6 (regular expressions), status, image, flavor, uuid, reservation_id, locked, changes-since, changes-before, all_tenants; for administrators also host, hypervisor_hostname, node, project_id, tenant_id, deleted, and, for others since 2.83, availability_zone, key_name, vm_state, task_state, power_state, user_id."`
}

func (a *api) listServers(ctx context.Context, in listServersIn) (briefServersOut, error) {
	found, page, err := a.find(ctx, &in, false)
	if err != nil {
		return briefServersOut{}, err
	}
	out := briefServersOut{Links: serversNext(ctx, found, page)}
	for i := range found {
		out.Servers = append(out.Servers, briefServer{found[i].ID, found[i].Name, links(ctx, "servers", found[i].ID)})
	}
	return out, nil
}

func (a *api) listServersDetail(ctx context.Context, in listServersIn) (serversOut, error) {
	found, page, err := a.find(ctx, &in, true)
	if err != nil {
		return serversOut{}, err
	}
	v, err := a.viewer(ctx, false, found)
	if err != nil {
		return serversOut{}, err
	}
	out := serversOut{Links: serversNext(ctx, found, page), Servers: make([]server, len(found))}
	rest.InParts(len(found), func(from, to int) {
		for i := from; i < to; i++ {
			out.Servers[i] = v.server(&found[i])
		}
	})
	return out, nil
}

func serversNext(ctx context.Context, found []compute.View, page query.Page) []link {
	return nextLink(ctx, len(found), page.Limit, func() string { return found[len(found)-1].ID })
}

func (a *api) find(ctx context.Context, in *listServersIn, detail bool) ([]compute.View, query.Page, error) {
	caller := auth.From(ctx)
	page, err := in.Page("created_at:desc", maxPage)
	if err != nil {
		return nil, page, err
	}
	f, err := search(ctx, in.Filters, caller)
	if err != nil {
		return nil, page, err
	}
	f.Tags = in.Wanted()
	f.Ports, f.Names = detail, !detail
	f.UserData = detail && caller.Admin() && at(ctx, "2.3")
	found, err := a.core.ListServers(ctx, caller, f, page)
	return found, page, err
}

// search reads the filters of a list of servers. As in Nova, filters that others than admins may not use are left out,
// and from 2.75 on one that does not exist is refused.
func search(ctx context.Context, v url.Values, caller *auth.Caller) (compute.Search, error) {
	var f compute.Search
	for name, values := range v {
		if rest.Paging(name) || rest.Tagging(name) {
			continue
		}
		value := values[len(values)-1]
		var err error
		switch {
		case readFilter(&f, name, value):
		case name == "status":
			err = readStatus(ctx, &f, values)
		case name == "changes-since" || name == "changes-before":
			err = readChange(&f, name, value)
		case name == "all_tenants":
			f.AllProjects = truth(value)
		case name == "deleted" || slices.Contains(adminFilters, name):
			if caller.Admin() || at(ctx, "2.83") {
				readAdminFilter(&f, name, value, caller)
			}
		case slices.Contains(ignored, name):
		case at(ctx, "2.75"):
			err = fault.Invalidf(name, "Invalid input for query parameters: Additional properties are not allowed ('%s' was unexpected)", name)
		}
		if err != nil {
			return f, err
		}
	}
	if f.ProjectID != "" && !f.AllProjects {
		f.AllProjects = caller.Admin() // the filter itself says which project
	}
	if f.AllProjects && !caller.Admin() {
		return f, fault.New(fault.Forbidden, "Policy doesn't allow os_compute_api:servers:index:get_all_tenants to be performed.")
	}
	return f, nil
}

// readFilter reads the filters that everyone may use.
func readFilter(f *compute.Search, name, value string) bool {
	switch name {
	case "name", "display_name":
		f.NamePattern = value
	case "image":
		f.ImageID = value[strings.LastIndexByte(value, '/')+1:]
	case "flavor":
		f.FlavorID = value[strings.LastIndexByte(value, '/')+1:]
	case "ip":
		f.IP = value
	case "ip6":
		f.IP6 = value
	case "reservation_id":
		f.ReservationID = value
	case "uuid":
		f.IDs = []string{value}
	case "locked":
		if truth(value) { // no server is
			f.States = []compute.State{}
		}
	default:
		return false
	}
	return true
}

// adminFilters are for admins, and the first part of them for all since 2.83.
var adminFilters = []string{
	"availability_zone", "key_name", "vm_state", "task_state", "power_state", "user_id", "host", "hypervisor_hostname",
	"node", "project_id", "tenant_id",
}

func readAdminFilter(f *compute.Search, name, value string, caller *auth.Caller) {
	switch name {
	case "availability_zone":
		f.Zone = value
	case "key_name":
		f.KeyName = value
	case "vm_state":
		f.States = []compute.State{compute.State(value)}
	case "task_state":
		f.Tasks = []compute.Task{compute.Task(value)}
	case "power_state":
		f.States = statesOf(value)
	case "user_id":
		f.UserID = value
	}
	if !caller.Admin() {
		return
	}
	switch name {
	case "host", "hypervisor_hostname", "node":
		f.Host = value
	case "project_id", "tenant_id":
		f.ProjectID = value
	case "deleted":
		f.Deleted = truth(value)
	}
}

// statesOf are the states behind one of Nova's numbers of power states.
func statesOf(number string) []compute.State {
	switch number {
	case "1":
		return []compute.State{compute.Active}
	case "3":
		return []compute.State{compute.Paused}
	case "4":
		return []compute.State{compute.Stopped}
	}
	return []compute.State{compute.Building}
}

// ignored are filters on things that all servers have alike here, or that say nothing.
var ignored = []string{
	"config_drive", "soft_deleted", "description", "accessIPv4", "accessIPv6", "access_ip_v4", "access_ip_v6",
	"auto_disk_config", "created_at", "hostname", "image_ref", "kernel_id", "launch_index", "launched_at", "locked_by",
	"progress", "ramdisk_id", "root_device_name", "terminated_at",
}

// readStatus reads Nova's words for states. Words of Nova for states that do not exist here find nothing.
func readStatus(ctx context.Context, f *compute.Search, values []string) error {
	f.States = []compute.State{}
	for _, value := range values {
		switch word := strings.ToUpper(value); word {
		case "ACTIVE":
			f.States = append(f.States, compute.Active)
			f.Tasks = append(f.Tasks, compute.Idle, compute.Starting, compute.Stopping, compute.Deleting)
		case "REBOOT":
			f.States = append(f.States, compute.Active)
			f.Tasks = append(f.Tasks, compute.Rebooting)
		case "HARD_REBOOT":
			f.States = append(f.States, compute.Active)
			f.Tasks = append(f.Tasks, compute.RebootingHard)
		case "BUILD":
			f.States = append(f.States, compute.Building)
		case "SHUTOFF":
			f.States = append(f.States, compute.Stopped)
		case "PAUSED":
			f.States = append(f.States, compute.Paused)
		case "ERROR":
			f.States = append(f.States, compute.Failed)
		case "DELETED":
			f.States = append(f.States, compute.Deleted)
			f.Deleted = true
		default:
			if !slices.Contains(absentStates, word) && at(ctx, "2.38") {
				return fault.Invalidf("status", "Invalid status value: %s", value)
			}
		}
	}
	if len(values) > 1 { // tasks tell states of one word apart only
		f.Tasks = nil
	}
	return nil
}

// absentStates are Nova's statuses that no server has here.
var absentStates = []string{
	"MIGRATING", "PASSWORD", "REBUILD", "RESCUE", "RESIZE", "REVERT_RESIZE", "SHELVED", "SHELVED_OFFLOADED",
	"SOFT_DELETED", "SUSPENDED", "UNKNOWN", "VERIFY_RESIZE",
}

func readChange(f *compute.Search, name, value string) error {
	t, err := rest.Time(name, value)
	if err != nil {
		return err
	}
	to := map[string]**time.Time{"changes-since": &f.Since, "changes-before": &f.Before}[name]
	*to = &t
	return nil
}

func truth(s string) bool {
	switch strings.ToLower(s) {
	case "", "1", "t", "true", "on", "y", "yes":
		return true
	}
	return false
}
