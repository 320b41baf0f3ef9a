package api_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/pagination"
	"github.com/stretchr/testify/require"
)

// all reads all pages of a list.
func all[T any](t *testing.T, p pagination.Pager, extract func(pagination.Page) ([]T, error)) []T {
	t.Helper()
	page, err := p.AllPages(t.Context())
	require.NoError(t, err)
	out, err := extract(page)
	require.NoError(t, err)
	return out
}
