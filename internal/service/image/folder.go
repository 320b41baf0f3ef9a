package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// folder is where the data is: a file an upload, with the suffix .part until it is whole and on the disk.
type folder struct{ path string }

const partSuffix = ".part"

func openFolder(path string) (folder, error) {
	return folder{path}, os.MkdirAll(path, 0o700)
}

func (f folder) file(upload string) string { return filepath.Join(f.path, upload) }

// create begins the file of an upload.
func (f folder) create(upload string) (*os.File, error) {
	return os.OpenFile(f.file(upload)+partSuffix, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// keep makes a written file last: its bytes and its name are on the disk when it returns. It closes the file.
func (f folder) keep(upload string, file *os.File) error {
	if err := file.Sync(); err != nil {
		return errors.Join(fmt.Errorf("syncing: %w", err), file.Close())
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	if err := os.Rename(f.file(upload)+partSuffix, f.file(upload)); err != nil {
		return err
	}
	dir, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// remove removes what there is of an upload.
func (f folder) remove(upload string) error {
	var errs []error
	for _, name := range []string{f.file(upload), f.file(upload) + partSuffix} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (f folder) open(upload string) (*os.File, error) { return os.Open(f.file(upload)) }

// uploads lists the uploads of which there is anything, whole tells whether all of it.
func (f folder) uploads() (whole map[string]bool, err error) {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return nil, err
	}
	whole = make(map[string]bool, len(entries))
	for _, e := range entries {
		name, part := strings.CutSuffix(e.Name(), partSuffix)
		whole[name] = whole[name] || !part
	}
	return whole, nil
}
