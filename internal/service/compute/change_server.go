package compute

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
)

// change reads a server that the caller may change, lets fn change it, and writes it back with one event. Whatever fn
// does to the wants must raise the generation; the host then hears of it.
func (s *Service) change(ctx context.Context, caller *auth.Caller, id, action string, fn func(*Server) error) (Server, error) {
	var sv Server
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if sv, err = s.store.FindServer(ctx, caller.Scope(), id); err != nil {
			return err
		}
		if err := fn(&sv); err != nil {
			return err
		}
		sv.UpdatedAt = s.now()
		if err := s.store.SaveServers(ctx, []Server{sv}); err != nil {
			return err
		}
		sv.Revision++
		if action != "" {
			if err := s.act(ctx, caller, action, sv); err != nil {
				return err
			}
		}
		s.wake(ctx, &sv)
		return s.tell(ctx, serverUpdated, &sv)
	})
	return sv, err
}
