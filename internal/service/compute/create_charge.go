package compute

import (
	"context"
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// charge takes what some creations need out of the quota of their project, and cuts each down to as many servers as there
// may be. One that has no room is refused; the others go on.
func (s *Service) charge(ctx context.Context, projectID string, creations []*creation) error {
	quota, err := s.store.Quota(ctx, projectID, s.settings.Quota)
	if err != nil {
		return err
	}
	used, err := s.store.Usage(ctx, projectID)
	if err != nil {
		return err
	}
	var more Usage
	for _, c := range creations {
		size := c.template.Size
		n := max(c.Min, min(c.Max, room(quota, used, size)))
		asked := Usage{Servers: n, VCPUs: n * size.VCPUs, MemoryMiB: n * size.MemoryMiB}
		if c.refusal = exceeded(quota, used, asked); c.refusal != nil {
			c.servers = nil
			continue
		}
		c.servers = c.servers[:n]
		used, more = used.plus(asked), more.plus(asked)
	}
	if more == (Usage{}) {
		return nil
	}
	ok, err := s.store.Use(ctx, projectID, more, quota)
	if err == nil && !ok {
		return fault.Conflictf("quota", projectID, "the usage of project %s was changed by another request at the same time; try again", projectID)
	}
	return err
}

// plus returns the sum of two usages.
func (u Usage) plus(o Usage) Usage {
	return Usage{Servers: u.Servers + o.Servers, VCPUs: u.VCPUs + o.VCPUs, MemoryMiB: u.MemoryMiB + o.MemoryMiB}
}

// room is how many servers of a size a quota has room for.
func room(q Quota, u Usage, size Resources) int {
	n := maxAtOnce
	for _, c := range []struct{ most, used, each int }{
		{q.Servers, u.Servers, 1}, {q.VCPUs, u.VCPUs, size.VCPUs}, {q.MemoryMiB, u.MemoryMiB, size.MemoryMiB},
	} {
		if c.most >= 0 && c.each > 0 {
			n = min(n, max(c.most-c.used, 0)/c.each)
		}
	}
	return n
}

// exceeded says by what a quota would be exceeded; nil if it would not.
func exceeded(q Quota, u, asked Usage) error {
	var what, wanted, used, most []string
	for _, c := range []struct {
		name             string
		most, used, more int
	}{{"instances", q.Servers, u.Servers, asked.Servers}, {"cores", q.VCPUs, u.VCPUs, asked.VCPUs}, {"ram", q.MemoryMiB, u.MemoryMiB, asked.MemoryMiB}} {
		if c.most >= 0 && c.used+c.more > c.most {
			what = append(what, c.name)
			wanted = append(wanted, fmt.Sprint(c.more))
			used = append(used, fmt.Sprint(c.used))
			most = append(most, fmt.Sprint(c.most))
		}
	}
	if what == nil {
		return nil
	}
	join := func(l []string) string { return strings.Join(l, ", ") }
	return fault.New(fault.QuotaExceeded, "Quota exceeded for %s: Requested %s, but already used %s of %s %s",
		join(what), join(wanted), join(used), join(most), join(what))
}
