package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type subPortOut struct {
	PortID string `json:"port_id"`
	Type   string `json:"segmentation_type"`
	VLAN   int    `json:"segmentation_id"`
	MAC    string `json:"mac_address,omitempty"`
}

type trunkOut struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	AdminUp     bool         `json:"admin_state_up"`
	PortID      string       `json:"port_id"`
	Status      string       `json:"status"`
	SubPorts    []subPortOut `json:"sub_ports"`
	stampOut
}

type trunksOut struct {
	Trunks []trunkOut `json:"trunks"`
	Links  []link     `json:"trunks_links,omitempty"`
}

type trunkShow struct {
	Trunk trunkOut `json:"trunk"`
}

type subPortsOut struct {
	SubPorts []subPortOut `json:"sub_ports"`
}

type trunkIn struct {
	owner

	Name        rest.Opt[string] `json:"name" check:"max=255"`
	Description rest.Opt[string] `json:"description" check:"max=255"`
	AdminUp     *bool            `json:"admin_state_up"`
	PortID      string           `json:"port_id" check:"required"`
	SubPorts    []subPortIn      `json:"sub_ports"`
}

type subPortIn struct {
	PortID string  `json:"port_id" check:"required"`
	Type   *string `json:"segmentation_type"`
	VLAN   *int    `json:"segmentation_id"`
}

type subPortsIn struct {
	ID       string      `path:"id"`
	SubPorts []subPortIn `body:"sub_ports"`
}

func (a *api) trunks() []rest.Route {
	const single = "/v2.0/trunks/{id}"
	return append(crud("trunks", "trunk", rest.Do(a.listTrunks), rest.Do(a.createTrunk), rest.Do(a.showTrunk), rest.Do(a.changeTrunk), rest.Do(a.deleteTrunk)),
		rest.Route{
			Method: "PUT", Path: single + "/add_subports", Policy: auth.P("add_subports", auth.ProjectMember),
			Audit: "network.trunk.add_subports", Doc: "Lets a trunk carry more ports.", Do: rest.Do(a.addSubPorts),
		},
		rest.Route{
			Method: "PUT", Path: single + "/remove_subports", Policy: auth.P("remove_subports", auth.ProjectMember),
			Audit: "network.trunk.remove_subports", Doc: "Lets a trunk carry fewer ports.", Do: rest.Do(a.removeSubPorts),
		},
		rest.Route{Method: "GET", Path: single + "/get_subports", Policy: auth.P("get_subports", auth.ProjectReader), Doc: "Lists the ports that a trunk carries.", Do: rest.Do(a.listSubPorts)},
	)
}

func newSubPortsOut(t network.Trunk, macs bool) []subPortOut {
	var out []subPortOut
	for _, p := range t.SubPorts {
		one := subPortOut{PortID: p.PortID, Type: "vlan", VLAN: p.VLAN}
		if macs {
			one.MAC = p.MAC
		}
		out = append(out, one)
	}
	return out
}

func newTrunkOut(t network.Trunk) trunkOut {
	return trunkOut{
		ID: t.ID, Name: t.Name, Description: t.Description, AdminUp: t.AdminUp, PortID: t.PortID, Status: t.Status,
		SubPorts: newSubPortsOut(t, false), stampOut: stamp(t.ProjectID, t.Stamp),
	}
}

// trunkDetails is what a parent port says of its trunk.
type trunkDetails struct {
	TrunkID  string       `json:"trunk_id"`
	SubPorts []subPortOut `json:"sub_ports"`
}

// withTrunks adds to ports what they are the parents of.
func (a *api) withTrunks(ctx context.Context, out []portOut) error {
	ids := make([]string, 0, len(out))
	for _, p := range out {
		ids = append(ids, p.ID)
	}
	trunks, err := a.core.TrunksOf(ctx, ids)
	if err != nil {
		return err
	}
	for i := range out {
		if t, ok := trunks[out[i].ID]; ok {
			out[i].Trunk = &trunkDetails{TrunkID: t.ID, SubPorts: newSubPortsOut(t, true)}
		}
	}
	return nil
}

