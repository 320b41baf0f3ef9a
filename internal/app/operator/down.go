package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/aloft-cloud/aloft/internal/app"
	"github.com/aloft-cloud/aloft/internal/core/config"
)

// Down undoes Up.
type Down struct {
	Config             config.Config
	Purge, KeepEngines bool
	Out                io.Writer
	Live               bool
	Log                *slog.Logger
}

// Run stops what is there to be stopped; a part that is stopped already is fine.
func (d *Down) Run(ctx context.Context) error {
	if d.Purge && d.KeepEngines {
		return errors.New("--purge removes the disks of servers that --keep-engines leaves running: give one of the two")
	}
	s := newSteps(d.Out, d.Live)
	if err := s.do(ctx, "aloft serve and agent", func(ctx context.Context, _ func(string, ...any)) error {
		return errors.Join(agentDaemon(d.Config).stop(ctx, 20*time.Second), newDaemon(d.Config).stop(ctx, 20*time.Second))
	}); err != nil {
		return err
	}
	if d.KeepEngines {
		return nil
	}
	id, err := app.HostID(d.Config.DataDir)
	if err != nil {
		return err
	}
	engines, err := app.Engines(d.Config, id, d.Log)
	if err != nil {
		return err
	}
	if err := s.do(ctx, "servers of this host", func(ctx context.Context, note func(string, ...any)) error {
		n, err := app.StopServers(ctx, d.Config, engines, d.Log)
		note("%d stopped", n)
		return err
	}); err != nil {
		return err
	}
	if err := s.do(ctx, "metadata", func(ctx context.Context, _ func(string, ...any)) error {
		return app.PurgeMetadata(ctx, d.Log)
	}); err != nil {
		return err
	}
	if err := s.do(ctx, "engines", func(ctx context.Context, _ func(string, ...any)) error { return engines.Stop(ctx) }); err != nil {
		return err
	}
	if !d.Purge {
		return nil
	}
	return s.do(ctx, "data", func(context.Context, func(string, ...any)) error {
		var errs []error
		for _, dir := range []string{d.Config.DataDir, d.Config.EtcDir, d.Config.RunDir} {
			errs = append(errs, empty(dir))
		}
		return errors.Join(errs...)
	})
}

// empty removes all in a folder, and the folder too unless something is mounted there.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", dir, err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(dir + "/" + e.Name()); err != nil {
			return fmt.Errorf("removing the data: %w", err)
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) && !isBusy(err) {
		return fmt.Errorf("removing %s: %w", dir, err)
	}
	return nil
}
