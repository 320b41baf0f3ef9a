package file_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/file"
)

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	require.NoError(t, file.Replace(path, []byte("old"), 0o600))
	require.NoError(t, file.Replace(path, []byte("new"), 0o644))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o644), info.Mode())
	require.Error(t, file.ReplaceJSON(path, func() {}))
	require.Error(t, file.Replace(filepath.Join(dir, "missing", "a"), nil, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	require.Error(t, file.Replace(filepath.Join(dir, "folder"), nil, 0o600))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "new", string(data))
	require.NoError(t, file.ReplaceJSON(path, map[string]int{"a": 1}))
	data, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "{\n  \"a\": 1\n}\n", string(data))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 2, "what failed leaves nothing behind")
}
