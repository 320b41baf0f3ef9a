package compute

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

// Tuning is how servers are placed. An operator changes it through the API.
type Tuning struct {
	CPURatio, MemoryRatio, DiskRatio float64 // how much more may be claimed than a host has; aggregates may differ
	ReservedMemoryMiB                int     // of each host, for itself
	Pack                             bool    // fill hosts one after the other, rather than spread servers over all
}

// The bounds of a tuning.
const (
	mostRatio    = 1000
	mostReserved = 1 << 20
)

func (t Tuning) weight() placement.Weight {
	if t.Pack {
		return placement.Pack
	}
	return placement.Spread
}

func (t Tuning) check() error {
	for field, ratio := range map[string]float64{metaCPURatio: t.CPURatio, metaMemoryRatio: t.MemoryRatio, metaDiskRatio: t.DiskRatio} {
		if !(ratio > 0 && ratio <= mostRatio) {
			return fault.Invalidf(field, "%s must be greater than 0 and at most %d, but is %g", field, mostRatio, ratio)
		}
	}
	if t.ReservedMemoryMiB < 0 || t.ReservedMemoryMiB > mostReserved {
		return fault.Invalidf("reserved_host_memory_mb", "reserved_host_memory_mb must be from 0 to %d, but is %d", mostReserved, t.ReservedMemoryMiB)
	}
	return nil
}

// Tuning returns how servers are placed at present.
func (s *Service) Tuning(ctx context.Context) (Tuning, error) {
	return s.store.Tuning(ctx, s.settings.Tuning)
}

// SetTuning changes how servers are placed by a function of how they are now. Servers that are placed stay where they are.
func (s *Service) SetTuning(ctx context.Context, fn func(*Tuning)) (Tuning, error) {
	var t Tuning
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if t, err = s.Tuning(ctx); err != nil {
			return err
		}
		fn(&t)
		if err := t.check(); err != nil {
			return err
		}
		if err := s.store.SetTuning(ctx, t); err != nil {
			return err
		}
		return s.tellOfHosts(ctx, nil, true)
	})
	return t, err
}
