package compute

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/reconcile"
)

// forget takes servers out of the database that were deleted long ago.
func (s *Service) forget(ctx context.Context, _ string) (reconcile.Result, error) {
	return reconcile.Result{}, s.db.Tx(ctx, func(ctx context.Context) error {
		return s.store.PurgeServers(ctx, s.now().Add(-s.settings.KeepDeleted))
	})
}
