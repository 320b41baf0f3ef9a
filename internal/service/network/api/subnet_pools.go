package api

import (
	"context"
	"net/netip"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type subnetPoolOut struct {
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	Description   string   `json:"description"`
	IPVersion     int      `json:"ip_version"`
	Prefixes      []string `json:"prefixes"`
	DefaultLength int      `json:"default_prefixlen"`
	MinLength     int      `json:"min_prefixlen"`
	MaxLength     int      `json:"max_prefixlen"`
	Quota         *int     `json:"default_quota"`
	Default       bool     `json:"is_default"`
	Shared        bool     `json:"shared"`
	ScopeID       *string  `json:"address_scope_id"`
	stampOut
}

type subnetPoolsOut struct {
	Pools []subnetPoolOut `json:"subnetpools"`
	Links []link          `json:"subnetpools_links,omitempty"`
}

type subnetPoolShow struct {
	Pool subnetPoolOut `json:"subnetpool"`
}

type subnetPoolFields struct {
	Name          rest.Opt[string] `json:"name" check:"max=255"`
	Description   rest.Opt[string] `json:"description" check:"max=255"`
	Prefixes      rest.Opt[any]    `json:"prefixes"`
	DefaultLength *int             `json:"default_prefixlen"`
	MinLength     *int             `json:"min_prefixlen"`
	MaxLength     *int             `json:"max_prefixlen"`
	Quota         rest.Opt[int]    `json:"default_quota"`
	Default       *bool            `json:"is_default"`
	ScopeID       rest.Opt[string] `json:"address_scope_id"`
}

type subnetPoolIn struct {
	owner
	subnetPoolFields

	Shared *bool `json:"shared"`
}

func newSubnetPoolOut(p network.SubnetPool) subnetPoolOut {
	out := subnetPoolOut{
		ID: p.ID, Name: p.Name, Description: p.Description, IPVersion: 4, DefaultLength: p.DefaultLength, MinLength: p.MinLength,
		MaxLength: p.MaxLength, Quota: p.Quota, Default: p.Default, Shared: p.Shared, ScopeID: text(p.ScopeID),
		stampOut: stamp(p.ProjectID, p.Stamp),
	}
	if p.V6() {
		out.IPVersion = 6
	}
	for _, q := range p.Prefixes {
		out.Prefixes = append(out.Prefixes, q.String())
	}
	return out
}

// prefixes reads a list of prefixes, or a single one, which old clients send.
func (f subnetPoolFields) prefixes() ([]netip.Prefix, error) { return parsePrefixes(f.Prefixes.Value) }

func parsePrefixes(value any) ([]netip.Prefix, error) {
	list, ok := value.([]any)
	if !ok && value != nil {
		list = []any{value}
	}
	var out []netip.Prefix
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, fault.Invalidf("prefixes", "Invalid input for prefixes. Reason: each is a text such as 10.0.0.0/8.").WithCode("InvalidInput")
		}
		p, err := parsePrefix("prefixes", text)
		if err != nil {
			return nil, err
		}
		if p.IsValid() {
			out = append(out, p)
		}
	}
	return out, nil
}

func (f subnetPoolFields) quota() *int {
	if !f.Quota.Set || f.Quota.Null {
		return nil
	}
	return &f.Quota.Value
}

func (a *api) listSubnetPools(ctx context.Context, in listIn) (subnetPoolsOut, error) {
	q, err := in.query(map[string]string{
		"name": "name", "ip_version": "ip_version", "default_prefixlen": "default_length", "min_prefixlen": "min_length",
		"max_prefixlen": "max_length", "is_default": "default", "shared": "shared", "address_scope_id": "scope_id",
	})
	if err != nil {
		return subnetPoolsOut{}, err
	}
	list, err := a.core.SubnetPools(ctx, auth.From(ctx), q)
	if err != nil {
		return subnetPoolsOut{}, err
	}
	var out subnetPoolsOut
	for _, p := range list {
		out.Pools = append(out.Pools, newSubnetPoolOut(p))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

func (a *api) createSubnetPool(ctx context.Context, in struct {
	Pool  *subnetPoolIn   `body:"subnetpool"`
	Pools *[]subnetPoolIn `body:"subnetpools"`
},
) (made, error) {
	return create(ctx, a, "subnetpool", "subnetpools", in.Pool, in.Pools, a.newSubnetPool)
}

func (a *api) newSubnetPool(ctx context.Context, w subnetPoolIn) (subnetPoolOut, error) {
	prefixes, err := w.prefixes()
	if err != nil {
		return subnetPoolOut{}, err
	}
	p, err := a.core.CreateSubnetPool(ctx, auth.From(ctx), network.NewSubnetPool{
		ProjectID: w.id(), Name: w.Name.Value, Description: w.Description.Value, Prefixes: prefixes, DefaultLength: w.DefaultLength,
		MinLength: w.MinLength, MaxLength: w.MaxLength, Quota: w.quota(), Default: w.Default, Shared: w.Shared, ScopeID: w.ScopeID.Value,
	})
	return newSubnetPoolOut(p), err
}

func (a *api) showSubnetPool(ctx context.Context, in byID) (subnetPoolShow, error) {
	p, err := a.core.ShowSubnetPool(ctx, auth.From(ctx), in.ID)
	return subnetPoolShow{newSubnetPoolOut(p)}, err
}

func (a *api) changeSubnetPool(ctx context.Context, in struct {
	condition
	ID   string           `path:"id"`
	Pool subnetPoolFields `body:"subnetpool"`
},
) (subnetPoolShow, error) {
	revision, err := in.revision()
	if err != nil {
		return subnetPoolShow{}, err
	}
	w := in.Pool
	change := network.SubnetPoolChange{
		Revision: revision, Name: given(w.Name), Description: given(w.Description), DefaultLength: w.DefaultLength,
		MinLength: w.MinLength, MaxLength: w.MaxLength, Default: w.Default, ScopeID: given(w.ScopeID),
	}
	if w.Prefixes.Set {
		prefixes, err := w.prefixes()
		if err != nil {
			return subnetPoolShow{}, err
		}
		change.Prefixes = &prefixes
	}
	if w.Quota.Set {
		quota := w.quota()
		change.Quota = &quota
	}
	p, err := a.core.ChangeSubnetPool(ctx, auth.From(ctx), in.ID, change)
	return subnetPoolShow{newSubnetPoolOut(p)}, err
}

func (a *api) deleteSubnetPool(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteSubnetPool)
}
