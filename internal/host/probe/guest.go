package probe

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/aloft-cloud/aloft/internal/host/command"
)

// guestCode is guest.asm, assembled.
//
//go:embed guest.bin
var guestCode []byte

const (
	romSize = 64 << 10
	// guestDone is QEMU's exit code when the guest writes 0x2a to isa-debug-exit, which shifts it and sets bit 0.
	guestDone = 0x2a<<1 | 1
)

// rom is the firmware with the guest: its code at the beginning, and a far jump to it where a processor starts.
func rom() []byte {
	image := make([]byte, romSize)
	copy(image, guestCode)
	copy(image[romSize-16:], []byte{0xea, 0x00, 0x00, 0x00, 0xf0}) // ljmp $0xf000,$0
	return image
}

// bootGuest boots the guest with an acceleration and a processor; nil means that all it does works.
func bootGuest(ctx context.Context, accel, cpu string, deadline time.Duration) error {
	if runtime.GOARCH != "amd64" {
		return fmt.Errorf("there is no test guest for %s", runtime.GOARCH)
	}
	qemu, err := command.Find(qemuProgram())
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "aloft-probe-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	firmware := filepath.Join(dir, "guest.rom")
	if err := os.WriteFile(firmware, rom(), 0o600); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	cmd := exec.CommandContext(bounded, qemu, "-accel", accel, "-cpu", cpu, "-M", "q35", "-m", "16",
		"-display", "none", "-nodefaults", "-no-user-config", "-no-reboot",
		"-bios", firmware, "-device", "isa-debug-exit,iobase=0xf4,iosize=4")
	cmd.Dir = dir // for the core of a QEMU that aborts
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err = cmd.Run()
	exit, ended := errors.AsType[*exec.ExitError](err)
	switch {
	case bounded.Err() != nil && ctx.Err() == nil:
		return fmt.Errorf("a test guest hangs: it did not end within %s", deadline)
	case ctx.Err() != nil:
		return ctx.Err()
	case ended && exit.ExitCode() == guestDone:
		return nil
	case err == nil:
		return errors.New("a test guest switched itself off instead of finishing")
	case ended && exit.ExitCode() > 0 && said.Len() == 0:
		return fmt.Errorf("a test guest failed at step %d", exit.ExitCode()>>1)
	default:
		return fmt.Errorf("QEMU failed: %w: %s", err, firstLine(said.String()))
	}
}

// qemuProgram is the emulator for this host's architecture, by its name in Debian.
func qemuProgram() string {
	switch runtime.GOARCH {
	case "amd64":
		return "qemu-system-x86_64"
	case "arm64":
		return "qemu-system-aarch64"
	case "loong64":
		return "qemu-system-loongarch64"
	default:
		return "qemu-system-" + runtime.GOARCH
	}
}
