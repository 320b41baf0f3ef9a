package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

// Root is the command `aloft`. The operator's commands are given by whoever may know the inside.
func Root(version string, operator ...*cobra.Command) *cobra.Command {
	root := &cobra.Command{
		Use:           "aloft",
		Short:         "A private cloud as one program",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Long: `A private cloud as one program.

Credentials come from clouds.yaml (choose an entry by --os-cloud or OS_CLOUD) or from the OS_* variables, as for every
OpenStack client. Without either, root uses the entry "aloft" of /etc/aloft/clouds.yaml.`,
	}
	root.SetVersionTemplate("aloft {{.Version}}\n")
	o := &options{}
	root.PersistentFlags().StringVar(&o.cloud, "os-cloud", "", "the entry of clouds.yaml to use (default $OS_CLOUD)")
	root.AddGroup(&cobra.Group{ID: "operator", Title: "For operators:"}, &cobra.Group{ID: "tenant", Title: "For tenants:"})
	for _, c := range append(operator, joinTokenCommand(o)) {
		c.GroupID = "operator"
		root.AddCommand(c)
	}
	for _, c := range []*cobra.Command{
		serverCommand(o), consoleCommand(o), flavorCommand(o), keypairCommand(o), imageCommand(o),
		networkCommand(o), subnetCommand(o), routerCommand(o), portCommand(o), floatingIPCommand(o), securityGroupCommand(o),
		projectCommand(o), userCommand(o), placementCommand(o), hostCommand(o), benchCommand(o),
	} {
		c.GroupID = "tenant"
		root.AddCommand(c)
	}
	return root
}

// Run runs a command and returns the exit code. An error is one sentence on the command's standard error.
func Run(ctx context.Context, root *cobra.Command) int {
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(root.ErrOrStderr(), "aloft: "+sentence(err))
		return 1
	}
	return 0
}

// noun groups the verbs of one kind of object.
func noun(o *options, name, short string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.PersistentFlags().StringVarP(&o.format, "output", "o", "table", "how to print: table or json")
	c.AddCommand(verbs...)
	return c
}

// verb makes a command that talks to the cloud.
func verb(o *options, use, short string, args cobra.PositionalArgs, run func(context.Context, *session, []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, args []string) error {
		if o.format != "table" && o.format != "json" {
			return fmt.Errorf("-o is table or json, not %q", o.format)
		}
		s, err := connect(c.Context(), o)
		if err != nil {
			return err
		}
		s.out, s.err = c.OutOrStdout(), c.ErrOrStderr()
		return run(c.Context(), s, args)
	}}
}

// required marks flags that a command can't do without, and returns the command.
func required(c *cobra.Command, flags ...string) *cobra.Command {
	for _, f := range flags {
		if err := c.MarkFlagRequired(f); err != nil {
			panic(err) // the flag was not defined: a mistake in this program
		}
	}
	return c
}
