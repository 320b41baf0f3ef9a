package operator

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// steps shows the progress of a command: a line per step, with its time.
type steps struct {
	out   io.Writer
	live  bool // out is a terminal: the step at work is shown before it ends
	start time.Time
}

func newSteps(out io.Writer, live bool) *steps {
	return &steps{out: out, live: live, start: time.Now()}
}

// do runs one step. What note is told last stands on the step's line.
func (s *steps) do(ctx context.Context, name string, fn func(ctx context.Context, note func(format string, args ...any)) error) error {
	begun := time.Now()
	var said string
	note := func(format string, args ...any) {
		said = fmt.Sprintf(format, args...)
		if s.live {
			s.line("…", name, time.Since(begun), said, "")
		}
	}
	if s.live {
		s.line("…", name, 0, "", "")
	}
	if err := fn(ctx, note); err != nil {
		s.line("✗", name, time.Since(begun), "failed", "\n")
		return fmt.Errorf("%s: %w", name, err)
	}
	s.line("✓", name, time.Since(begun), said, "\n")
	return nil
}

func (s *steps) line(mark, name string, took time.Duration, said, end string) {
	begin := ""
	if s.live {
		begin = "\r\033[K"
	}
	line := fmt.Sprintf("%s  %s %-26s %6.1f s  %s", begin, mark, name, took.Seconds(), said)
	fmt.Fprint(s.out, strings.TrimRight(line, " "), end)
}

func (s *steps) total() time.Duration { return time.Since(s.start) }
