package settings_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/host/settings"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

func TestWhatWasHeardOutlivesTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "host")
	s, err := settings.Open(dir)
	require.NoError(t, err)
	require.Equal(t, protocol.Settings{}, s.Get())
	network := &protocol.HostNetwork{Generation: 1, BridgeMappings: []protocol.BridgeMapping{}}
	heard := protocol.Settings{DNSForwarders: []string{"9.9.9.9"}, Network: network}
	require.NoError(t, s.Take(heard))
	again, err := settings.Open(dir)
	require.NoError(t, err)
	require.Equal(t, heard, again.Get())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing but the file")

	require.NoError(t, s.Take(protocol.Settings{}))
	again, err = settings.Open(dir)
	require.NoError(t, err)
	require.Equal(t, protocol.Settings{Network: network}, again.Get(), "only a word about it changes the network")
}

func TestWhatCannotBeKeptIsNotHeard(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "host")
	s, err := settings.Open(dir)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(dir, nil, 0o600)) // a file where the folder should be
	require.Error(t, s.Take(protocol.Settings{DNSForwarders: []string{"9.9.9.9"}}))
	require.Equal(t, protocol.Settings{}, s.Get(), "it would be forgotten by a restart")

	require.NoError(t, os.Remove(dir))
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "settings.json"), []byte("{"), 0o600))
	_, err = settings.Open(dir)
	require.ErrorContains(t, err, "reading the settings of this host")
}
