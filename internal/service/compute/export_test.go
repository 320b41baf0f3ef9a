package compute

import (
	"context"
	"errors"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Placer returns the placement loop of a control node, which places all servers that wait.
func Placer(s *Service) func(ctx context.Context) error {
	p := &placer{Service: s}
	return func(ctx context.Context) error {
		for {
			_, err := p.do(ctx, placementKey)
			if !errors.Is(err, errBeaten) && !fault.Is(err, fault.Conflict) { // else the loop would run again
				return err
			}
		}
	}
}
