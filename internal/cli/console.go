package cli

import (
	"context"
	"io"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/spf13/cobra"
)

func consoleCommand(o *options) *cobra.Command {
	return noun(o, "console", "The consoles of servers", consoleLog(o))
}

func consoleLog(o *options) *cobra.Command {
	var opts servers.ShowConsoleOutputOpts
	c := verb(o, "log SERVER", "Print what a server has written to its serial console", cobra.ExactArgs(1),
		func(ctx context.Context, s *session, args []string) error {
			c, err := s.compute()
			if err != nil {
				return err
			}
			server, err := findServer(ctx, c, args[0])
			if err != nil {
				return err
			}
			text, err := servers.ShowConsoleOutput(ctx, c, server.ID, opts).Extract()
			if err != nil {
				return err
			}
			if s.format == "json" {
				return s.json(map[string]string{"output": text})
			}
			_, err = io.WriteString(s.out, text)
			return err
		})
	c.Flags().IntVarP(&opts.Length, "lines", "n", 0, "only the last lines (default: all that is kept)")
	return c
}
