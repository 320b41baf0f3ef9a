package placement

// Picture is all hosts with what is free on them. It may be old: whoever places makes sure of a claim in the database.
// It is not safe for concurrent use.
type Picture struct {
	weight   Weight
	metadata map[string]Metadata // by Kind.Aggregates
	byID     map[string]*entry
	byKind   map[Kind]*class
	classes  []*class // byKind, in the order in which they came
	numbers  int
	ready    int
}

// class is the hosts of a kind.
type class struct {
	kind     Kind
	metadata Metadata
	root     *entry
	hosts    int
}

// New returns a picture without hosts. metadata is that of the sets of aggregates that kinds name.
func New(weight Weight, metadata map[string]Metadata) *Picture {
	return &Picture{weight: weight, metadata: metadata, byID: map[string]*entry{}, byKind: map[Kind]*class{}}
}

// Put adds a host to the picture, or makes a host what it is now.
func (p *Picture) Put(h Host) {
	e := p.byID[h.ID]
	if e == nil {
		e = &entry{number: p.numbers, random: random()}
		p.numbers++
		p.byID[h.ID] = e
	} else {
		if e.Host == h {
			return
		}
		p.take(e)
	}
	e.Host = h
	p.add(e)
}

// Remove takes a host out of the picture.
func (p *Picture) Remove(id string) {
	if e := p.byID[id]; e != nil {
		p.take(e)
		delete(p.byID, id)
	}
}

// Find returns a host.
func (p *Picture) Find(id string) (Host, bool) {
	e := p.byID[id]
	if e == nil {
		return Host{}, false
	}
	return e.Host, true
}

// Len is the number of hosts.
func (p *Picture) Len() int { return len(p.byID) }

// Ready is the number of hosts that may be given servers.
func (p *Picture) Ready() int { return p.ready }

func (p *Picture) add(e *entry) {
	c := p.byKind[e.Kind]
	if c == nil {
		c = &class{kind: e.Kind, metadata: p.metadata[e.Aggregates]}
		p.byKind[e.Kind] = c
		p.classes = append(p.classes, c)
	}
	e.class, e.weight = c, p.weight(e.Free, e.Limits)
	c.root = insert(c.root, e)
	c.hosts++
	if e.Condition == Ready {
		p.ready++
	}
}

func (p *Picture) take(e *entry) {
	e.class.root = remove(e.class.root, e)
	e.class.hosts--
	if e.Condition == Ready {
		p.ready--
	}
}

// Claim takes a size off what is free on a host. A negative size gives back.
func (p *Picture) Claim(id string, size Resources) {
	if e := p.byID[id]; e != nil {
		p.take(e)
		e.Free = e.Free.minus(size)
		p.add(e)
	}
}
