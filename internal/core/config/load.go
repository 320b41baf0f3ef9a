package config

import (
	"github.com/spf13/pflag"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Load is how much the API takes upon itself. Zero is the API's own default.
type Load struct {
	Working    int // requests that are worked on at a time
	Waiting    int // requests that wait for it
	Share      int // requests of one client that wait for it
	ClientRate int // requests a second of one client
}

func (l *Load) bind(flags *pflag.FlagSet) {
	flags.IntVar(&l.Working, "max-working", l.Working, "API requests that are worked on at a time (default 256)")
	flags.IntVar(&l.Waiting, "max-waiting", l.Waiting, "API requests that may wait for it; over that the answer is 503 (default 25000)")
	flags.IntVar(&l.Share, "max-waiting-of-client", l.Share, "API requests that may wait of one user, or of one address without a token; over that the answer is 429 (default nine tenths of --max-waiting)")
	flags.IntVar(&l.ClientRate, "client-rate", l.ClientRate, "API requests a second of one user, or of one address without a token, and ten times as many at once; over that the answer is 429 (default any number)")
}

func (c *Config) checkLoad() error {
	for flag, n := range map[string]int{
		"max-working": c.Load.Working, "max-waiting": c.Load.Waiting, "max-waiting-of-client": c.Load.Share, "client-rate": c.Load.ClientRate,
	} {
		if n < 0 {
			return fault.Invalidf(flag, "--%s must not be negative, but is %d; 0 is the default", flag, n)
		}
	}
	return nil
}
