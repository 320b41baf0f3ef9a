package placement

import (
	"fmt"
	"testing"
)

// fleet is n hosts of two kinds, with room for some hundred small servers each, more or less used.
func fleet(n int) *Picture {
	p := New(Spread, nil)
	for i := range n {
		p.Put(host(fmt.Sprint("host-", i), func(h *Host) {
			h.Limits = Resources{1024, 512 << 10, 8000}
			h.Free = h.Limits.minus(Resources{i % 64, i % 64 * 2048, i % 64 * 20})
			h.Zone = [...]string{"east", "west"}[i%2]
		}))
	}
	return p
}

// BenchmarkPlace is the time that one server takes; a batch is 256 of them.
func BenchmarkPlace(b *testing.B) {
	for _, n := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint("hosts=", n), func(b *testing.B) {
			p := fleet(n)
			size := Resources{1, 512, 1}
			placed := make([]string, 0, 256)
			for b.Loop() {
				h, ok := p.Place(&Request{Size: size})
				if !ok {
					b.Fatal("no room")
				}
				if placed = append(placed, h.ID); len(placed) == cap(placed) { // else the fleet would fill up
					b.StopTimer()
					for _, id := range placed {
						p.Claim(id, Resources{-size.VCPUs, -size.MemoryMiB, -size.DiskGiB})
					}
					placed = placed[:0]
					b.StartTimer()
				}
			}
		})
	}
}

// BenchmarkPlaceApart places members of an anti-affinity group, whose hosts have been chosen already.
func BenchmarkPlaceApart(b *testing.B) {
	p := fleet(100_000)
	for b.Loop() {
		r := &Request{Size: Resources{1, 512, 1}, Group: &Group{Policy: AntiAffinity, Hosts: map[string]int{}}}
		for range 256 {
			if _, ok := p.Place(r); !ok {
				b.Fatal("no room")
			}
		}
		for id := range r.Group.Hosts {
			p.Claim(id, Resources{-1, -512, -1})
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/server")
}

// BenchmarkDraw is the time that a picture of 100,000 hosts takes.
func BenchmarkDraw(b *testing.B) {
	for b.Loop() {
		fleet(100_000)
	}
}

// BenchmarkExplain is the time that the explanation of one refusal takes.
func BenchmarkExplain(b *testing.B) {
	p := fleet(100_000)
	for b.Loop() {
		p.Explain(&Request{Size: Resources{1, 1 << 30, 1}})
	}
}
