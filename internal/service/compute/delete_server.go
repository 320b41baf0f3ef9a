package compute

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
)

// DeleteServer wants a server gone, in whatever state it is. One that is on no host is gone with this transaction;
// another one when its host says so, or when its host is lost.
func (s *Service) DeleteServer(ctx context.Context, caller *auth.Caller, id string) error {
	return s.order(ctx, caller, id, Delete, string(Delete))
}
