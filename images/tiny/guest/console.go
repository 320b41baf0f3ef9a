package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// console prints one line a finished step, with the time since the kernel started.
type console struct {
	mu  sync.Mutex
	out io.Writer
}

func newConsole(out io.Writer) *console { return &console{out: out} }

// say prints "[    2.310] aloft-tiny: step: text". The carriage return starts a line of its own on a terminal that some
// program left in raw mode.
func (c *console) say(step, format string, args ...any) {
	line := fmt.Sprintf("[%9.3f] aloft-tiny: %s: %s", uptime().Seconds(), step, fmt.Sprintf(format, args...))
	c.raw(line)
}

// raw prints lines as they are.
func (c *console) raw(lines ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = io.WriteString(c.out, strings.Join(lines, "\n")+"\n") // a console that is gone leaves nobody to tell
}

// uptime is the time since the kernel started (CLOCK_BOOTTIME).
func uptime() time.Duration {
	const clockBoottime = 7
	var ts syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockBoottime, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		return 0
	}
	return time.Duration(ts.Nano())
}
