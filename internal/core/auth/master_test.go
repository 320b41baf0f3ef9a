package auth

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

func TestMasterKeyIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	var wg sync.WaitGroup
	keys := make([][]byte, 8)
	for i := range keys {
		wg.Go(func() { keys[i], _ = EnsureMasterKey(path) })
	}
	wg.Wait()
	for _, key := range keys {
		require.Len(t, key, KeySize)
		require.Equal(t, keys[0], key)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1)

	require.NoError(t, os.WriteFile(path, []byte("garbage"), 0o600))
	_, err = EnsureMasterKey(path)
	require.True(t, fault.Is(err, fault.Invalid), "%v", err)
	_, err = EnsureMasterKey(filepath.Join(path, "x"))
	require.Error(t, err)
}
