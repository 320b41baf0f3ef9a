package identity

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Config is what the installation decides.
type Config struct {
	Region    string
	Catalog   []Endpoint
	MasterKey []byte        // auth.KeySize bytes; encrypts the token keys in the database; the same on all control nodes
	TokenLife time.Duration // 0: one hour; at most maxTokenLife
	KeyAge    time.Duration // how long a token key seals before the next does; 0: one day
	Guard     Guard         // what is asked of passwords and of those who log in
	// LimitModel is how the limits of projects and domains have to do with one another; empty: LimitsFlat.
	LimitModel LimitModel
	Now        func() time.Time // nil: time.Now
	HashCost   HashCost         // of passwords; zero: that of RFC 9106. Only tests, where nothing is secret, take less
}

// maxTokenLife bounds TokenLife, whatever its value was earlier: keys and revocations are kept for so long.
const maxTokenLife = 24 * time.Hour

// Service is the identity service.
type Service struct {
	cfg       Config
	db        Tx
	store     Stores
	events    Events
	log       *slog.Logger
	now       func() time.Time
	keys      *keyring
	revoked   *auth.Revocations
	hasher    *hasher
	guard     *guard
	installed installed
	book      *catalogBook
}

// New returns the service. Call Load before the first log-in, and Run for as long as it is used.
func New(cfg Config, tx Tx, stores Stores, events Events, log *slog.Logger) (*Service, error) {
	if cfg.TokenLife == 0 {
		cfg.TokenLife = time.Hour
	}
	if cfg.KeyAge == 0 {
		cfg.KeyAge = 24 * time.Hour
	}
	if cfg.TokenLife < 0 || cfg.TokenLife > maxTokenLife {
		return nil, fault.Invalidf("token life", "tokens can live for up to %s, not %s", maxTokenLife, cfg.TokenLife)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.LimitModel == "" {
		cfg.LimitModel = LimitsFlat
	}
	if cfg.LimitModel != LimitsFlat && cfg.LimitModel != LimitsStrictTwoLevel {
		return nil, fault.Invalidf("limit model", "%q is no model of limits: it is %s or %s", cfg.LimitModel, LimitsFlat, LimitsStrictTwoLevel)
	}
	if cfg.HashCost == (HashCost{}) {
		cfg.HashCost = usualCost()
	}
	keys, err := newKeyring(cfg.MasterKey, stores.Tokens)
	if err != nil {
		return nil, err
	}
	guard, err := newGuard(cfg.Guard)
	if err != nil {
		return nil, err
	}
	own := buildCatalog(cfg.Catalog, cfg.Region)
	return &Service{
		cfg: cfg, guard: guard, db: tx, store: stores, events: events, log: log, now: cfg.Now,
		keys: keys, revoked: &auth.Revocations{}, hasher: newHasher(cfg.HashCost), installed: own, book: newCatalogBook(own),
	}, nil
}

// time is the present as the database and tokens keep it.
func (s *Service) time() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// newID returns a new id: 32 hexadecimal digits.
func newID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails (its documentation)
	return hex.EncodeToString(id)
}

// tell adds the event of a change, in the transaction of the change.
func (s *Service) tell(ctx context.Context, object, verb, id, projectID string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encoding the event of %s %s: %w", object, id, err)
	}
	return s.events.Add(ctx, event.Event{
		At: s.time(), Type: "identity." + object + "." + verb, Object: object, ObjectID: id, ProjectID: projectID, Data: raw,
	})
}

// about is the data of most events. It never holds a secret.
type about struct {
	Name     string `json:"name,omitempty"`
	DomainID string `json:"domain_id,omitempty"`
	By       string `json:"by,omitempty"` // the user who did it
}

// by is the user who acts in a context; empty for Aloft itself.
func by(ctx context.Context) string {
	if c := auth.From(ctx); c != nil {
		return c.UserID
	}
	return ""
}

// checkName refuses names that nobody could type or tell apart.
func checkName(field, name string, most int) error {
	if strings.TrimSpace(name) == "" {
		return fault.Invalidf(field, "Invalid input: %s must have a character that is not a space", field)
	}
	if n := utf8.RuneCountInString(name); n > most {
		return fault.Invalidf(field, "Invalid input: %s has %d characters and may have at most %d", field, n, most)
	}
	return nil
}

// The longest names, in characters, as Keystone's schemas have them.
const (
	maxProjectName = 64
	maxName        = 255
)

// set replaces a value where the change gives one.
func set[T any](value, change *T) {
	if change != nil {
		*value = *change
	}
}
