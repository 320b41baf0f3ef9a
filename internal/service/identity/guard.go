package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rate"
)

// Guard is what is asked of passwords and of those who log in. The zero Guard has loose bounds.
type Guard struct {
	Password PasswordRules
	// LockoutAfter is how many log-ins in a row may fail until the user can't log in for LockoutFor. 0: 30, and five
	// minutes; negative: any number.
	LockoutAfter int
	LockoutFor   time.Duration
	// InactiveAfter bars users who have not logged in for so long; 0: never.
	InactiveAfter time.Duration
	// AddressRate and UserRate bound the log-ins by a password, passcode or secret from one address and of one user, right
	// or wrong; UserRate the wrong signatures for one EC2 key, too. 0: 50 and 20 a second, and ten times as many at once.
	AddressRate, UserRate int
	// PasscodeWindow is how many passcodes before the present one are good (RFC 6238, 5.2); 0: one; negative: none.
	PasscodeWindow int
}

// PasswordRules are what passwords must be like.
type PasswordRules struct {
	// Patterns are regular expressions in RE2's syntax; a password must match them all. Description says the same for
	// people, and is needed with them.
	Patterns    []string
	Description string
	// History is how many of a user's passwords in a row must differ, the new one included; 0 and 1: none.
	History int
	// MinimumAge is how long users must keep a password; ExpiresAfter how long they can. 0: no bound.
	MinimumAge, ExpiresAfter time.Duration
	// ChangeUponFirstUse makes a password that an administrator has set good for nothing but to change it.
	ChangeUponFirstUse bool
}

func (g Guard) withDefaults() Guard {
	for _, d := range []struct{ value, usual *int }{
		{&g.LockoutAfter, ptr(30)}, {&g.AddressRate, ptr(50)}, {&g.UserRate, ptr(20)}, {&g.PasscodeWindow, ptr(1)},
	} {
		if *d.value == 0 {
			*d.value = *d.usual
		}
	}
	if g.LockoutFor == 0 {
		g.LockoutFor = 5 * time.Minute
	}
	return g
}

func ptr[T any](v T) *T { return &v }

// guard is the Guard at work.
type guard struct {
	Guard
	patterns         []*regexp.Regexp
	addresses, users *rate.Limiter
}

func newGuard(g Guard) (*guard, error) {
	g = g.withDefaults()
	if len(g.Password.Patterns) > 0 && g.Password.Description == "" {
		return nil, fault.Invalidf("password description", "password patterns need a description, which users are shown")
	}
	out := &guard{Guard: g, addresses: rate.NewLimiter(g.AddressRate), users: rate.NewLimiter(g.UserRate)}
	for _, p := range g.Password.Patterns {
		re, err := regexp.Compile(p)
		if err != nil {
			return nil, fault.Invalidf("password patterns", "the password pattern %q can't be used: %s", p, err)
		}
		out.patterns = append(out.patterns, re)
	}
	return out, nil
}

// admit refuses guesses at secrets that come too fast from one address, or at those of one user. Who shows nothing that
// can be guessed is not counted: a token is exchanged for another as often as one likes.
func (g *guard) admit(address string, whose []string, now time.Time) error {
	if len(whose) == 0 {
		return nil
	}
	wait := g.addresses.Take(address, now)
	for _, who := range whose {
		wait = max(wait, g.users.Take(who, now))
	}
	return tooFast(wait)
}

func tooFast(wait time.Duration) error {
	if wait == 0 {
		return nil
	}
	return &fault.Error{
		Class: fault.RateLimited, RetryAfter: max(wait, time.Second),
		Message: "Too many log-ins from this address or for this user; wait as long as Retry-After says.",
	}
}

// digest is a name for somebody who may not exist, of a bounded length.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (r UserRef) digest() string { return digest(r.ID, r.Name, r.Domain.ID, r.Domain.Name) }

// attempt is one log-in while it is checked.
type attempt struct {
	who      string // whose failures are counted
	failures int    // before this attempt
}

// judge lets a proof by something that can be guessed count: u is the user, or zero if there is none. A user who is
// locked out is refused like one whose proof is wrong, however right it is.
func (s *Service) judge(ctx context.Context, at *attempt, ref UserRef, u User, right bool) error {
	g := s.guard
	if g.LockoutAfter < 0 || yes(u.Options.IgnoreLockoutFailureAttempts) {
		if !right {
			return errLogIn()
		}
		return nil
	}
	who := u.ID
	if who == "" {
		who = ref.digest()
	}
	now := s.time()
	n, last, err := s.store.Guards.Failures(ctx, who)
	if err != nil {
		return err
	}
	at.who, at.failures = who, n
	locked := n >= g.LockoutAfter && now.Before(last.Add(g.LockoutFor))
	if right && !locked {
		return nil
	}
	if !locked {
		err = s.db.Tx(ctx, func(ctx context.Context) error {
			return s.store.Guards.AddFailure(ctx, who, now, now.Add(-g.LockoutFor))
		})
		if n+1 >= g.LockoutAfter {
			s.log.Warn("a user is locked out after failed log-ins", "user", u.ID, "failures", n+1, "for", g.LockoutFor)
		}
	}
	if err != nil {
		return err
	}
	return errLogIn()
}

// succeeded forgets earlier failures and notes that the user is there.
func (s *Service) succeeded(ctx context.Context, at *attempt, u User) error {
	now := s.time()
	if at.failures == 0 && (s.guard.InactiveAfter == 0 || now.Sub(u.LastActiveAt) < 24*time.Hour) {
		return nil
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if at.failures > 0 {
			if err := s.store.Guards.ClearFailures(ctx, at.who); err != nil {
				return err
			}
		}
		return s.store.Guards.SetActive(ctx, u.ID, now)
	})
}

// inactive tells whether a user has been away for too long.
func (s *Service) inactive(u User) bool {
	if s.guard.InactiveAfter == 0 || yes(u.Options.IgnoreUserInactivity) {
		return false
	}
	last := u.LastActiveAt
	if last.IsZero() {
		last = u.CreatedAt
	}
	return s.time().Sub(last) > s.guard.InactiveAfter
}