func subPorts(list []subPortIn) ([]network.SubPort, error) {
	out := make([]network.SubPort, 0, len(list))
	for _, w := range list {
		if t := deref(w.Type); t != "" && t != "vlan" {
			return nil, fault.Invalidf("segmentation_type", "Invalid input for operation: Invalid segmentation_type: '%s' is not 'vlan'.", t).WithCode("InvalidInput")
		}
		if w.VLAN == nil {
			return nil, fault.Invalidf("segmentation_id", "Invalid input for operation: Invalid subport details: segmentation_id is missing.").WithCode("InvalidInput")
		}
		out = append(out, network.SubPort{PortID: w.PortID, VLAN: *w.VLAN})
	}
	return out, nil
}

func (a *api) listTrunks(ctx context.Context, in listIn) (trunksOut, error) {
	q, err := in.query(map[string]string{"name": "name", "admin_state_up": "admin_up", "port_id": "port_id"})
	if err != nil {
		return trunksOut{}, err
	}
	list, err := a.core.Trunks(ctx, auth.From(ctx), q)
	if err != nil {
		return trunksOut{}, err
	}
	var out trunksOut
	for _, t := range list {
		out.Trunks = append(out.Trunks, newTrunkOut(t))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

func (a *api) createTrunk(ctx context.Context, in struct {
	Trunk trunkIn `body:"trunk"`
},
) (trunkShow, error) {
	w := in.Trunk
	list, err := subPorts(w.SubPorts)
	if err != nil {
		return trunkShow{}, err
	}
	t, err := a.core.CreateTrunk(ctx, auth.From(ctx), network.NewTrunk{
		ProjectID: w.id(), Name: w.Name.Value, Description: w.Description.Value, AdminUp: w.AdminUp, PortID: w.PortID, SubPorts: list,
	})
	return trunkShow{newTrunkOut(t)}, err
}

func (a *api) showTrunk(ctx context.Context, in byID) (trunkShow, error) {
	t, err := a.core.ShowTrunk(ctx, auth.From(ctx), in.ID)
	return trunkShow{newTrunkOut(t)}, err
}

func (a *api) changeTrunk(ctx context.Context, in struct {
	condition
	ID    string `path:"id"`
	Trunk struct {
		Name        rest.Opt[string] `json:"name" check:"max=255"`
		Description rest.Opt[string] `json:"description" check:"max=255"`
		AdminUp     *bool            `json:"admin_state_up"`
	} `body:"trunk"`
},
) (trunkShow, error) {
	revision, err := in.revision()
	if err != nil {
		return trunkShow{}, err
	}
	w := in.Trunk
	t, err := a.core.ChangeTrunk(ctx, auth.From(ctx), in.ID, network.TrunkChange{Revision: revision, Name: given(w.Name), Description: given(w.Description), AdminUp: w.AdminUp})
	return trunkShow{newTrunkOut(t)}, err
}

func (a *api) deleteTrunk(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteTrunk)
}

func (a *api) addSubPorts(ctx context.Context, in subPortsIn) (trunkOut, error) {
	list, err := subPorts(in.SubPorts)
	if err != nil {
		return trunkOut{}, err
	}
	t, err := a.core.AddSubPorts(ctx, auth.From(ctx), in.ID, list)
	return newTrunkOut(t), err
}

func (a *api) removeSubPorts(ctx context.Context, in subPortsIn) (trunkOut, error) {
	var ids []string
	for _, w := range in.SubPorts {
		ids = append(ids, w.PortID)
	}
	t, err := a.core.RemoveSubPorts(ctx, auth.From(ctx), in.ID, ids)
	return newTrunkOut(t), err
}

func (a *api) listSubPorts(ctx context.Context, in byID) (subPortsOut, error) {
	t, err := a.core.ShowTrunk(ctx, auth.From(ctx), in.ID)
	return subPortsOut{newSubPortsOut(t, false)}, err
}
