package operator

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/host/engine"
)

func ovnMembersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "ovn-members", Args: cobra.NoArgs, Short: "Show the control nodes whose OVN databases form a cluster",
		Long: "ovn-members asks the OVN databases of this control node, as root. A node that does not come back is taken out with\n" +
			"`aloft ovn-members remove ADDRESS`; a database goes on as long as more than half of its members do.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := needRoot("ovn-members"); err != nil {
				return err
			}
			members, err := engine.Members(cmd.Context())
			if err != nil {
				return err
			}
			return writeMembers(cmd.OutOrStdout(), members)
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use: "remove ADDRESS|ID", Args: cobra.ExactArgs(1), Short: "Take a control node that does not come back out of the cluster",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := needRoot("ovn-members remove"); err != nil {
				return err
			}
			return engine.RemoveMember(cmd.Context(), args[0])
		},
	})
	return cmd
}

func writeMembers(out io.Writer, members []engine.Member) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DATABASE\tADDRESS\tID\tROLE\tHEARD")
	for _, m := range members {
		heard := m.Heard
		if heard != "" {
			heard += " ago"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", m.Database, m.Address, m.ID, m.Role, heard)
	}
	return w.Flush()
}
