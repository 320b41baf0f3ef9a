package command

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	out, err := Feed(t.Context(), strings.NewReader("fed"), "sh", "-c", "cat; echo no >&2")
	require.NoError(t, err)
	require.Equal(t, "fed", out)

	_, err = Run(t.Context(), "sh", "-c", "echo because >&2; exit 3")
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 3, exit.ExitCode())
	require.ErrorContains(t, err, "because")

	_, err = Run(t.Context(), "aloft-has-no-such-program")
	require.ErrorContains(t, err, "make deps")
}
