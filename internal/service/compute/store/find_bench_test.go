package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/store"
)

// BenchmarkFindServer shows one of 5,000 servers, in a context that may be cancelled, as those of requests may.
func BenchmarkFindServer(b *testing.B) {
	d := dbtest.SQLite(b, store.Migrations())
	s := store.New(d)
	servers := make([]compute.Server, 5000)
	for i := range servers {
		servers[i] = server(i)
		servers[i].ID = fmt.Sprintf("%08d-0000-4000-8000-000000000000", i)
	}
	if err := d.Tx(b.Context(), func(ctx context.Context) error { return s.InsertServers(ctx, servers) }); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := s.FindServer(b.Context(), db.InProject("p1"), servers[i%len(servers)].ID); err != nil {
			b.Fatal(err)
		}
	}
}
