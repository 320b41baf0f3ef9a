package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

// What Nova's answers name beside servers and is nobody's to choose here.
const (
	unlimited = -1
)

type limitsIn struct {
	TenantID string `query:"tenant_id"`
	Reserved string `query:"reserved"`
}

type limitsOut struct {
	Limits limits `json:"limits"`
}

type limits struct {
	Rate     []any    `json:"rate"`
	Absolute absolute `json:"absolute"`
}

type absolute struct {
	MaxServers       int `json:"maxTotalInstances"`
	MaxCores         int `json:"maxTotalCores"`
	MaxRAM           int `json:"maxTotalRAMSize"`
	MaxKeyPairs      int `json:"maxTotalKeypairs"`
	MaxMeta          int `json:"maxServerMeta"`
	MaxGroups        int `json:"maxServerGroups"`
	MaxGroupMembers  int `json:"maxServerGroupMembers"`
	Servers          int `json:"totalInstancesUsed"`
	Cores            int `json:"totalCoresUsed"`
	RAM              int `json:"totalRAMUsed"`
	Groups           int `json:"totalServerGroupsUsed"`
	MaxFloatingIPs   int `json:"maxTotalFloatingIps" until:"2.35"`
	FloatingIPs      int `json:"totalFloatingIpsUsed" until:"2.35"`
	MaxSecGroups     int `json:"maxSecurityGroups" until:"2.35"`
	MaxSecGroupRules int `json:"maxSecurityGroupRules" until:"2.35"`
	SecGroups        int `json:"totalSecurityGroupsUsed" until:"2.35"`
	MaxImageMeta     int `json:"maxImageMeta" until:"2.38"`
	MaxFiles         int `json:"maxPersonality" until:"2.56"`
	MaxFileSize      int `json:"maxPersonalitySize" until:"2.56"`
}

func (a *api) showLimits(ctx context.Context, in limitsIn) (limitsOut, error) {
	caller := auth.From(ctx)
	project := in.TenantID
	if project == "" {
		project = caller.ProjectID
	}
	q, u, err := a.core.Limits(ctx, caller, project)
	if err != nil {
		return limitsOut{}, err
	}
	return limitsOut{limits{Absolute: absolute{
		MaxServers: q.Servers, MaxCores: q.VCPUs, MaxRAM: q.MemoryMiB, MaxKeyPairs: q.KeyPairs, MaxMeta: q.MetadataItems,
		MaxGroups: q.ServerGroups, MaxGroupMembers: q.GroupMembers, Groups: u.ServerGroups, Servers: u.Servers, Cores: u.VCPUs, RAM: u.MemoryMiB,
		MaxFloatingIPs: unlimited, MaxSecGroups: unlimited, MaxSecGroupRules: unlimited, MaxImageMeta: q.MetadataItems,
	}}}, nil
}

// quotaSet is a quota, with a number or an object with details for each resource.
type quotaSet[T any] struct {
	ID            string `json:"id,omitempty"`
	Instances     T      `json:"instances"`
	Cores         T      `json:"cores"`
	RAM           T      `json:"ram"`
	KeyPairs      T      `json:"key_pairs"`
	MetadataItems T      `json:"metadata_items"`
	Groups        T      `json:"server_groups"`
	GroupMembers  T      `json:"server_group_members"`
	FixedIPs      T      `json:"fixed_ips" until:"2.35"`
	FloatingIPs   T      `json:"floating_ips" until:"2.35"`
	SecGroups     T      `json:"security_groups" until:"2.35"`
	SecGroupRules T      `json:"security_group_rules" until:"2.35"`
	Files         T      `json:"injected_files" until:"2.56"`
	FileBytes     T      `json:"injected_file_content_bytes" until:"2.56"`
	FilePathBytes T      `json:"injected_file_path_bytes" until:"2.56"`
}

