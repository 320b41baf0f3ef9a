package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// port looks whether the API's address is free, and who has it if not.
func port(ctx context.Context, o Options) []Finding {
	const name = "port"
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Listen)
	if err == nil {
		l.Close()
		return []Finding{{Name: name, Status: OK, Found: o.Listen + " is free"}}
	}
	if !errors.Is(err, unix.EADDRINUSE) {
		return []Finding{{name, Fail, err.Error(), "the API cannot be served there", "give an address of this host with --listen"}}
	}
	_, text, _ := net.SplitHostPort(o.Listen) // Listen took it
	number, _ := strconv.Atoi(text)
	who := holder(number)
	if filepath.Base(who.exe) == "aloft" {
		return []Finding{{Name: name, Status: OK, Found: fmt.Sprintf("%s is served by aloft, process %d", o.Listen, who.pid)}}
	}
	found := fmt.Sprintf("%s is taken", o.Listen)
	if who.pid != 0 {
		found = fmt.Sprintf("%s is taken by %s, process %d", o.Listen, who.exe, who.pid)
	}
	return []Finding{{name, Fail, found, "the API cannot be served there", "end that process, or give another address with --listen"}}
}

type process struct {
	pid int
	exe string
}

// holder finds the process that listens on a TCP port; zero if it can't be seen.
func holder(port int) process {
	sockets := map[string]bool{}
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // no IPv6
		}
		for line := range strings.Lines(string(data)) {
			if inode, ok := listens(line, port); ok {
				sockets["socket:["+inode+"]"] = true
			}
		}
	}
	files, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil || len(sockets) == 0 {
		return process{}
	}
	for _, file := range files {
		target, err := os.Readlink(file)
		if err != nil || !sockets[target] {
			continue
		}
		parts := strings.Split(file, "/")
		pid, _ := strconv.Atoi(parts[2]) // the pattern lets only digits through
		exe, _ := os.Readlink("/proc/" + parts[2] + "/exe")
		return process{pid, strings.TrimSuffix(exe, " (deleted)")}
	}
	return process{}
}

// listens reads a line of /proc/net/tcp: the socket's inode if it listens on the port.
func listens(line string, port int) (inode string, ok bool) {
	f := strings.Fields(line)
	if len(f) < 10 || f[3] != "0A" {
		return "", false
	}
	_, hex, _ := strings.Cut(f[1], ":")
	n, err := strconv.ParseUint(hex, 16, 16)
	return f[9], err == nil && int(n) == port
}
