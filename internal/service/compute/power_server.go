package compute

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
)

// Power starts, stops or reboots a server: it writes what is wanted, and the host follows.
func (s *Service) Power(ctx context.Context, caller *auth.Caller, id string, v Verb) error {
	name := v
	if v == RebootHard {
		name = RebootSoft
	}
	return s.order(ctx, caller, id, v, string(name))
}