func quotaView[T any](id string, q compute.Quota, u compute.Usage, item func(limit, used int) T) quotaSet[T] {
	free := func(limit int) T { return item(limit, 0) }
	return quotaSet[T]{
		ID: id, Instances: item(q.Servers, u.Servers), Cores: item(q.VCPUs, u.VCPUs), RAM: item(q.MemoryMiB, u.MemoryMiB),
		KeyPairs: free(q.KeyPairs), MetadataItems: free(q.MetadataItems), Groups: item(q.ServerGroups, u.ServerGroups), GroupMembers: free(q.GroupMembers),
		FixedIPs: free(unlimited), FloatingIPs: free(unlimited), SecGroups: free(unlimited), SecGroupRules: free(unlimited),
		Files: free(0), FileBytes: free(0), FilePathBytes: free(0),
	}
}

type quotaIn struct {
	ProjectID string `path:"project_id"`
	UserID    string `query:"user_id"`
}

type quotaOut struct {
	Quota quotaSet[int] `json:"quota_set"`
}

type quotaDetail struct {
	Limit    int `json:"limit"`
	InUse    int `json:"in_use"`
	Reserved int `json:"reserved"`
}

type quotaDetailOut struct {
	Quota quotaSet[quotaDetail] `json:"quota_set"`
}

func limit(limit, _ int) int { return limit }

func (a *api) showQuota(ctx context.Context, in quotaIn) (quotaOut, error) {
	q, u, err := a.core.Limits(ctx, auth.From(ctx), in.ProjectID)
	return quotaOut{quotaView(in.ProjectID, q, u, limit)}, err
}

func (a *api) showQuotaDetail(ctx context.Context, in quotaIn) (quotaDetailOut, error) {
	q, u, err := a.core.Limits(ctx, auth.From(ctx), in.ProjectID)
	return quotaDetailOut{quotaView(in.ProjectID, q, u, func(limit, used int) quotaDetail { return quotaDetail{limit, used, 0} })}, err
}

func (a *api) showQuotaDefaults(_ context.Context, in quotaIn) (quotaOut, error) {
	return quotaOut{quotaView(in.ProjectID, a.core.DefaultQuota(), compute.Usage{}, limit)}, nil
}

type updateQuotaIn struct {
	quotaIn
	Quota struct {
		Instances     *int           `json:"instances" check:"min=-1"`
		Cores         *int           `json:"cores" check:"min=-1"`
		RAM           *int           `json:"ram" check:"min=-1"`
		KeyPairs      *int           `json:"key_pairs" check:"min=-1"`
		MetadataItems *int           `json:"metadata_items" check:"min=-1"`
		Groups        *int           `json:"server_groups" check:"min=-1"`
		GroupMembers  *int           `json:"server_group_members" check:"min=-1"`
		Force         *bool          `json:"force"`
		TenantID      *string        `json:"tenant_id"`
		Others        map[string]any `json:"*"`
	} `body:"quota_set"`
}

func (a *api) updateQuota(ctx context.Context, in updateQuotaIn) (quotaOut, error) {
	b := &in.Quota
	for name := range b.Others {
		return quotaOut{}, fault.Invalidf("quota_set."+name, "the quota of %s can't be set here: the resources are instances, cores, ram, key_pairs, metadata_items, server_groups and server_group_members", name)
	}
	q, err := a.core.SetQuota(ctx, in.ProjectID, func(q *compute.Quota) {
		for _, c := range []struct {
			to   *int
			from *int
		}{{&q.Servers, b.Instances}, {&q.VCPUs, b.Cores}, {&q.MemoryMiB, b.RAM}, {&q.KeyPairs, b.KeyPairs}, {&q.MetadataItems, b.MetadataItems}, {&q.ServerGroups, b.Groups}, {&q.GroupMembers, b.GroupMembers}} {
			if c.from != nil {
				*c.to = *c.from
			}
		}
	})
	return quotaOut{quotaView("", q, compute.Usage{}, limit)}, err
}
