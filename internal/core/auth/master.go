package auth

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// EnsureMasterKey reads the key that encrypts secrets in the database from a file, and makes both if there is none. All
// control nodes of an installation need the same file; without it, what it encrypted is lost.
func EnsureMasterKey(path string) ([]byte, error) {
	err := newMasterKey(path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("making the master key: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the master key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != KeySize {
		return nil, fault.New(fault.Invalid, "%s does not hold a master key, which is %d hexadecimal digits: restore it from a backup or from another control node", path, 2*KeySize)
	}
	return key, nil
}

// newMasterKey writes a new key beside the path and links it there, so that the file is never seen half written, and
// one that is there is never replaced.
func newMasterKey(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	key := make([]byte, KeySize)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	draft := path + "." + rand.Text()
	defer os.Remove(draft)
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(draft, path)
}
