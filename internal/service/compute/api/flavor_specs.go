package api

import (
	"context"
	"maps"
	"regexp"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

type specsOut struct {
	Specs map[string]string `json:"extra_specs"`
}

type specIn struct {
	flavorIn
	Key string `path:"key"`
}

type specOut struct {
	Spec map[string]string `json:"*"`
}

type createSpecsIn struct {
	flavorIn
	Specs map[string]string `body:"extra_specs"`
}

type setSpecIn struct {
	specIn
	Spec map[string]string `body:"."`
}

var specKey = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,255}$`)

func checkSpec(key, value string) error {
	if !specKey.MatchString(key) || len(value) > 255 {
		return fault.Invalidf("extra_specs."+key, "Invalid input for field extra_specs: the key %.40q has letters, digits, and _.:-, at most 255, and its value at most 255 bytes", key)
	}
	return nil
}

func (a *api) listSpecs(ctx context.Context, in flavorIn) (specsOut, error) {
	f, err := a.flavor(ctx, in.ID)
	return specsOut{f.Specs}, err
}

func (a *api) showSpec(ctx context.Context, in specIn) (specOut, error) {
	f, err := a.flavor(ctx, in.ID)
	if err != nil {
		return specOut{}, err
	}
	value, ok := f.Specs[in.Key]
	if !ok {
		return specOut{}, in.missing()
	}
	return specOut{map[string]string{in.Key: value}}, nil
}

func (in *specIn) missing() error {
	return fault.New(fault.NotFound, "Flavor %s has no extra specs with key %s.", in.ID, in.Key)
}

func (a *api) createSpecs(ctx context.Context, in createSpecsIn) (specsOut, error) {
	for key, value := range in.Specs {
		if err := checkSpec(key, value); err != nil {
			return specsOut{}, err
		}
	}
	_, err := a.core.SetFlavorSpecs(ctx, in.ID, func(specs map[string]string) error {
		maps.Copy(specs, in.Specs)
		return nil
	})
	return specsOut{in.Specs}, missingFlavor(err)
}

func (a *api) setSpec(ctx context.Context, in setSpecIn) (specOut, error) {
	value, ok := in.Spec[in.Key]
	if !ok || len(in.Spec) != 1 {
		return specOut{}, fault.Invalidf(in.Key, "Request body and URI mismatch: the body must have %q and nothing else", in.Key)
	}
	if err := checkSpec(in.Key, value); err != nil {
		return specOut{}, err
	}
	_, err := a.core.SetFlavorSpecs(ctx, in.ID, func(specs map[string]string) error {
		specs[in.Key] = value
		return nil
	})
	return specOut{in.Spec}, missingFlavor(err)
}

func (a *api) deleteSpec(ctx context.Context, in specIn) (rest.None, error) {
	_, err := a.core.SetFlavorSpecs(ctx, in.ID, func(specs map[string]string) error {
		if _, ok := specs[in.Key]; !ok {
			return in.missing()
		}
		delete(specs, in.Key)
		return nil
	})
	return rest.None{}, missingFlavor(err)
}
