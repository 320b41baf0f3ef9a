package rest

import (
	"runtime"
	"sync"
)

// alone is how many items of a list are too few to be shared.
const alone = 64

// InParts calls fn with parts of 0 … n, on all processors at once where that is worth it. It is for long lists: their
// items are made and encoded one by one, and the client waits for the last.
func InParts(n int, fn func(from, to int)) {
	parts := min(runtime.GOMAXPROCS(0), n/alone)
	if parts < 2 {
		fn(0, n)
		return
	}
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() { fn(n*i/parts, n*(i+1)/parts) })
	}
	all.Wait()
}
