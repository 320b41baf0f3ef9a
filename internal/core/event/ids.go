package event

import (
	"math/rand/v2"
	"sync"
	"time"
)

// An id is the milliseconds since idEpoch, and 12 bits that tell the events of one millisecond apart. So ids rise with
// time without asking the database for one, their order is an index by time, and they stay below 2^53, up to which
// JavaScript counts exactly, until the year 2089.
const idBits = 12

// idEpoch is 2020-01-01T00:00:00Z in Unix milliseconds.
const idEpoch = 1577836800000

// idAt is the lowest id of a time.
func idAt(t time.Time) int64 { return (t.UnixMilli() - idEpoch) << idBits }

// ids makes the ids of one process, rising strictly.
type ids struct {
	mu   sync.Mutex
	last int64
}

// next begins each millisecond at a random place, as other control nodes make ids too.
func (i *ids) next(now time.Time) int64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last = max(i.last+1, idAt(now)+rand.Int64N(1<<idBits))
	return i.last
}
