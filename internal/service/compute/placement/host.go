package placement

// Resources are what servers take and hosts have.
type Resources struct{ VCPUs, MemoryMiB, DiskGiB int }

// within tells whether there is room for r in free.
func (r Resources) within(free Resources) bool {
	return r.VCPUs <= free.VCPUs && r.MemoryMiB <= free.MemoryMiB && r.DiskGiB <= free.DiskGiB
}

func (r Resources) minus(o Resources) Resources {
	return Resources{r.VCPUs - o.VCPUs, r.MemoryMiB - o.MemoryMiB, r.DiskGiB - o.DiskGiB}
}

func (r Resources) most(o Resources) Resources {
	return Resources{max(r.VCPUs, o.VCPUs), max(r.MemoryMiB, o.MemoryMiB), max(r.DiskGiB, o.DiskGiB)}
}

// Condition is whether a host may be given servers.
type Condition string

// The closed set of conditions.
const (
	Ready       Condition = "ready"
	Disabled    Condition = "disabled"
	Maintenance Condition = "maintenance"
	Lost        Condition = "lost"
)

// Kind is all that hosts may have in common.
type Kind struct {
	Condition    Condition
	Zone         string
	Arch         string // as in Go
	Acceleration string // "kvm", or else it emulates
	Aggregates   string // the numbers of the aggregates that the host is in, in their order, with commas
}

// Host is a machine that runs servers.
type Host struct {
	Kind
	ID, Name     string
	Limits, Free Resources // Limits are the most that may be claimed, with overcommitment
}

// Metadata is what a host's aggregates say together: each key has the values of all that name it.
type Metadata map[string][]string
