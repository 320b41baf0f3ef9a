package network

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// The kinds of deviations.
const (
	Missing = "missing"
	Extra   = "extra"
	Altered = "altered"
)

// Deviation is a row of the northbound that is not as the service wants it.
type Deviation struct {
	Kind   string
	Table  string
	Row    string // its UUID
	Unit   Unit   // from which it follows, or followed
	Detail string // what is altered; empty for the other kinds
}

// String says it in words.
func (d Deviation) String() string {
	of := ""
	if d.Unit.ID != "" {
		of = fmt.Sprintf(" of %s %s", d.Unit.Kind, d.Unit.ID)
	}
	switch d.Kind {
	case Missing:
		return fmt.Sprintf("%s %s%s is missing", d.Table, d.Row, of)
	case Extra:
		return fmt.Sprintf("%s %s%s should not be there", d.Table, d.Row, of)
	}
	return fmt.Sprintf("%s %s%s is altered: %s", d.Table, d.Row, of, d.Detail)
}

// Auditor is a Northbound that can be compared with what it should hold.
type Auditor interface {
	// Audit tells what of a full State is not so. It changes nothing.
	Audit(ctx context.Context, s State) ([]Deviation, error)
}

// settle is for how long a deviation must last: what a request has just written is on its way.
const settle = time.Second

// Audit compares the northbound with what it should hold. With repair it has the loop state everything, on whichever
// control node the loop is.
func (s *Service) Audit(ctx context.Context, c *auth.Caller, repair bool) ([]Deviation, error) {
	if !c.Admin() {
		return nil, disallowed("audit of the network")
	}
	a, ok := s.north.(Auditor)
	if !ok {
		return nil, fault.New(fault.Unavailable, "this cloud has no network engine that could be audited: it simulates its hosts")
	}
	found, err := s.compare(ctx, a)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(settle):
	}
	again, err := s.compare(ctx, a)
	if err != nil {
		return nil, err
	}
	lasting := slices.DeleteFunc(again, func(d Deviation) bool { return !slices.Contains(found, d) })
	if repair && len(lasting) > 0 {
		err = s.db.Tx(ctx, s.noteRepair)
	}
	return lasting, err
}

func (s *Service) compare(ctx context.Context, a Auditor) ([]Deviation, error) {
	st, err := s.readState(ctx, true, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	out, err := a.Audit(ctx, st)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the network engine's database cannot be read just now; try again")
	}
	return out, nil
}
