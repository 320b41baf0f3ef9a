package db

import (
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// openPostgres opens two pools on one server: reads outside of transactions, and serializable transactions. bun writes
// values into the text of a query, so preparing it would cost a round trip and never be used again: without that a query
// needs one round trip. What is prepared (Read, Write, WriteEach) says so itself.
func openPostgres(url string) (read, write *bun.DB, err error) {
	base, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, nil, fmt.Errorf("parsing its URL: %w", err)
	}
	base.DefaultQueryExecMode = pgx.QueryExecModeExec
	open := func(setting, value string) *bun.DB {
		c := base.Copy()
		c.RuntimeParams = maps.Clone(base.RuntimeParams)
		c.RuntimeParams[setting] = value
		if c.RuntimeParams["application_name"] == "" {
			c.RuntimeParams["application_name"] = "aloft"
		}
		c.RuntimeParams["timezone"] = "UTC"
		pool := stdlib.OpenDB(*c)
		limitPool(pool, readers())
		return bun.NewDB(pool, pgdialect.New())
	}
	return open("default_transaction_read_only", "on"), open("default_transaction_isolation", "serializable"), nil
}
