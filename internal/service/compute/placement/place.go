package placement

import (
	"cmp"
	"slices"
)

// Place finds the host for a server, and claims its size there in the picture and its place in its group. It returns
// false if no host can take it: Explain tells why.
func (p *Picture) Place(r *Request) (Host, bool) {
	e := p.choose(r)
	if e == nil {
		return Host{}, false
	}
	chosen := e.Host
	p.Claim(e.ID, r.Size)
	r.take(e.ID)
	if r.Group != nil {
		r.Group.Hosts[e.ID]++
	}
	return chosen, true
}

// choose is Place without a claim.
func (p *Picture) choose(r *Request) *entry {
	if ids, ok := r.named(); ok {
		return p.among(ids, r, nil)
	}
	switch r.policy() {
	case SoftAffinity:
		if e := p.among(members(r.Group), r, func(a, b *entry) int { return cmp.Compare(r.members(b.ID), r.members(a.ID)) }); e != nil {
			return e
		}
	case SoftAntiAffinity:
		if e := p.search(r, func(e *entry) bool { return r.members(e.ID) == 0 }); e != nil {
			return e
		}
		return p.among(members(r.Group), r, func(a, b *entry) int { return cmp.Compare(r.members(a.ID), r.members(b.ID)) })
	}
	return p.search(r, unlimited)
}

func unlimited(*entry) bool { return true }

func members(g *Group) []string {
	ids := make([]string, 0, len(g.Hosts))
	for id := range g.Hosts {
		ids = append(ids, id)
	}
	return ids
}

// search looks for the best host of all kinds.
func (p *Picture) search(r *Request, also func(*entry) bool) *entry {
	var found *entry
	for _, c := range p.classes {
		if c.hosts == 0 || c.unfit(r) != none {
			continue
		}
		e := best(c.root, r.Size, func(e *entry) bool { return also(e) && unfit(&e.Host, r) == none })
		if e != nil && (found == nil || e.before(found)) {
			found = e
		}
	}
	return found
}

// among looks for the best of some hosts: by order first, and by weight where that does not decide.
func (p *Picture) among(ids []string, r *Request, order func(a, b *entry) int) *entry {
	var can []*entry
	for _, id := range ids {
		e := p.byID[id]
		if e != nil && e.class.unfit(r) == none && unfit(&e.Host, r) == none && r.Size.within(e.Free) {
			can = append(can, e)
		}
	}
	if len(can) == 0 {
		return nil
	}
	return slices.MinFunc(can, func(a, b *entry) int {
		if order != nil {
			if n := order(a, b); n != 0 {
				return n
			}
		}
		if a.before(b) {
			return -1
		}
		return 1
	})
}

// unfit says why no host of a class can take a server; none if one could.
func (c *class) unfit(r *Request) Reason {
	for _, f := range kindFilters {
		if why := f(&c.kind, c.metadata, r); why != none {
			return why
		}
	}
	return none
}

func unfit(h *Host, r *Request) Reason {
	for _, f := range hostFilters {
		if why := f(h, r); why != none {
			return why
		}
	}
	return none
}
