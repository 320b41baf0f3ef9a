package placement

// Request is what one server asks of a host. A zero field asks for nothing.
type Request struct {
	Size           Resources
	ProjectID      string
	Zone           string
	Host           string   // name or id
	Tried          []string // ids of hosts that could not build it
	Arch           string   // as in Go
	HypervisorType string   // "kvm", "qemu" …
	Specs          map[string]string
	Traits         map[string]string // "required" or "forbidden" by trait, of image and flavor
	SameHost       []string          // ids of hosts: on one of them
	DifferentHost  []string          // ids of hosts: on none of them
	Group          *Group
	Guaranteed     map[string]Rates // by physical network; not nil: Bandwidth isn't either
	Bandwidth      *Bandwidth
}

// Policy is how the members of a group stand to one another.
type Policy string

// The closed set of policies.
const (
	Affinity         Policy = "affinity"
	AntiAffinity     Policy = "anti-affinity"
	SoftAffinity     Policy = "soft-affinity"
	SoftAntiAffinity Policy = "soft-anti-affinity"
)

// Group is a server group. Place counts what it places into Hosts, so that all requests of a batch share one Group.
type Group struct {
	Policy     Policy
	MaxPerHost int            // of AntiAffinity; 0 is 1
	Hosts      map[string]int // members by host id
}

// members is how many members of the request's group a host has.
func (r *Request) members(hostID string) int {
	if r.Group == nil {
		return 0
	}
	return r.Group.Hosts[hostID]
}

func (r *Request) policy() Policy {
	if r.Group == nil {
		return ""
	}
	return r.Group.Policy
}

// named are the only hosts that come into question, where the request names them; false where it does not.
func (r *Request) named() (ids []string, ok bool) {
	switch {
	case len(r.SameHost) > 0:
		return r.SameHost, true
	case r.policy() == Affinity && len(r.Group.Hosts) > 0:
		for id := range r.Group.Hosts {
			ids = append(ids, id)
		}
		return ids, true
	}
	return nil, false
}
