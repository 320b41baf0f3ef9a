package namespace

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain runs in both roles: TestOutside drives inner runs of this binary, which come through Main.
func TestMain(m *testing.M) {
	if os.Getenv("ALOFT_TEST_INNER") != "" {
		Main(m)
	}
	os.Exit(m.Run())
}

// TestInner is what the inner run does; it leaves a mess on purpose.
func TestInner(t *testing.T) {
	how := os.Getenv("ALOFT_TEST_INNER")
	if how == "" {
		t.Skip("runs only inside, started by TestOutside")
	}
	Required(t)
	t.Log("private directory", os.Getenv(variable))
	links, err := os.ReadFile("/proc/self/net/dev")
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(string(links), "\n"), "lo is the only device:\n%s", links)
	require.NoError(t, os.WriteFile("/var/lib/aloft/mess", nil, 0o600))
	require.NoError(t, exec.Command("ip", "link", "add", "mess0", "type", "bridge").Run())
	duration := os.Getenv("ALOFT_TEST_SLEEP")
	for _, cmd := range [][]string{{"sleep", duration}, {"unshare", "-n", "-m", "sleep", duration}} {
		require.NoError(t, exec.Command("setsid", append([]string{"--fork"}, cmd...)...).Run())
	}
	require.NotEqual(t, "fail", how)
}

func TestOutside(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make namespaces")
	}
	duration := fmt.Sprintf("4242.%d", os.Getpid()) // tells this run's processes from another's
	for _, how := range []string{"pass", "fail"} {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestInner$", "-test.v")
		cmd.Env = append(os.Environ(), "ALOFT_TEST_INNER="+how, "ALOFT_TEST_SLEEP="+duration)
		out, err := cmd.CombinedOutput()
		require.Equal(t, how == "fail", err != nil, "%s", out)
		require.NotContains(t, string(out), "SKIP", "%s", out)

		private := regexp.MustCompile(`private directory (\S+)`).FindSubmatch(out)
		require.NotNil(t, private, "%s", out)
		require.NoDirExists(t, string(private[1]))
		require.NoFileExists(t, "/var/lib/aloft/mess")
		left, _ := exec.Command("pgrep", "-f", "^sleep "+regexp.QuoteMeta(duration)).Output()
		require.Empty(t, string(left))
	}
}
