package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// The form of a password hash (RFC 9106, Argon2id).
const (
	hashThreads = 1
	hashSize    = 32
	saltSize    = 16
)

// HashCost is what it takes to make or check a password hash. A stored hash names its own cost, so this may be raised.
type HashCost struct {
	Passes, MemoryKiB uint32
}

// usualCost takes about 30 to 60 ms of one core.
func usualCost() HashCost { return HashCost{Passes: 4, MemoryKiB: 19 << 10} }

// maxPassword is how long a password may be, in bytes, as Keystone's default.
const maxPassword = 4096

// queuedPerSlot is how many log-ins may wait for each core, about five seconds of work.
const queuedPerSlot = 100

// hasher makes and checks password hashes. It works on as many at once as there are cores, so that a flood of log-ins
// waits instead of taking all memory, and refuses those that would wait too long.
type hasher struct {
	cost    cost // of new hashes, and of those that are not there
	slots   chan struct{}
	waiting atomic.Int64
}

func newHasher(c HashCost) *hasher {
	return &hasher{cost: cost{c.MemoryKiB, c.Passes, hashThreads}, slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// hash returns the password's hash in the PHC string format.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("reading random bytes: %w", err)
	}
	sum, err := h.derive(ctx, password, h.cost, salt, hashSize)
	if err != nil {
		return "", err
	}
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.cost.memory, h.cost.passes, h.cost.threads, text(salt), text(sum)), nil
}

// matches tells whether the password is the one of a hash. An empty hash, of a user who is not there or has no
// password, takes the same time as any other and matches nothing.
func (h *hasher) matches(ctx context.Context, encoded, password string) (bool, error) {
	c, salt, want := h.cost, make([]byte, saltSize), make([]byte, hashSize)
	if encoded != "" {
		var err error
		if c, salt, want, err = parseHash(encoded); err != nil {
			return false, err
		}
	}
	got, err := h.derive(ctx, password, c, salt, len(want))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && encoded != "", nil
}

type cost struct {
	memory, passes uint32
	threads        uint8
}

func parseHash(encoded string) (c cost, salt, sum []byte, err error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return c, nil, nil, fmt.Errorf("a stored password hash is not argon2id in six parts")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil {
		return c, nil, nil, fmt.Errorf("the cost of a stored password hash: %w", err)
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return c, nil, nil, fmt.Errorf("the salt of a stored password hash: %w", err)
	}
	if sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return c, nil, nil, fmt.Errorf("a stored password hash: %w", err)
	}
	return c, salt, sum, nil
}

func (h *hasher) derive(ctx context.Context, password string, c cost, salt []byte, size int) ([]byte, error) {
	if len(password) > maxPassword {
		return nil, fault.Invalidf("password", "the password is longer than %d bytes", maxPassword)
	}
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > int64(cap(h.slots)*queuedPerSlot) {
		busy := fault.New(fault.Unavailable, "too many log-ins are waiting; try again in a few seconds")
		busy.RetryAfter = 5 * time.Second
		return nil, busy
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.threads, uint32(size)), nil
}
