package libvirt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
)

// readConsole returns the newest hypervisor.ConsoleBytes of a console's log, over the files that virtlogd has rotated.
func readConsole(dir, id string) ([]byte, error) {
	files, err := consoleFiles(dir, id)
	if err != nil {
		return nil, err
	}
	var text []byte
	for i := len(files) - 1; i >= 0 && len(text) < hypervisor.ConsoleBytes; i-- {
		part, err := readEnd(files[i], int64(hypervisor.ConsoleBytes-len(text)))
		if err != nil {
			return nil, fmt.Errorf("reading the console log: %w", err)
		}
		text = append(part, text...)
	}
	return text, nil
}

// readEnd returns the last bytes of a file; nothing if there is no file.
func readEnd(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-most), most))
}

// removeConsole removes a console's log.
func removeConsole(dir, id string) error {
	files, err := consoleFiles(dir, id)
	if err != nil {
		return err
	}
	for _, path := range files {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the console log: %w", err)
		}
	}
	return nil
}

// consoleFiles returns the files of a console's log, oldest first.
func consoleFiles(dir, id string) ([]string, error) {
	current := consoleLog(dir, id)
	rotated, err := filepath.Glob(current + ".*")
	if err != nil {
		return nil, fmt.Errorf("looking for rotated console logs: %w", err)
	}
	age := func(path string) int {
		n, _ := strconv.Atoi(strings.TrimPrefix(path, current+".")) // what isn't a number is as young as .0
		return n
	}
	slices.SortFunc(rotated, func(a, b string) int { return age(b) - age(a) })
	return append(rotated, current), nil
}
