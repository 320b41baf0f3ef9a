// Package file replaces files at once.
package file

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// Replace writes a file whole or not at all: whoever reads it, even after a power cut, finds the old content or the new. Its
// folder must be there.
func Replace(path string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing is there any more if all went well
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// ReplaceJSON replaces a file that its owner alone may read by a value, indented.
func ReplaceJSON(path string, content any) error {
	data, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return err
	}
	return Replace(path, append(data, '\n'), 0o600)
}
