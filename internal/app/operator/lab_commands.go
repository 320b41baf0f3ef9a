package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/app/lab/real"
)

// realCommands are those of a laboratory of real hosts; two of them take simulated ones, too.
func realCommands() []*cobra.Command {
	hold := &cobra.Command{
		Use: "hold FOLDER NODE", Hidden: true, Args: cobra.ExactArgs(2), Short: "Furnish new namespaces, for lab --real",
		RunE: func(cmd *cobra.Command, args []string) error {
			return real.Hold(args[0], args[1], cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	return []*cobra.Command{
		hold,
		realCommand("status", "Show the nodes: their cables, processes, and state in the API", cobra.NoArgs, func(ctx context.Context, r *RealLab, _ []string) error { return r.status(ctx) }),
		realCommand("enter NODE [-- COMMAND…]", "Run a shell, or a command, on a node", cobra.MinimumNArgs(1), func(ctx context.Context, r *RealLab, args []string) error { return r.enter(ctx, args[0], args[1:]) }),
		realCommand("partition NODE", "Pull out all cables of a node; what runs on it runs on", cobra.ExactArgs(1), func(_ context.Context, r *RealLab, args []string) error { return r.Lab.Partition(args[0]) }),
		killPlayed(realCommand("kill {NODE | --lab FOLDER}", "Fail the power of a node, or of simulated hosts: cables are dead and processes gone", cobra.ExactArgs(1), func(_ context.Context, r *RealLab, args []string) error { return r.Lab.Kill(args[0]) })),
		healPlayed(realCommand("heal {NODE | --lab FOLDER}", "Bring a node back and wait until it is up, or switch on again all simulated hosts that are off", cobra.ExactArgs(1), func(ctx context.Context, r *RealLab, args []string) error { return r.heal(ctx, args[0]) })),
		realCommand("down", "Remove the laboratory: processes, namespaces, bridges, mounts and files", cobra.NoArgs, func(_ context.Context, r *RealLab, _ []string) error { return r.Lab.Down() }),
	}
}

func realCommand(use, short string, args cobra.PositionalArgs, run func(context.Context, *RealLab, []string) error) *cobra.Command {
	var r RealLab
	cmd := &cobra.Command{Use: use, Short: short, Args: args}
	cmd.Flags().StringVar(&r.Lab.Dir, "data", realDir, "folder of the laboratory")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := needRoot("lab"); err != nil {
			return err
		}
		if !r.Lab.There() && cmd.Name() != "down" {
			return fmt.Errorf("there is no laboratory in %s: make one with `aloft lab --real 3`", r.Lab.Dir)
		}
		r.Out = cmd.OutOrStdout()
		return run(cmd.Context(), &r, args)
	}
	return cmd
}

// status shows the nodes. It exits 1 if a host is not up.
func (r *RealLab) status(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	states, apiErr := r.states(limited)
	w := tabwriter.NewWriter(r.Out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tCABLES\tPROCESSES\tAPI")
	amiss := apiErr != nil
	for _, node := range r.Lab.Nodes() {
		n, err := r.Lab.Processes(node)
		if err != nil {
			return err
		}
		in, err := r.Lab.Connected(node)
		if err != nil {
			return err
		}
		cables, state := "in", states[node].State
		if !in {
			cables = "out"
		}
		switch {
		case node == real.ControlName && apiErr == nil:
			state = "answers"
		case node == real.ControlName:
			state = "does not answer"
		case apiErr != nil:
			state = "-"
		case state == "":
			state = "unknown"
		}
		amiss = amiss || node != real.ControlName && state != "up"
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", node, cables, n, state)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if amiss {
		return errors.Join(errors.New("not all of it is up: `aloft lab heal NODE` mends a node"), short(apiErr))
	}
	return nil
}

// enter runs a command on a node, with this process's terminal.
func (r *RealLab) enter(ctx context.Context, node string, argv []string) error {
	if err := r.Lab.Known(node); err != nil {
		return err
	}
	if len(argv) == 0 {
		shell := os.Getenv("SHELL")
		if shell == "" {
			shell = "/bin/sh"
		}
		argv = []string{shell}
	}
	cmd := r.Lab.Command(ctx, node, argv...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, io.Writer(r.Out), os.Stderr
	return cmd.Run()
}
