package bus

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// natsLog passes the server's log on. Its notices are for those who run NATS itself.
type natsLog struct {
	log   *slog.Logger
	fatal chan string // the first only
}

func (l *natsLog) Noticef(format string, v ...any) {
	l.log.Debug("bus", "text", fmt.Sprintf(format, v...))
}

func (l *natsLog) Warnf(format string, v ...any) {
	l.log.Warn("bus", "text", fmt.Sprintf(format, v...))
}

func (l *natsLog) Errorf(format string, v ...any) {
	l.log.Error("bus", "text", fmt.Sprintf(format, v...))
}

func (l *natsLog) Debugf(format string, v ...any) {
	l.log.Debug("bus", "text", fmt.Sprintf(format, v...))
}
func (l *natsLog) Tracef(string, ...any) {}

// Fatalf is told before the server gives up; Start returns it.
func (l *natsLog) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
		l.Errorf(format, v...)
	}
}

// started waits until the server is ready, or has said why it will not be.
func (l *natsLog) started(s *server.Server) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		ready := s.ReadyForConnections(30 * time.Millisecond)
		select {
		case text := <-l.fatal:
			return fault.New(fault.Unavailable, "the bus does not start: %s", text)
		default:
		}
		if ready {
			return nil
		}
	}
	return fault.New(fault.Unavailable, "the bus was not ready after %s", patience)
}
