// Package audit keeps who did what, from where, and how it ended: one record for each call that changes something, or
// tries to.
//
// A record is made after its call and waits in memory for the writer, which writes many in one transaction, so that a
// call pays no commit of its own. The price is the last moments before a crash: those calls are in the log of the
// process, where each is told as well, and not in the table. An orderly end writes everything.
package audit

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the table of records.
func Migrations() db.Migrations {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the name above is not a path
	}
	return db.Migrations{Name: "audit", FS: sub}
}

const (
	writeEvery = 250 * time.Millisecond // how long a record waits at most
	batch      = 500                    // records in one statement
	kept       = 365 * 24 * time.Hour
	pruneEvery = time.Hour
	maxText    = 1024 // characters of what a client chose itself
)

// Log takes records and writes them.
type Log struct {
	db  *db.DB
	log *slog.Logger

	wake chan struct{} // has something when a batch is full

	most     int           // records that may wait; then callers wait, too
	patience time.Duration // how long a caller waits for the writer

	mu      sync.Mutex
	pending []row
	room    chan struct{} // closed when there is room again; nil while there is

	writing sync.Mutex // held by who writes, so that Flush returns after what was taken before it
}

type row struct {
	bun.BaseModel   `bun:"table:audit_records,alias:a"`
	ID              string    `bun:"id,pk"`
	At              time.Time `bun:"at"`
	Action          string    `bun:"action"`
	Outcome         string    `bun:"outcome"`
	Status          int       `bun:"status"`
	Reason          string    `bun:"reason"`
	Method          string    `bun:"method"`
	Path            string    `bun:"path"`
	Address         string    `bun:"address"`
	Agent           string    `bun:"agent"`
	UserID          string    `bun:"user_id"`
	UserName        string    `bun:"user_name"`
	UserDomainID    string    `bun:"user_domain_id"`
	ProjectID       string    `bun:"project_id"`
	DomainID        string    `bun:"domain_id"`
	TokenID         string    `bun:"token_id"`
	RequestID       string    `bun:"request_id"`
	GlobalRequestID string    `bun:"global_request_id"`
}

// New returns the log. Run writes what it takes.
func New(d *db.DB, log *slog.Logger) *Log {
	return &Log{db: d, log: log, wake: make(chan struct{}, 1), most: 20_000, patience: 2 * time.Second}
}

// Add takes the record of a call. It waits only where the writer is far behind, and then not for long.
func (l *Log) Add(ctx context.Context, c rest.Call) {
	id, err := uuid.NewV7()
	if err != nil {
		l.log.ErrorContext(ctx, "a call is missing in the audit", "request", c.Request, "error", err)
		return
	}
	if !l.append(rowOf(id.String(), c)) {
		l.log.ErrorContext(ctx, "a call is missing in the audit, whose writer is too far behind", "request", c.Request, "action", c.Action)
	}
}

func (l *Log) append(r row) bool {
	timer := time.NewTimer(l.patience)
	defer timer.Stop()
	for {
		l.mu.Lock()
		if len(l.pending) < l.most {
			l.pending = append(l.pending, r)
			full := len(l.pending) >= batch
			l.mu.Unlock()
			if full {
				l.hurry()
			}
			return true
		}
		if l.room == nil {
			l.room = make(chan struct{})
		}
		room := l.room
		l.mu.Unlock()
		l.hurry()
		select {
		case <-room:
		case <-timer.C:
			return false
		}
	}
}

func (l *Log) hurry() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func rowOf(id string, c rest.Call) row {
	r := row{
		ID: id, At: c.At.UTC().Truncate(time.Microsecond), Action: c.Action, Outcome: outcome(c.Status), Status: c.Status,
		Reason: clean(c.Reason), Method: c.Method, Path: clean(c.Path), Address: c.From, Agent: clean(c.Agent),
		RequestID: c.Request, GlobalRequestID: c.GlobalRequest,
	}
	if who := c.Caller; who != nil {
		r.UserID, r.UserName, r.UserDomainID = who.UserID, who.UserName, who.UserDomainID
		r.ProjectID, r.DomainID = who.ProjectID, who.DomainID
		if len(who.AuditIDs) > 0 {
			r.TokenID = who.AuditIDs[0]
		}
	}
	return r
}

// outcome sorts a status: what the client should not have asked is refused, what Aloft could not do failed.
func outcome(status int) string {
	switch {
	case status == 0:
		return "abandoned"
	case status < 400:
		return "success"
	case status < 500:
		return "refused"
	}
	return "failure"
}

// clean cuts what a client chose itself to what every engine stores.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "�")
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

// Run writes records until ctx ends, and the last ones then. It removes those that are too old.
func (l *Log) Run(ctx context.Context) error {
	write, prune := time.NewTicker(writeEvery), time.NewTicker(pruneEvery)
	defer write.Stop()
	defer prune.Stop()
	for {
		select {
		case <-write.C:
		case <-l.wake:
		case <-prune.C:
			if err := l.prune(ctx); err != nil && ctx.Err() == nil {
				l.log.WarnContext(ctx, "old audit records are removed later", "error", err)
			}
		case <-ctx.Done():
			return l.Flush(context.WithoutCancel(ctx))
		}
		if err := l.Flush(ctx); err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "audit records wait for the database", "error", err)
		}
	}
}

// Flush writes all that was added before it. What could not be written stays for the next time.
func (l *Log) Flush(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	rows := l.pending
	l.mu.Unlock()
	for some := range slices.Chunk(rows, batch) {
		err := l.db.Tx(ctx, func(ctx context.Context) error {
			_, err := l.db.Q(ctx).NewInsert().Model(&some).On("CONFLICT (id) DO NOTHING").Exec(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("writing audit records: %w", err)
		}
		l.forget(len(some))
	}
	return nil
}

// forget drops the oldest records, which are written, and lets those in who wait for room.
func (l *Log) forget(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = slices.Clone(l.pending[n:])
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
}

func (l *Log) prune(ctx context.Context) error {
	return l.db.Tx(ctx, func(ctx context.Context) error {
		_, err := l.db.Q(ctx).NewDelete().Model((*row)(nil)).Where("at < ?", time.Now().UTC().Add(-kept)).Exec(ctx)
		return err
	})
}

// filter chooses records.
type filter struct {
	user, project, action, outcome, request string
	times                                   []query.Bound
}

// list reads records, the newest first unless the page says otherwise.
func (l *Log) list(ctx context.Context, f filter, page query.Page) ([]row, error) {
	var rows []row
	q := l.db.Select(ctx, db.Everywhere(), &rows)
	for column, value := range map[string]string{"user_id": f.user, "project_id": f.project, "outcome": f.outcome, "request_id": f.request} {
		if value != "" {
			q = q.Where("?TableAlias.? = ?", bun.Ident(column), value)
		}
	}
	if family, ok := strings.CutSuffix(f.action, "*"); ok {
		q = q.Where("?TableAlias.action >= ? AND ?TableAlias.action < ?", family, family+"\U0010ffff")
	} else if f.action != "" {
		q = q.Where("?TableAlias.action = ?", f.action)
	}
	for _, b := range f.times {
		q = b.Apply(q, "at")
	}
	q, err := page.Apply(q, "audit_records", map[string]string{"at": "at", "action": "action", "user_id": "user_id", "project_id": "project_id", "status": "status"})
	if err != nil {
		return nil, err
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing audit records: %w", err)
	}
	if len(rows) == 0 {
		return nil, page.CheckMarker(ctx, l.db.Q(ctx), "audit_records")
	}
	return rows, nil
}
