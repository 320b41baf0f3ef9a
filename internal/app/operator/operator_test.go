package operator

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

func TestCredentialsKeepOtherEntriesAndStaySecret(t *testing.T) {
	c := Credentials{EtcDir: filepath.Join(t.TempDir(), "etc")}
	_, ok, err := c.Read(adminCloud)
	require.NoError(t, err)
	require.False(t, ok)
	admin := Cloud{Auth: CloudAuth{AuthURL: "https://h/identity/v3", Username: "admin", Password: "it's"}, RegionName: "RegionOne"}
	require.NoError(t, c.Write(adminCloud, admin))
	require.NoError(t, c.Write(demoName, Cloud{Auth: CloudAuth{Username: "demo"}}))
	read, ok, err := c.Read(adminCloud)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, admin, read)
	for _, name := range []string{"clouds.yaml", "openrc"} {
		info, err := os.Stat(filepath.Join(c.EtcDir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	// The shell reads back what was written, whatever is in the password.
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `. "$1" && printf %s "$OS_PASSWORD"`, "sh", filepath.Join(c.EtcDir, "openrc")).Output()
	require.NoError(t, err)
	require.Equal(t, "it's", string(out))
	require.NoError(t, os.WriteFile(c.File(), []byte("\tno yaml"), 0o600))
	_, _, err = c.Read(adminCloud)
	require.ErrorContains(t, err, "is not a clouds.yaml")
}

func TestOnlyOneDaemonAtATime(t *testing.T) {
	d := daemon{pidFile: filepath.Join(t.TempDir(), "run", "aloft.pid")}
	pid, _, err := d.running()
	require.NoError(t, err)
	require.Zero(t, pid)
	release, err := d.claim("v1")
	require.NoError(t, err)
	pid, version, err := d.running()
	require.NoError(t, err)
	require.Equal(t, os.Getpid(), pid)
	require.Equal(t, "v1", version)
	_, err = d.claim("v2")
	require.ErrorIs(t, err, errRunning)
	release()
	pid, _, err = d.running()
	require.NoError(t, err)
	require.Zero(t, pid, "a pid file that nobody holds speaks of nobody")
	require.NoError(t, d.stop(t.Context(), time.Second))
}

func TestStepsTellEachWithItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := newSteps(&out, false)
		require.NoError(t, s.do(t.Context(), "first", func(_ context.Context, note func(string, ...any)) error {
			note("half")
			note("%d done", 2)
			time.Sleep(1500 * time.Millisecond)
			return nil
		}))
		err := s.do(t.Context(), "second", func(context.Context, func(string, ...any)) error { return errors.New("no room") })
		require.EqualError(t, err, "second: no room")
		require.Regexp(t, `^  ✓ first +1\.5 s  2 done\n  ✗ second +0\.0 s  failed\n$`, out.String())
	})
}

func TestUntilTellsTheLastError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := until(t.Context(), 20*time.Millisecond, time.Millisecond, func(context.Context) error { return errors.New("not yet") })
		require.ErrorContains(t, err, "not yet")
		tries := 0
		require.NoError(t, until(t.Context(), time.Minute, time.Millisecond, func(context.Context) error {
			if tries++; tries < 3 {
				return errors.New("not yet")
			}
			return nil
		}))
	})
}

func TestSettingsOfTheCommandLineReachTheDaemon(t *testing.T) {
	cmd := &cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) error { return nil }}
	c := settings(cmd)
	cmd.Flags().Bool("demo", false, "")
	cmd.SetArgs([]string{"--listen", "127.0.0.1:9000", "--demo"})
	require.NoError(t, cmd.Execute())
	require.Equal(t, "https://127.0.0.1:9000", c.PublicURL)
	require.Equal(t, []string{"--listen=127.0.0.1:9000"}, given(cmd))
}

func TestPurgeAndKeepEnginesExcludeEachOther(t *testing.T) {
	d := Down{Purge: true, KeepEngines: true}
	require.ErrorContains(t, d.Run(t.Context()), "give one of the two")
}

func TestEmptyRemovesAllInAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700))
	require.NoError(t, empty(dir))
	require.NoDirExists(t, dir)
	require.NoError(t, empty(dir))
}
