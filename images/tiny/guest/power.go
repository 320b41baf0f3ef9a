package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// grace is how long programs have to end after SIGTERM.
const grace = 2 * time.Second

// watchSignals turns what BusyBox's poweroff, reboot and halt send to process 1, Ctrl-Alt-Del and the power button into
// the machine's end.
func (m *machine) watchSignals(ctx context.Context) {
	meanings := map[os.Signal]int{
		syscall.SIGUSR1: syscall.LINUX_REBOOT_CMD_HALT,
		syscall.SIGUSR2: syscall.LINUX_REBOOT_CMD_POWER_OFF,
		syscall.SIGTERM: syscall.LINUX_REBOOT_CMD_RESTART,
		syscall.SIGINT:  syscall.LINUX_REBOOT_CMD_RESTART,
	}
	signals := make(chan os.Signal, 4)
	for s := range meanings {
		signal.Notify(signals, s)
	}
	if err := syscall.Reboot(syscall.LINUX_REBOOT_CMD_CAD_OFF); err != nil { // then Ctrl-Alt-Del is SIGINT
		m.log.say("power", "Ctrl-Alt-Del reboots at once: %v", err)
	}
	go func() {
		select {
		case s := <-signals:
			m.end(meanings[s])
		case <-ctx.Done():
		}
	}()
}

// end asks for the machine's end; only the first wish counts.
func (m *machine) end(how int) {
	select {
	case m.ended <- how:
	default:
	}
}

// watchPowerButton waits for the ACPI power button. The buttons are there once the module is loaded.
func (m *machine) watchPowerButton() {
	names, _ := filepath.Glob("/sys/class/input/event*/device/name") // the pattern is well formed
	watched := 0
	for _, path := range names {
		name, err := os.ReadFile(path)
		if err != nil || strings.TrimSpace(string(name)) != "Power Button" {
			continue
		}
		events, err := os.Open("/dev/input/" + filepath.Base(filepath.Dir(filepath.Dir(path))))
		if err != nil {
			m.log.say("power", "button: %v", err)
			continue
		}
		watched++
		go func() {
			defer events.Close()
			if awaitPowerKey(events) == nil {
				m.log.say("power", "power button pressed")
				m.end(syscall.LINUX_REBOOT_CMD_POWER_OFF)
			}
		}()
	}
	if watched == 0 {
		m.log.say("power", "no power button: a shutdown from outside is not noticed")
	}
}

// inputEvent is struct input_event of linux/input.h on a 64-bit machine.
type inputEvent struct {
	Seconds, Microseconds int64
	Type, Code            uint16
	Value                 int32
}

// awaitPowerKey reads input events until the power key goes down.
func awaitPowerKey(events io.Reader) error {
	const (
		keyEvent = 1   // EV_KEY
		keyPower = 116 // KEY_POWER
	)
	buf := make([]byte, unsafe.Sizeof(inputEvent{}))
	for {
		if _, err := io.ReadFull(events, buf); err != nil {
			return err
		}
		var e inputEvent
		if err := binary.Read(bytes.NewReader(buf), binary.LittleEndian, &e); err != nil {
			return err
		}
		if e.Type == keyEvent && e.Code == keyPower && e.Value == 1 {
			return nil
		}
	}
}

// shutDown ends all programs, writes everything to disk and ends the machine.
func (m *machine) shutDown(how int) {
	m.log.say("power", "shutting down")
	m.processes.killAll(grace)
	end(m.log, how)
}

// end writes everything to disk and tells the kernel to end.
func end(log *console, how int) {
	syscall.Sync()
	if err := syscall.Mount("", "/", "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		log.say("power", "the root file system stays writable: %v", err) // it is synced, and has a journal
	}
	log.say("power", "end")
	if err := syscall.Reboot(how); err != nil {
		log.say("power", "%v", err)
	}
}
