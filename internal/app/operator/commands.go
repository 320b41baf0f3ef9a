// Package operator holds the commands of whoever owns the machines: up, down, status, doctor, serve, agent and lab.
package operator

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aloft-cloud/aloft/internal/app"
	"github.com/aloft-cloud/aloft/internal/core/config"
)

// Commands returns the operator's commands.
func Commands(version string) []*cobra.Command {
	return []*cobra.Command{upCommand(version), downCommand(), statusCommand(), doctorCommand(), serveCommand(version), agentCommand(version), ovnMembersCommand(), labCommand(version)}
}

// settings binds the flags of a command to a config, which is complete once the command runs.
func settings(cmd *cobra.Command) *config.Config {
	c := config.Default()
	c.Bind(cmd.Flags())
	cmd.PreRunE = func(*cobra.Command, []string) error { return c.Complete() }
	return &c
}

// given returns the settings' flags that stand on the command line.
func given(cmd *cobra.Command) []string {
	known := pflag.NewFlagSet("", pflag.ContinueOnError)
	c := config.Default()
	c.Bind(known)
	var out []string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			if known.Lookup(f.Name) != nil {
				out = append(out, "--"+f.Name+"="+v)
			}
		}
	})
	return out
}

func newDaemon(c config.Config) daemon {
	return daemon{pidFile: filepath.Join(c.RunDir, "aloft.pid"), logFile: filepath.Join(c.DataDir, "log", "aloft.log")}
}

// agentDaemon is the process of `aloft agent`. On a control node it runs beside `aloft serve`, which has the pid file.
func agentDaemon(c config.Config) daemon {
	d := newDaemon(c)
	if app.IsControlNode(c) {
		d.pidFile = filepath.Join(c.RunDir, "agent.pid")
	}
	return d
}

func newLog(c config.Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil { // checked by Complete
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

func needRoot(what string) error {
	if os.Geteuid() == 0 {
		return nil
	}
	return fmt.Errorf("aloft %s drives the host's engines: run it as root", what)
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func upCommand(version string) *cobra.Command {
	var noDemo, noAgent bool
	var image string
	cmd := &cobra.Command{
		Use: "up", Args: cobra.NoArgs, Short: "Bring this machine from nothing to a running cloud with a server to ssh into",
		Long: "up probes the host, starts the engines that do not run, starts serve and agent in the background, and makes a\n" +
			"demonstration: a project with a network, a router and a server. It may be run again at any moment; it repairs and\n" +
			"continues, and makes nothing twice.",
	}
	c := settings(cmd)
	cmd.Flags().BoolVar(&noDemo, "no-demo", false, "make no project, network and server of the demonstration")
	cmd.Flags().BoolVar(&noAgent, "no-agent", false, "make it a control node that runs no servers, nor the demonstration")
	cmd.Flags().StringVar(&image, "image", "", "file of an aloft-tiny that is built already (aloft image build-tiny), in place of building one")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := needRoot("up"); err != nil {
			return err
		}
		u := &Up{
			Config: *c, Version: version, Flags: given(cmd), Demo: !noDemo && !noAgent, ControlOnly: noAgent, Image: image,
			Out: cmd.OutOrStdout(), Live: terminal(os.Stdout), Log: slog.New(slog.DiscardHandler),
		}
		return u.Run(cmd.Context())
	}
	return cmd
}

func downCommand() *cobra.Command {
	var d Down
	cmd := &cobra.Command{
		Use: "down", Args: cobra.NoArgs, Short: "Stop all that up started; what ran before stays",
		Long: "down stops the servers (their disks stay), Aloft, and the engines that Aloft started. The next up brings all of it back.",
	}
	c := settings(cmd)
	cmd.Flags().BoolVar(&d.Purge, "purge", false, "remove the data, the disks and the credentials too")
	cmd.Flags().BoolVar(&d.KeepEngines, "keep-engines", false, "stop Aloft only: engines and servers go on running")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := needRoot("down"); err != nil {
			return err
		}
		d.Config, d.Out, d.Live, d.Log = *c, cmd.OutOrStdout(), terminal(os.Stdout), slog.New(slog.DiscardHandler)
		return d.Run(cmd.Context())
	}
	return cmd
}
