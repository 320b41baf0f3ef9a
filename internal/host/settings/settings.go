// Package settings keeps what an operator has set for this host through the API.
//
// The control plane states all of it with every Sync. The last statement is on disk, so that a host whose control plane is
// away starts with what it was told, and no earlier than it is there does anybody hear of it.
package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"sync"

	"github.com/aloft-cloud/aloft/internal/core/file"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

const fileName = "settings.json"

// Store is the settings of one host. It is safe for concurrent use.
type Store struct {
	dir string

	mu    sync.Mutex
	heard protocol.Settings
}

// Open reads what is in a folder, which need not be there.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir}
	raw, err := os.ReadFile(filepath.Join(dir, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &s.heard)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the settings of this host: %w", err)
	}
	return s, nil
}

// Get returns what was heard last; the zero value if nothing was.
func (s *Store) Get() protocol.Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard
}

// Take hears the settings. When it returns nil they are on disk. Where they do not say how the host is joined to networks,
// that stays: a database that was lost takes no network from a host.
func (s *Store) Take(heard protocol.Settings) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if heard.Network == nil {
		heard.Network = s.heard.Network
	}
	if reflect.DeepEqual(heard, s.heard) {
		return nil
	}
	if err := s.write(heard); err != nil {
		return err
	}
	s.heard = heard
	return nil
}

// write replaces the file at once: whoever reads it, also after a crash, finds the old settings or the new ones.
func (s *Store) write(heard protocol.Settings) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return file.ReplaceJSON(filepath.Join(s.dir, fileName), heard)
}
