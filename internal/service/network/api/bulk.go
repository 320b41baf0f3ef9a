package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// made is the answer to a request that makes one object, under its singular, or several, under their plural.
type made struct {
	Made map[string]any `json:"*"`
}

// create makes one object or several; of several all or none, and what is wrong with one names which it is.
func create[W, O any](ctx context.Context, a *api, name, names string, one *W, many *[]W, do func(context.Context, W) (O, error)) (made, error) {
	if one != nil && many == nil {
		o, err := do(ctx, *one)
		return made{map[string]any{name: o}}, err
	}
	if one != nil || many == nil || len(*many) == 0 {
		return made{}, fault.Invalidf(name, "Invalid input: the body must have either %s or %s, and the latter be a list that is not empty", name, names).
			WithCode("HTTPBadRequest")
	}
	var out []O
	err := a.core.Together(ctx, func(ctx context.Context) error {
		out = nil
		for i, w := range *many {
			o, err := do(ctx, w)
			if err != nil {
				return numbered(err, names, i)
			}
			out = append(out, o)
		}
		return nil
	})
	return made{map[string]any{names: out}}, err
}

// numbered says in an error with which of several objects something is wrong.
func numbered(err error, names string, i int) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	which := *f
	which.Message = fmt.Sprintf("%s[%d]: %s", names, i, f.Message)
	return &which
}
