package dbtest

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// tries is how often Check tries a property, a quarter of rapid's own number: each try takes hundreds of statements.
const tries = "25"

// Check is rapid.Check for properties of what is in a database. -rapid.checks has it try more often.
func Check(t *testing.T, property func(r *rapid.T)) {
	t.Helper()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		require.NoError(t, checks.Value.Set(tries))
		t.Cleanup(func() { require.NoError(t, checks.Value.Set(checks.DefValue)) })
	}
	rapid.Check(t, property)
}
