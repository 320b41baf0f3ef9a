package compute

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// Flavor is a size of servers.
type Flavor struct {
	FlavorCopy
	Description *string
	Public      bool
	Disabled    bool
	RxTxFactor  float64
	CreatedAt   time.Time
}

// FlavorFilter narrows a list of flavors. A zero field does not narrow.
type FlavorFilter struct {
	Public                *bool
	MinDiskGiB, MinRAMMiB int
}

// CreateFlavor adds a flavor. Without an id it gets one.
func (s *Service) CreateFlavor(ctx context.Context, f Flavor) (Flavor, error) {
	if f.Ephemeral != 0 || f.SwapMiB != 0 {
		return f, fault.Invalidf("flavor", "ephemeral and swap disks are not offered: leave both at 0 and make the root disk larger")
	}
	if f.ID == "" || f.ID == "auto" {
		f.ID = uuid.NewString()
	}
	f.CreatedAt = s.now()
	err := s.db.Tx(ctx, func(ctx context.Context) error { return s.store.InsertFlavor(ctx, f) })
	if db.IsUnique(err) {
		return f, fault.Conflictf("flavor", f.ID, "Flavor with ID %s or name %q already exists", f.ID, f.Name)
	}
	return f, err
}

// DeleteFlavor removes a flavor. Servers keep the copy that they were made with.
func (s *Service) DeleteFlavor(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error { return s.store.DeleteFlavor(ctx, id) })
}

// ShowFlavor returns a flavor. One that is not public is there for admins only.
func (s *Service) ShowFlavor(ctx context.Context, caller *auth.Caller, id string) (Flavor, error) {
	f, err := s.store.FindFlavor(ctx, id)
	if err != nil {
		return f, err
	}
	if !f.Public && !caller.Admin() {
		return Flavor{}, fault.Missing("flavor", id)
	}
	return f, nil
}

// ListFlavors returns a page of flavors; to others than admins only the public ones.
func (s *Service) ListFlavors(ctx context.Context, caller *auth.Caller, f FlavorFilter, page query.Page) ([]Flavor, error) {
	if !caller.Admin() {
		public := true
		f.Public = &public
	}
	return s.store.ListFlavors(ctx, f, page)
}
