package operator

import (
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/host/probe"
)

func doctorCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "doctor", Args: cobra.NoArgs, Short: "Tell whether Aloft can run on this machine, and the cure for what is in its way",
		Long: "doctor looks at virtualisation (by booting a tiny guest), the datapath of Open vSwitch, memory, disk and ports. It changes\n" +
			"nothing. It exits with 1 where Aloft could not run.",
	}
	c := settings(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		report := probe.Run(cmd.Context(), probe.Options{DataDir: c.DataDir, Listen: c.Listen, OutsideCIDR: c.Outside, Log: slog.New(slog.DiscardHandler)})
		write := report.Table
		if output == "json" {
			write = report.JSON
		}
		if err := write(cmd.OutOrStdout()); err != nil {
			return err
		}
		if report.Fatal() {
			return errors.New("aloft can't run here before what is marked fail is cured")
		}
		return nil
	}
	return cmd
}
