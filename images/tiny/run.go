package tiny

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// tools are the programs the builder runs on the host, and the Debian packages that have them. Everything else it runs
// comes out of packages that it downloads itself.
func tools() map[string]string {
	return map[string]string{
		"apt-get": "apt", "apt-cache": "apt", "dpkg-deb": "dpkg",
		"mke2fs": "e2fsprogs", "debugfs": "e2fsprogs", "e2fsck": "e2fsprogs", "qemu-img": "qemu-utils",
	}
}

func requireTools(goCommand string) error {
	for tool, pkg := range tools() {
		if _, err := exec.LookPath(toolPath(tool)); err != nil {
			return fault.Wrap(fault.Unavailable, err, "building the tiny image needs the program %s: install the Debian package %s", tool, pkg)
		}
	}
	if _, err := exec.LookPath(goCommand); err != nil {
		return fault.Wrap(fault.Unavailable, err, "building the tiny image needs the Go toolchain, which compiles the guest's init program: install Go 1.26 and put go in PATH")
	}
	return nil
}

// toolPath finds the system administrator's programs for users who do not have them in PATH.
func toolPath(tool string) string {
	if _, err := exec.LookPath(tool); err != nil {
		for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
			if _, err := os.Stat(dir + tool); err == nil {
				return dir + tool
			}
		}
	}
	return tool
}

// output runs a program with additional environment and returns what it printed; an error has what it printed on
// standard error.
func output(ctx context.Context, env []string, dir, name string, args ...string) (stdout, stderr []byte, err error) {
	cmd := exec.CommandContext(ctx, toolPath(name), args...)
	var out, errOut bytes.Buffer
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, lastLines(out.String()+errOut.String()))
	}
	return out.Bytes(), errOut.Bytes(), nil
}

func run(ctx context.Context, env []string, name string, args ...string) error {
	_, _, err := output(ctx, env, "", name, args...)
	return err
}

// lastLines is the end of what a program printed, for an error.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "; ")
}
