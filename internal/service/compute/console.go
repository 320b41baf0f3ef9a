package compute

import (
	"context"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// ConsoleOutput returns the last lines of a server's serial console; 0 lines means all that its host keeps.
func (s *Service) ConsoleOutput(ctx context.Context, caller *auth.Caller, id string, lines int) (string, error) {
	sv, err := s.store.FindServer(ctx, caller.Scope(), id)
	if err != nil {
		return "", err
	}
	if sv.HostID == "" || sv.Carried == 0 {
		return "", fault.Conflictf("server", id, "Instance %s is not ready: it has not run on a host yet", id)
	}
	text, err := s.hosts.Console(ctx, sv.HostID, id, lines)
	if err != nil {
		return "", fmt.Errorf("reading the console of server %s on host %s: %w", id, sv.HostName, err)
	}
	return text, nil
}
