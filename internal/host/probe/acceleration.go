package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The accelerations that a host can have.
const (
	KVM = "kvm"
	TCG = "tcg" // QEMU's emulation, which works everywhere and is ten times slower
)

const (
	kvmNode     = "/dev/kvm"
	kvmDeadline = 2 * time.Second
	tcgDeadline = 20 * time.Second
)

// verdict is what was found, and for which boot of the host and state of its node it holds.
type verdict struct {
	BootID       string `json:"boot_id"`
	Node         bool   `json:"node"`
	Acceleration string `json:"acceleration"`
	Why          string `json:"why,omitempty"` // why not kvm
}

// Acceleration tells how guests run on this host: KVM if a test guest has run under it since the host booted, else TCG.
// The answer is remembered in the directory.
func Acceleration(ctx context.Context, dir string, log *slog.Logger) string {
	now := current()
	if v, err := recall(dir); err == nil && v.BootID == now.BootID && v.Node == now.Node && now.BootID != "" {
		return v.Acceleration
	}
	v := try(ctx)
	if ctx.Err() != nil {
		return v.Acceleration // interrupted: nothing was learned
	}
	if err := remember(dir, v); err != nil {
		log.Warn("acceleration could not be remembered", "error", err)
	}
	log.Info("acceleration found", "acceleration", v.Acceleration, "why", v.Why)
	return v.Acceleration
}

// try boots the test guest under KVM.
func try(ctx context.Context) verdict {
	v := current()
	v.Acceleration = TCG
	if !v.Node {
		v.Why = kvmNode + " is not there"
		return v
	}
	f, err := os.OpenFile(kvmNode, os.O_RDWR, 0)
	if err != nil {
		v.Why = err.Error()
		return v
	}
	f.Close()
	if err := bootGuest(ctx, KVM, "host", kvmDeadline); err != nil {
		v.Why = fmt.Sprintf("%s is there, but %s", kvmNode, err)
		return v
	}
	v.Acceleration = KVM
	return v
}

func current() verdict {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // without it nothing is remembered
	_, err := os.Stat(kvmNode)
	return verdict{BootID: strings.TrimSpace(string(id)), Node: err == nil}
}

func verdictFile(dir string) string { return filepath.Join(dir, "acceleration.json") }

func recall(dir string) (verdict, error) {
	var v verdict
	data, err := os.ReadFile(verdictFile(dir))
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(data, &v)
}

func remember(dir string, v verdict) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	part := verdictFile(dir) + ".new"
	return errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(part, data, 0o644), os.Rename(part, verdictFile(dir)))
}
