package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2/pagination"
)

// pages reads all pages of a list.
func pages[T any](ctx context.Context, p pagination.Pager, extract func(pagination.Page) ([]T, error)) ([]T, error) {
	var all []T
	err := p.EachPage(ctx, func(_ context.Context, page pagination.Page) (bool, error) {
		items, err := extract(page)
		all = append(all, items...)
		return true, err
	})
	return all, err
}

// finder finds the one item of a kind that a user means by an id or a name.
type finder[T any] struct {
	kind     string
	get      func(id string) (*T, error)
	list     func(name string) ([]T, error) // all of that name, and perhaps others
	id, name func(T) string
}

func (f finder[T]) find(ref string) (*T, error) {
	if _, err := uuid.Parse(ref); err == nil && f.get != nil {
		item, err := f.get(ref)
		if err == nil || !notFound(err) {
			return item, err
		}
	}
	items, err := f.list(ref)
	if err != nil {
		return nil, fmt.Errorf("looking for %s %q: %w", f.kind, ref, err)
	}
	var named []T
	for _, item := range items {
		if f.id(item) == ref {
			return &item, nil
		}
		if f.name(item) == ref {
			named = append(named, item)
		}
	}
	switch len(named) {
	case 0:
		return nil, fmt.Errorf("there is no %s with the name or id %q", f.kind, ref)
	case 1:
		return &named[0], nil
	}
	ids := make([]string, len(named))
	for k, item := range named {
		ids[k] = f.id(item)
	}
	return nil, fmt.Errorf("there are %d %ss with the name %q; say which by its id: %s", len(named), f.kind, ref, strings.Join(ids, ", "))
}

// each does something for every argument and returns what went wrong.
func each(args []string, do func(arg string) error) error {
	var errs []error
	for _, a := range args {
		if err := do(a); err != nil {
			errs = append(errs, err)
		}
	}
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	texts := make([]string, len(errs))
	for k, err := range errs {
		texts[k] = sentence(err)
	}
	return errors.New(strings.Join(texts, "; "))
}
