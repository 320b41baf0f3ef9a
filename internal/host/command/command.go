// Package command runs the programs of a host that have no better interface: ovs-vsctl, ethtool, nft, systemctl.
package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
)

// Find finds a program, also in the directories that only root's PATH has.
func Find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("the program %s is not installed; run: make deps", program)
}

// Run runs a program to its end and returns what it printed. The error holds what it complained of; a program that ends
// with a code of its own gives an *exec.ExitError.
func Run(ctx context.Context, program string, args ...string) (string, error) {
	return Feed(ctx, nil, program, args...)
}

// Feed is Run with an input for the program.
func Feed(ctx context.Context, input io.Reader, program string, args ...string) (string, error) {
	path, err := Find(program)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = input, &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(out), nil
}

// Vsctl runs ovs-vsctl, which waits until the switch has done what it says.
func Vsctl(ctx context.Context, args ...string) (string, error) {
	return Run(ctx, "ovs-vsctl", append([]string{"--timeout=10"}, args...)...)
}
