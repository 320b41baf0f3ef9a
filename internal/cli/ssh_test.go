package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	for name, public := range map[string]string{"id_ed25519": "ssh-ed25519 AAAA me@home", "demo_ed25519": "ssh-ed25519 BBBB demo", "web": "ssh-rsa CCCC"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".pub"), []byte(public+"\n"), 0o600))
	}
	t.Setenv("HOME", filepath.Join(dir, "nowhere"))
	files := (&session{keyDirs: []string{dir}}).privateKeys()
	require.Len(t, files, 3)
	for _, c := range []struct{ name, public, want string }{
		{"whatever", "ssh-ed25519 BBBB another comment", "demo_ed25519"},
		{"web", "ssh-rsa DDDD", "."}, // of the same name, but another key
		{"web", "", "web"},
		{"demo", "", "demo_ed25519"},
		{"nobody", "", "."},
	} {
		require.Equal(t, c.want, filepath.Base(keyFile(files, c.name, c.public)), "%v", c)
	}
}

func TestParsePorts(t *testing.T) {
	for text, want := range map[string][2]int{"": {0, 0}, "22": {22, 22}, "8000-8999": {8000, 8999}} {
		first, last, err := parsePorts(text)
		require.NoError(t, err)
		require.Equal(t, want, [2]int{first, last})
	}
	for _, bad := range []string{"x", "0", "70000", "9-8", "1-2-3", "-5"} {
		_, _, err := parsePorts(bad)
		require.Error(t, err, bad)
	}
}
