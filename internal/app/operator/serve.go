package operator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/app"
	"github.com/aloft-cloud/aloft/internal/core/config"
)

func serveCommand(version string) *cobra.Command {
	var withAgent, withEngines bool
	cmd := &cobra.Command{Use: "serve", Args: cobra.NoArgs, Short: "Run a control node in the foreground"}
	c := settings(cmd)
	cmd.Flags().BoolVar(&withAgent, "agent", false, "run this host's agent in the same process, and keep its engines running")
	cmd.Flags().BoolVar(&withEngines, "engines", false, "keep the engines of a control node running without an agent: OVN's databases and ovn-northd")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		release, err := newDaemon(*c).claim(version)
		if err != nil {
			return err
		}
		defer release()
		return serve(cmd.Context(), *c, version, withAgent, withEngines && !withAgent)
	}
	return cmd
}

// serve runs the control plane, and the agent or the engines beside it, until ctx ends.
func serve(ctx context.Context, c config.Config, version string, withAgent, withEngines bool) error {
	log := newLog(c)
	northbound, err := app.OVN(c, log)
	if err != nil {
		return err
	}
	control, err := app.NewControl(ctx, c, app.ControlOptions{Version: version, Northbound: northbound, Log: log})
	if err != nil {
		return err
	}
	defer func() {
		if err := control.Close(); err != nil {
			log.Error("closing failed", "error", err)
		}
	}()
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w (another program may have the port: `ss -ltnp` tells; --listen takes another)", c.Listen, err)
	}
	if err := firstStart(ctx, c, control); err != nil {
		return errors.Join(err, listener.Close())
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return control.Run(ctx) })
	g.Go(func() error { return serveHTTP(ctx, listener, control, endPatience) })
	if withAgent {
		g.Go(func() error {
			b, err := control.Bus(ctx)
			if err != nil {
				return err
			}
			defer b.Close()
			return app.RunAgent(ctx, c, b, log)
		})
	}
	if withEngines {
		g.Go(func() error { return app.WatchEngines(ctx, c, log) })
	}
	log.Info("aloft serves", "url", c.PublicURL, "version", version, "agent", withAgent)
	return g.Wait()
}

// firstStart makes what a new installation lacks: the admin with a random password, and the files to log in with.
func firstStart(ctx context.Context, c config.Config, control *app.Control) error {
	files := Credentials{EtcDir: c.EtcDir}
	if err := os.MkdirAll(c.EtcDir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the credentials: %w", err)
	}
	if err := os.WriteFile(files.CACert(), control.Authority().CAPEM(), 0o644); err != nil {
		return fmt.Errorf("writing the CA's certificate: %w", err)
	}
	cloud, known, err := files.Read(adminCloud)
	if err != nil {
		return err
	}
	password := ""
	if !known {
		password = rand.Text()
		cloud = Cloud{
			Auth: CloudAuth{
				Username: "admin", Password: password, ProjectName: "admin", UserDomainName: "Default", ProjectDomainName: "Default",
			},
			Interface: "public", IdentityAPIVersion: "3",
		}
	}
	if err := control.Bootstrap(ctx, password); err != nil {
		return err
	}
	cloud.Auth.AuthURL, cloud.RegionName, cloud.CACert = c.PublicURL+"/identity/v3", c.Region, files.CACert()
	return files.Write(adminCloud, cloud)
}

// Limits against clients that are slow on purpose. A body may take long: images are large.
const (
	headerPatience = 10 * time.Second
	idlePatience   = 2 * time.Minute
	maxHeader      = 64 << 10
	endPatience    = 10 * time.Second
)

// serveHTTP serves until ctx ends, and then finishes what is in flight, for at most a time.
func serveHTTP(ctx context.Context, listener net.Listener, control *app.Control, patience time.Duration) error {
	server := &http.Server{
		Handler: control.Handler(), TLSConfig: control.Authority().ServerTLS(),
		ReadHeaderTimeout: headerPatience, IdleTimeout: idlePatience, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(listener, "", "") }()
	select {
	case err := <-served:
		return fmt.Errorf("serving the API: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return errors.Join(fmt.Errorf("requests in flight did not end: %w", err), server.Close())
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the API: %w", err)
	}
	return nil
}
