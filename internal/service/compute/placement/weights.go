package placement

// Weight orders the hosts that can take a server: the one with the greatest wins.
type Weight func(free, limits Resources) float64

// How much the free part of a resource counts. Memory is what hosts run out of; the others decide between hosts that
// are equal in it.
const (
	memoryCounts = 1.0
	vcpusCount   = 1.0 / 16
	diskCounts   = 1.0 / 256
)

// Spread prefers the host of which the largest part is free.
func Spread(free, limits Resources) float64 {
	return memoryCounts*part(free.MemoryMiB, limits.MemoryMiB) + vcpusCount*part(free.VCPUs, limits.VCPUs) +
		diskCounts*part(free.DiskGiB, limits.DiskGiB)
}

// Pack prefers the host of which the smallest part is free, so that others stay empty.
func Pack(free, limits Resources) float64 { return -Spread(free, limits) }

func part(free, limit int) float64 {
	if limit <= 0 {
		return 0
	}
	return float64(free) / float64(limit)
}
