package config

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// LogIn is what is asked of passwords and of those who log in. Zero is the service's own default.
type LogIn struct {
	LockoutAfter  int           // how many log-ins in a row may fail; negative: any number
	LockoutFor    time.Duration // how long a user is locked out then
	InactiveAfter time.Duration // bars users who have not logged in for so long
	Password      Password
}

// Password is what passwords must be like.
type Password struct {
	Patterns     []string // regular expressions, all of which must match
	Description  string   // says the same for people
	History      int      // how many in a row must differ
	MinimumAge   time.Duration
	ExpiresAfter time.Duration
	FirstUse     bool // what an administrator has set must be changed
}

func (l *LogIn) bind(flags *pflag.FlagSet) {
	flags.IntVar(&l.LockoutAfter, "lockout-after", l.LockoutAfter, "log-ins in a row that may fail before a user is locked out; negative for any number (default 30)")
	flags.DurationVar(&l.LockoutFor, "lockout-for", l.LockoutFor, "how long a user is locked out (default 5m)")
	flags.DurationVar(&l.InactiveAfter, "inactive-after", l.InactiveAfter, "bar users who have not logged in for so long (default never)")
	p := &l.Password
	flags.StringArrayVar(&p.Patterns, "password-pattern", p.Patterns, "regular expression that passwords must match; may be given several times (default none)")
	flags.StringVar(&p.Description, "password-description", p.Description, "what users are told of the patterns")
	flags.IntVar(&p.History, "password-history", p.History, "how many of a user's passwords in a row must differ (default any)")
	flags.DurationVar(&p.MinimumAge, "password-minimum-age", p.MinimumAge, "how long users must keep a new password (default not at all)")
	flags.DurationVar(&p.ExpiresAfter, "password-expires-after", p.ExpiresAfter, "how long users can keep a password (default for ever)")
	flags.BoolVar(&p.FirstUse, "password-first-use", p.FirstUse, "users must change a password that an administrator has set")
}

func (c *Config) checkLogIn() error {
	for flag, d := range map[string]time.Duration{
		"lockout-for": c.LogIn.LockoutFor, "inactive-after": c.LogIn.InactiveAfter,
		"password-minimum-age": c.LogIn.Password.MinimumAge, "password-expires-after": c.LogIn.Password.ExpiresAfter,
	} {
		if d < 0 {
			return fault.Invalidf(flag, "--%s must not be negative, but is %s", flag, d)
		}
	}
	p := c.LogIn.Password
	if p.History < 0 {
		return fault.Invalidf("password-history", "--password-history must not be negative, but is %d", p.History)
	}
	if p.ExpiresAfter > 0 && p.MinimumAge >= p.ExpiresAfter {
		return fault.Invalidf("password-minimum-age", "--password-minimum-age %s must be shorter than --password-expires-after %s", p.MinimumAge, p.ExpiresAfter)
	}
	return nil
}
