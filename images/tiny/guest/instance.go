package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// instanceStore keeps on the root disk for which instance this disk was set up, so that a reboot repeats nothing and a
// copy of the disk that becomes another server starts anew. root is "/" but in tests.
type instanceStore struct{ root string }

const (
	stateDir     = "var/lib/aloft-tiny"
	instanceFile = stateDir + "/instance"
	userDataFile = stateDir + "/user-data"
	// loginUser is the user beside root who may log in with the key; its ids are those in the image's passwd.
	loginUser, loginUID = "aloft", 1000
)

// applied is what apply found.
type applied struct {
	changed  bool   // the disk belonged to another instance before
	userData []byte // the user data to run now: that of a new instance, once
}

// apply installs the keys and keeps the user data of a new instance. For the instance the disk belongs to already, it
// does nothing: what the owner changed since stays. The instance is written down first, so that user data runs at most
// once, even when it reboots the machine.
func (s instanceStore) apply(i instance) (applied, error) {
	last, err := s.last()
	if err != nil {
		return applied{}, err
	}
	if last == i.ID {
		return applied{}, nil
	}
	result := applied{changed: last != "", userData: i.UserData}
	if err := s.write(instanceFile, 0o644, i.ID+"\n"); err != nil {
		return applied{changed: result.changed}, err
	}
	keys := ""
	if len(i.Keys) > 0 {
		keys = strings.Join(i.Keys, "\n") + "\n"
	}
	return result, errors.Join(s.authorize("root", 0, keys), s.authorize("home/"+loginUser, loginUID, keys))
}

func (s instanceStore) last() (string, error) {
	text, err := os.ReadFile(filepath.Join(s.root, instanceFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(text)), err
}

// hostname is the name of the last boot.
func (s instanceStore) hostname() string {
	text, err := os.ReadFile(filepath.Join(s.root, "etc/hostname"))
	if err != nil {
		return "aloft-tiny"
	}
	return strings.TrimSpace(string(text))
}

// authorize replaces a user's keys.
func (s instanceStore) authorize(home string, uid int, keys string) error {
	file := filepath.Join(home, ".ssh/authorized_keys")
	if err := s.write(file, 0o600, keys); err != nil {
		return err
	}
	for _, path := range []string{file, filepath.Dir(file)} {
		if err := os.Lchown(filepath.Join(s.root, path), uid, uid); err != nil && os.Geteuid() == 0 {
			return err
		}
	}
	return os.Chmod(filepath.Join(s.root, filepath.Dir(file)), 0o700)
}

// write replaces a file in one step: a power cut leaves the old one or the new one.
func (s instanceStore) write(path string, mode os.FileMode, text string) error {
	full := filepath.Join(s.root, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(full+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(full+".new", full)
}

// runUserData runs user data that is a script; its output goes to the console and to /var/log/user-data.log.
func (m *machine) runUserData(data []byte) {
	script, kind, err := scriptOf(data)
	if err != nil || script == nil {
		switch {
		case err != nil:
			m.log.say("user-data", "not run: %v", err)
		case kind != "":
			m.log.say("user-data", "not run: it is %s; this image runs scripts (#!) only", kind)
		}
		return
	}
	store := instanceStore{root: "/"}
	if err := store.write(userDataFile, 0o700, string(script)); err != nil {
		m.log.say("user-data", "not run: %v", err)
		return
	}
	m.log.say("user-data", "running a script of %d bytes", len(script))
	if err := m.runLogged("/"+userDataFile, "/var/log/user-data.log"); err != nil {
		m.log.say("user-data", "failed: %v", err)
		return
	}
	m.log.say("user-data", "done")
}

// scriptOf returns user data that is a script, unpacked if it is gzipped; else nil and the kind of thing it is, which
// is empty for nothing.
func scriptOf(data []byte) (script []byte, kind string, err error) {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, "", err
		}
		if data, err = io.ReadAll(io.LimitReader(unpacked, 16*maxUserData)); err != nil {
			return nil, "", err
		}
	}
	if bytes.HasPrefix(data, []byte("#!")) {
		return data, "script", nil
	}
	first, _, _ := bytes.Cut(bytes.TrimSpace(data), []byte("\n"))
	if len(first) == 0 {
		return nil, "", nil
	}
	return nil, fmt.Sprintf("%.40q", first), nil
}

// runLogged runs a program and copies what it prints to a file and, line by line, to the console.
func (m *machine) runLogged(program, logFile string) error {
	file, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reader.Close()
	go func() {
		lines := bufio.NewReader(reader)
		for {
			line, err := lines.ReadString('\n')
			if line != "" {
				_, _ = io.WriteString(file, line) // a full disk must not stop the script
				m.log.say("user-data", "| %s", strings.TrimRight(line, "\r\n"))
			}
			if err != nil {
				return
			}
		}
	}()
	started, err := m.processes.start(command{argv: []string{program}, out: writer})
	writer.Close()
	if err != nil {
		return err
	}
	if status := <-started.done; status.ExitStatus() != 0 {
		return errors.New(describe(status))
	}
	return nil
}
