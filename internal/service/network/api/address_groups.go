package api

import (
	"context"
	"net/netip"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type addressGroupOut struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Addresses   []string `json:"addresses"`
	Shared      bool     `json:"shared"`
	stampOut
}

type addressGroupsOut struct {
	Groups []addressGroupOut `json:"address_groups"`
	Links  []link            `json:"address_groups_links,omitempty"`
}

type addressGroupShow struct {
	Group addressGroupOut `json:"address_group"`
}

type addressGroupIn struct {
	owner

	Name        rest.Opt[string] `json:"name" check:"max=255"`
	Description rest.Opt[string] `json:"description" check:"max=255"`
	Addresses   []string         `json:"addresses"`
}

type addressesIn struct {
	condition
	ID    string `path:"id"`
	Group struct {
		Addresses []string `json:"addresses" check:"required"`
	} `body:"address_group"`
}

func (a *api) addressGroups() []rest.Route {
	const single = "/v2.0/address-groups/{id}"
	policy := auth.P("update_address_group", auth.ProjectMember)
	return append(crud("address-groups", "address_group", rest.Do(a.listAddressGroups), rest.Do(a.createAddressGroup), rest.Do(a.showAddressGroup), rest.Do(a.changeAddressGroup), rest.Do(a.deleteAddressGroup)),
		rest.Route{
			Method: "PUT", Path: single + "/add_addresses", Policy: policy, Audit: "network.address_group.add_addresses",
			Doc: "Puts addresses into an address group.", Do: rest.Do(a.changeAddresses(a.core.AddAddresses)),
		},
		rest.Route{
			Method: "PUT", Path: single + "/remove_addresses", Policy: policy, Audit: "network.address_group.remove_addresses",
			Doc: "Takes addresses from an address group.", Do: rest.Do(a.changeAddresses(a.core.RemoveAddresses)),
		},
	)
}

func newAddressGroupOut(g network.AddressGroup) addressGroupOut {
	out := addressGroupOut{ID: g.ID, Name: g.Name, Description: g.Description, Shared: g.Shared, stampOut: stamp(g.ProjectID, g.Stamp)}
	for _, p := range g.Addresses {
		out.Addresses = append(out.Addresses, p.String())
	}
	return out
}

func parseAddresses(list []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(list))
	for _, text := range list {
		p, err := parsePrefix("addresses", text)
		if err != nil {
			return nil, err
		}
		if !p.IsValid() {
			return nil, fault.Invalidf("addresses", "Invalid input for addresses. Reason: '' is not a valid IP subnet.").WithCode("InvalidInput")
		}
		out = append(out, p)
	}
	return out, nil
}

func (a *api) listAddressGroups(ctx context.Context, in listIn) (addressGroupsOut, error) {
	q, err := in.query(map[string]string{"name": "name", "shared": "shared"})
	if err != nil {
		return addressGroupsOut{}, err
	}
	list, err := a.core.AddressGroups(ctx, auth.From(ctx), q)
	if err != nil {
		return addressGroupsOut{}, err
	}
	var out addressGroupsOut
	for _, g := range list {
		out.Groups = append(out.Groups, newAddressGroupOut(g))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

func (a *api) createAddressGroup(ctx context.Context, in struct {
	Group  *addressGroupIn   `body:"address_group"`
	Groups *[]addressGroupIn `body:"address_groups"`
},
) (made, error) {
	return create(ctx, a, "address_group", "address_groups", in.Group, in.Groups, a.newAddressGroup)
}

func (a *api) newAddressGroup(ctx context.Context, w addressGroupIn) (addressGroupOut, error) {
	addresses, err := parseAddresses(w.Addresses)
	if err != nil {
		return addressGroupOut{}, err
	}
	g, err := a.core.CreateAddressGroup(ctx, auth.From(ctx), network.NewAddressGroup{
		ProjectID: w.id(), Name: w.Name.Value, Description: w.Description.Value, Addresses: addresses,
	})
	return newAddressGroupOut(g), err
}

func (a *api) showAddressGroup(ctx context.Context, in byID) (addressGroupShow, error) {
	g, err := a.core.ShowAddressGroup(ctx, auth.From(ctx), in.ID)
	return addressGroupShow{newAddressGroupOut(g)}, err
}

func (a *api) changeAddressGroup(ctx context.Context, in struct {
	condition
	ID    string `path:"id"`
	Group struct {
		Name        rest.Opt[string] `json:"name" check:"max=255"`
		Description rest.Opt[string] `json:"description" check:"max=255"`
	} `body:"address_group"`
},
) (addressGroupShow, error) {
	revision, err := in.revision()
	if err != nil {
		return addressGroupShow{}, err
	}
	change := network.AddressGroupChange{Name: given(in.Group.Name), Description: given(in.Group.Description), Revision: revision}
	g, err := a.core.ChangeAddressGroup(ctx, auth.From(ctx), in.ID, change)
	return addressGroupShow{newAddressGroupOut(g)}, err
}

func (a *api) deleteAddressGroup(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteAddressGroup)
}

func (a *api) changeAddresses(change func(context.Context, *auth.Caller, string, []netip.Prefix, *int64) (network.AddressGroup, error)) func(context.Context, addressesIn) (addressGroupShow, error) {
	return func(ctx context.Context, in addressesIn) (addressGroupShow, error) {
		revision, err := in.revision()
		if err != nil {
			return addressGroupShow{}, err
		}
		list, err := parseAddresses(in.Group.Addresses)
		if err != nil {
			return addressGroupShow{}, err
		}
		g, err := change(ctx, auth.From(ctx), in.ID, list, revision)
		return addressGroupShow{newAddressGroupOut(g)}, err
	}
}
