package fault

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOfFindsTheFaultInAChain(t *testing.T) {
	inner := Missing("server", "1")
	err := fmt.Errorf("while looking: %w", inner)
	require.Same(t, inner, Of(err))
	require.True(t, Is(err, NotFound))
	require.False(t, Is(err, Conflict))
	require.False(t, Is(nil, Internal))
}

func TestOfTellsNothingOfUnknownErrors(t *testing.T) {
	secret := errors.New("password=hunter2")
	e := Of(secret)
	require.Equal(t, Internal, e.Class)
	require.NotContains(t, e.Message, "hunter2")
	require.ErrorIs(t, e, secret)
}
