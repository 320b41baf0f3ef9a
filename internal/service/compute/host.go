package compute

import (
	"time"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Host is a machine that runs servers, as it says of itself, with what is claimed on it.
type Host struct {
	protocol.Host
	Number         int64 // for versions of the API in which hosts have numbers
	Zone           string
	Disabled       bool // no new server is placed on it
	DisabledReason string
	Maintenance    bool      // likewise, as someone is at work on it
	Used           Resources // the sum of the sizes of the servers that are placed on it
	Servers        int       // how many these are
	Revision       int64
	CreatedAt      time.Time
	SeenAt         time.Time // of the last sign of life
}

// Up tells whether the host was heard of lately.
func (h *Host) Up(now time.Time, timeout time.Duration) bool { return now.Sub(h.SeenAt) <= timeout }

// Lost tells whether the host must be taken for gone: it is down, and since was long enough ago for it to call. since
// is when this control node began to listen.
func (h *Host) Lost(now, since time.Time, timeout time.Duration) bool {
	return !h.Up(now, timeout) && now.Sub(since) > timeout
}

// limits are the most that may be claimed on the host.
func (h *Host) limits(t Tuning) Resources {
	return Resources{
		VCPUs:     int(float64(h.Capacity.VCPUs) * t.CPURatio),
		MemoryMiB: int(float64(max(h.Capacity.MemoryMiB-t.ReservedMemoryMiB, 0)) * t.MemoryRatio),
		DiskGiB:   int(float64(h.Capacity.DiskGiB) * t.DiskRatio),
	}
}
