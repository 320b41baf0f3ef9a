package api

import (
	"context"
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

type flavor struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	RAM         int               `json:"ram"`
	Disk        int               `json:"disk"`
	VCPUs       int               `json:"vcpus"`
	Swap        any               `json:"swap"` // "" for none before 2.75
	Ephemeral   int               `json:"OS-FLV-EXT-DATA:ephemeral"`
	Disabled    bool              `json:"OS-FLV-DISABLED:disabled"`
	RxTxFactor  float64           `json:"rxtx_factor"`
	Public      bool              `json:"os-flavor-access:is_public"`
	Description *string           `json:"description" since:"2.55"`
	Specs       map[string]string `json:"extra_specs" since:"2.61"`
	Links       []link            `json:"links"`
}

type briefFlavor struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Description *string `json:"description" since:"2.55"`
	Links       []link  `json:"links"`
}

type listFlavorsIn struct {
	rest.List
	Public  string `query:"is_public"`
	MinDisk int    `query:"minDisk" check:"nonneg"`
	MinRAM  int    `query:"minRam" check:"nonneg"`
}

type briefFlavorsOut struct {
	Flavors []briefFlavor `json:"flavors"`
	Links   []link        `json:"flavors_links,omitempty"`
}

type flavorsOut struct {
	Flavors []flavor `json:"flavors"`
	Links   []link   `json:"flavors_links,omitempty"`
}

type flavorIn struct {
	ID string `path:"flavor_id"`
}

type flavorOut struct {
	Flavor flavor `json:"flavor"`
}

type createFlavorIn struct {
	Flavor struct {
		Name        string   `json:"name" check:"required,min=1,max=255"`
		ID          any      `json:"id"` // a string, a number, or null
		RAM         int      `json:"ram" check:"required,min=1,max=2147483647"`
		VCPUs       int      `json:"vcpus" check:"required,min=1,max=2147483647"`
		Disk        int      `json:"disk" check:"required,min=0,max=2147483647"`
		Ephemeral   int      `json:"OS-FLV-EXT-DATA:ephemeral" check:"nonneg"`
		Swap        int      `json:"swap" check:"nonneg"`
		RxTxFactor  *float64 `json:"rxtx_factor"`
		Public      *bool    `json:"os-flavor-access:is_public"`
		Description *string  `json:"description" since:"2.55" check:"max=65535"`
	} `body:"flavor"`
}

func flavorView(ctx context.Context, f *compute.Flavor) flavor {
	out := flavor{
		ID: f.ID, Name: f.Name, RAM: f.MemoryMiB, Disk: f.DiskGiB, VCPUs: f.VCPUs, Swap: f.SwapMiB, Ephemeral: f.Ephemeral,
		Disabled: f.Disabled, RxTxFactor: f.RxTxFactor, Public: f.Public, Description: f.Description, Specs: f.Specs,
		Links: links(ctx, "flavors", f.ID),
	}
	if f.SwapMiB == 0 && !at(ctx, "2.75") {
		out.Swap = ""
	}
	return out
}

func (a *api) findFlavors(ctx context.Context, in *listFlavorsIn) ([]compute.Flavor, query.Page, error) {
	page, err := in.Page("flavorid:asc", maxPage)
	if err != nil {
		return nil, page, err
	}
	f := compute.FlavorFilter{MinDiskGiB: in.MinDisk, MinRAMMiB: in.MinRAM}
	if !strings.EqualFold(in.Public, "none") {
		public := truth(in.Public)
		f.Public = &public
	}
	found, err := a.core.ListFlavors(ctx, auth.From(ctx), f, page)
	return found, page, err
}

func (a *api) listFlavors(ctx context.Context, in listFlavorsIn) (briefFlavorsOut, error) {
	found, page, err := a.findFlavors(ctx, &in)
	if err != nil {
		return briefFlavorsOut{}, err
	}
	out := briefFlavorsOut{Links: nextLink(ctx, len(found), page.Limit, func() string { return found[len(found)-1].ID })}
	for i := range found {
		f := &found[i]
		out.Flavors = append(out.Flavors, briefFlavor{f.ID, f.Name, f.Description, links(ctx, "flavors", f.ID)})
	}
	return out, nil
}

func (a *api) listFlavorsDetail(ctx context.Context, in listFlavorsIn) (flavorsOut, error) {
	found, page, err := a.findFlavors(ctx, &in)
	if err != nil {
		return flavorsOut{}, err
	}
	out := flavorsOut{Links: nextLink(ctx, len(found), page.Limit, func() string { return found[len(found)-1].ID })}
	for i := range found {
		out.Flavors = append(out.Flavors, flavorView(ctx, &found[i]))
	}
	return out, nil
}

// flavor gives a missing flavor the words that Nova's clients know.
func (a *api) flavor(ctx context.Context, id string) (compute.Flavor, error) {
	f, err := a.core.ShowFlavor(ctx, auth.From(ctx), id)
	return f, missingFlavor(err)
}

func missingFlavor(err error) error {
	if f := fault.Of(err); f.Class == fault.NotFound && f.Object == "flavor" {
		return &fault.Error{Class: fault.NotFound, Object: f.Object, ID: f.ID, Message: fmt.Sprintf("Flavor %s could not be found.", f.ID)}
	}
	return err
}

func (a *api) showFlavor(ctx context.Context, in flavorIn) (flavorOut, error) {
	f, err := a.flavor(ctx, in.ID)
	if err != nil {
		return flavorOut{}, err
	}
	return flavorOut{flavorView(ctx, &f)}, nil
}

func (a *api) createFlavor(ctx context.Context, in createFlavorIn) (flavorOut, error) {
	b := &in.Flavor
	f := compute.Flavor{
		FlavorCopy: compute.FlavorCopy{
			Name: b.Name, VCPUs: b.VCPUs, MemoryMiB: b.RAM, DiskGiB: b.Disk, Ephemeral: b.Ephemeral, SwapMiB: b.Swap,
			Specs: map[string]string{},
		},
		Description: b.Description, Public: b.Public == nil || *b.Public, RxTxFactor: 1,
	}
	if b.ID != nil {
		id, err := reference("flavor.id", b.ID)
		if err != nil {
			return flavorOut{}, err
		}
		f.ID = id
	}
	if b.RxTxFactor != nil {
		f.RxTxFactor = *b.RxTxFactor
	}
	f, err := a.core.CreateFlavor(ctx, f)
	if err != nil {
		return flavorOut{}, err
	}
	return flavorOut{flavorView(ctx, &f)}, nil
}

func (a *api) deleteFlavor(ctx context.Context, in flavorIn) (rest.None, error) {
	return rest.None{}, missingFlavor(a.core.DeleteFlavor(ctx, in.ID))
}

type accessOut struct {
	Access []any `json:"flavor_access"`
}

// listAccess is empty: a flavor that is not public is for admins.
func (a *api) listAccess(ctx context.Context, in flavorIn) (accessOut, error) {
	f, err := a.flavor(ctx, in.ID)
	if err == nil && f.Public {
		err = fault.New(fault.NotFound, "Access list not available for public flavors.")
	}
	return accessOut{}, err
}
