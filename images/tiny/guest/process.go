package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// processes starts programs and reaps every process of the machine, orphans included, as process 1 must. Programs must
// be started by it alone: os/exec waits by itself and would race with the reaper.
type processes struct {
	mu      sync.Mutex
	waiting map[int]chan syscall.WaitStatus
}

func newProcesses() *processes {
	return &processes{waiting: map[int]chan syscall.WaitStatus{}}
}

// child is a program that runs.
type child struct {
	pid  int
	done chan syscall.WaitStatus
}

// command says what to run; out is its standard output and error, nil for the console.
type command struct {
	argv []string
	more []string // of its environment
	out  *os.File
}

// environment is what every program starts with.
func environment() []string {
	return []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/root", "USER=root", "SHELL=/bin/sh", "TERM=linux", "LANG=C.UTF-8"}
}

func (p *processes) start(c command) (child, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return child{}, err
	}
	defer null.Close()
	out := c.out
	if out == nil {
		out = os.Stdout
	}
	p.mu.Lock() // until the child is registered, so that the reaper cannot miss it
	defer p.mu.Unlock()
	pid, err := syscall.ForkExec(c.argv[0], c.argv, &syscall.ProcAttr{
		Dir: "/", Env: append(environment(), c.more...), Files: []uintptr{null.Fd(), out.Fd(), out.Fd()},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return child{}, fmt.Errorf("start %s: %w", c.argv[0], err)
	}
	done := make(chan syscall.WaitStatus, 1)
	p.waiting[pid] = done
	return child{pid: pid, done: done}, nil
}

// run starts a program, waits for its end and returns an error unless it succeeded.
func (p *processes) run(c command) error {
	started, err := p.start(c)
	if err != nil {
		return err
	}
	if status := <-started.done; status.ExitStatus() != 0 {
		return fmt.Errorf("%s: %s", c.argv[0], describe(status))
	}
	return nil
}

// output is run that returns what the program printed, which must fit a pipe (64 KiB).
func (p *processes) output(argv ...string) (string, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer reader.Close()
	err = errors.Join(p.run(command{argv: argv, out: writer}), writer.Close())
	printed, readErr := io.ReadAll(reader)
	return string(printed), errors.Join(err, readErr)
}

// keep runs a program again whenever it ends, not faster than once a second, until ctx ends; then the program is killed.
func (p *processes) keep(ctx context.Context, log *console, step string, c command) {
	for ctx.Err() == nil {
		started, err := p.start(c)
		if err != nil {
			log.say(step, "%v", err)
			return
		}
		select {
		case status := <-started.done:
			log.say(step, "%s ended: %s", c.argv[0], describe(status))
		case <-ctx.Done():
			_ = syscall.Kill(started.pid, syscall.SIGTERM) // it may have ended just now
			<-started.done
			return
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// reap collects ended processes until ctx ends.
func (p *processes) reap(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGCHLD)
	go func() {
		for {
			select {
			case <-signals:
				p.collect()
			case <-ctx.Done():
				return
			}
		}
	}()
}

// collect reaps what has ended and reports whether no process is left.
func (p *processes) collect() (none bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return true
		case pid <= 0:
			return false
		}
		p.mu.Lock()
		done := p.waiting[pid]
		delete(p.waiting, pid)
		p.mu.Unlock()
		if done != nil {
			done <- status
		}
	}
}

// killAll ends every process but this one: politely, and after grace by force.
func (p *processes) killAll(grace time.Duration) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		_ = syscall.Kill(-1, s) // ESRCH: there is none
		for deadline := time.Now().Add(grace); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if p.collect() {
				return
			}
		}
	}
}

func describe(s syscall.WaitStatus) string {
	if s.Signaled() {
		return "killed by signal " + s.Signal().String()
	}
	return fmt.Sprintf("exit status %d", s.ExitStatus())
}
