package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"

	"github.com/aloft-cloud/aloft/internal/core/file"
)

// before is how things were before Aloft changed them. It outlives reboots, as some of the changes do.
type before struct {
	// Maps holds what keys of the engines' own settings were, by column; nil means that there was no such key.
	Maps map[string]map[string]*string `json:"maps,omitempty"`
	// Bridges were not there.
	Bridges []string `json:"bridges,omitempty"`
	// Ports were not in their bridges.
	Ports []string `json:"ports,omitempty"`
	// Tunnel is the address that the tunnels' device had before its bridge took it over.
	Tunnel *deviceAddress `json:"tunnel,omitempty"`
	// SouthTLS and SwitchTLS say that OVN's southbound database and Open vSwitch had no certificates.
	SouthTLS  bool `json:"south_tls,omitempty"`
	SwitchTLS bool `json:"switch_tls,omitempty"`
	// Address was not on the outside bridge; AddressOn is that bridge.
	Address   string `json:"address,omitempty"`
	AddressOn string `json:"address_on,omitempty"`
	// Forward is what net.ipv4.ip_forward was; empty means that it was not changed.
	Forward string `json:"forward,omitempty"`
	// KVM is who could use /dev/kvm; nil means that it was not changed.
	KVM *access `json:"kvm,omitempty"`
}

// deviceAddress is an address with its prefix length, such as 10.0.0.2/24.
type deviceAddress struct {
	Device  string `json:"device"`
	Address string `json:"address"`
}

// journal keeps what was before on disk. A change is written there before it is made.
type journal struct{ path string }

func (j journal) read() (before, error) {
	var b before
	err := readJSON(j.path, &b)
	return b, err
}

// change notes something in the journal; when it returns nil, the note is on the disk.
func (j journal) change(note func(*before)) error {
	b, err := j.read()
	if err != nil {
		return err
	}
	note(&b)
	return file.ReplaceJSON(j.path, b)
}

func (j journal) forget() error { return remove(j.path) }

// units are those of systemd that were not active before Aloft started them. Like the units, the list goes with a reboot.
type units struct{ path string }

func (u units) read() ([]string, error) {
	var names []string
	err := readJSON(u.path, &names)
	return names, err
}

func (u units) add(names ...string) error {
	all, err := u.read()
	if err != nil {
		return err
	}
	all = append(all, names...)
	slices.Sort(all)
	return file.ReplaceJSON(u.path, slices.Compact(all))
}

func (u units) has(name string) bool {
	all, err := u.read()
	return err == nil && slices.Contains(all, name)
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// access is who may use a file.
type access struct {
	Mode     fs.FileMode `json:"mode"`
	UID, GID int
}

func nodeAccess(info fs.FileInfo) access {
	a := access{Mode: info.Mode().Perm()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		a.UID, a.GID = int(st.Uid), int(st.Gid)
	}
	return a
}

func (a access) apply(path string) error {
	return errors.Join(os.Chown(path, a.UID, a.GID), os.Chmod(path, a.Mode))
}

func groupID(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}
