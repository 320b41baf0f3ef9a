package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/app"
	"github.com/aloft-cloud/aloft/internal/core/bus"
	"github.com/aloft-cloud/aloft/internal/core/config"
	"github.com/aloft-cloud/aloft/internal/host/join"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

func agentCommand(version string) *cobra.Command {
	var server, tokenFile, url string
	cmd := &cobra.Command{
		Use: "agent", Args: cobra.NoArgs, Short: "Run a host's agent and its engines in the foreground",
		Long: "agent makes this machine a host of the control plane at --server, by a token that `aloft join-token` made there, and\n" +
			"runs what it is told to: it starts libvirt, Open vSwitch and ovn-controller where they do not run, and keeps them\n" +
			"running. What it gets when it joins is kept in --data-dir, so that it needs no token the next time.\n\n" +
			"On a control node itself it needs neither: `aloft serve` without --agent has its bus in --bus.",
	}
	c := settings(cmd)
	cmd.Flags().StringVar(&server, "server", "", "https://address:port of a control node, to join it the first time")
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "file with a join token, or - for the standard input")
	cmd.Flags().StringVar(&url, "bus", "", "the control nodes' bus, for an agent on a control node (default port 4222 of 127.0.0.1)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := needRoot("agent"); err != nil {
			return err
		}
		release, err := agentDaemon(*c).claim(version)
		if err != nil {
			return err
		}
		defer release()
		if err := joinOnce(cmd.Context(), *c, server, tokenFile, cmd.InOrStdin()); err != nil {
			return err
		}
		return runAgent(cmd.Context(), *c, url)
	}
	return cmd
}

// joinOnce makes this machine a host of a control plane, unless it is one.
func joinOnce(ctx context.Context, c config.Config, server, tokenFile string, in io.Reader) error {
	id, err := app.HostID(c.DataDir)
	if err != nil {
		return err
	}
	dir := join.Dir(c.DataDir)
	if _, joined, err := join.Load(dir); err != nil || joined {
		return err
	}
	if server == "" && tokenFile == "" {
		if app.IsControlNode(c) {
			return nil
		}
		return errors.New("this machine has not joined a control plane: give --server https://CONTROL:8443 and --token-file with what " +
			"`aloft join-token` prints there")
	}
	if server == "" || tokenFile == "" {
		return errors.New("to join takes both --server and --token-file")
	}
	if app.IsControlNode(c) {
		return fmt.Errorf("this machine is a control node itself: its data folder %s holds an authority", c.DataDir)
	}
	token, err := readToken(tokenFile, in)
	if err != nil {
		return err
	}
	h, err := join.Join(ctx, dir, id, server, token)
	if err != nil {
		return err
	}
	newLog(c).Info("joined", "server", server, "host", id, "address", h.Address)
	return nil
}

func readToken(file string, in io.Reader) (protocol.JoinToken, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return protocol.JoinToken{}, fmt.Errorf("opening the join token: %w", err)
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, 4096))
	if err != nil {
		return protocol.JoinToken{}, fmt.Errorf("reading the join token: %w", err)
	}
	return protocol.ParseJoinToken(strings.TrimSpace(string(raw)))
}

func runAgent(ctx context.Context, c config.Config, url string) error {
	id, err := app.HostID(c.DataDir)
	if err != nil {
		return err
	}
	log := newLog(c)
	tlsConfig, err := app.HostTLS(c, id)
	if err != nil {
		return err
	}
	place, joined, err := join.Load(join.Dir(c.DataDir))
	if err != nil {
		return err
	}
	switch {
	case url != "":
	case joined:
		url = strings.Join(place.Bus, ",")
	default:
		url = "tls://127.0.0.1:4222"
	}
	b, err := bus.Dial(ctx, url, tlsConfig, log)
	if err != nil {
		return err
	}
	defer b.Close()
	return app.RunAgent(ctx, c, b, log)
}
