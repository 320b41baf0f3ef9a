package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/app/lab"
)

// accidents is the socket, in the folder of a laboratory, over which hosts are switched off and on.
func accidents(dir string) string { return filepath.Join(dir, "run", "lab.sock") }

// serveAccidents takes what kill and heal ask, until ctx ends.
func serveAccidents(ctx context.Context, socket string, fleet *lab.Fleet) error {
	if err := os.MkdirAll(filepath.Dir(socket), 0o700); err != nil {
		return fmt.Errorf("making the folder of %s: %w", socket, err)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing what an earlier laboratory left: %w", err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("listening for accidents: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /kill/{hosts}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.PathValue("hosts"))
		if err != nil || n < 1 {
			http.Error(w, "--hosts must be 1 or more", http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "%d hosts are switched off.\n", fleet.Kill(n))
	})
	mux.HandleFunc("POST /heal", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%d hosts are switched on again.\n", fleet.Heal())
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: headerPatience}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("listening for accidents: %w", err)
	}
	return nil
}

// killPlayed lets kill switch off simulated hosts, too.
func killPlayed(cmd *cobra.Command) *cobra.Command {
	hosts := cmd.Flags().Int("hosts", 1, "with --lab: how many hosts, all at the same moment")
	return played(cmd, func() string { return "/kill/" + strconv.Itoa(*hosts) })
}

// healPlayed lets heal switch all simulated hosts on again, too.
func healPlayed(cmd *cobra.Command) *cobra.Command {
	return played(cmd, func() string { return "/heal" })
}

// played lets a command for a node of real hosts ask a laboratory of simulated ones, which --lab names in place of a node.
func played(cmd *cobra.Command, path func() string) *cobra.Command {
	dir := cmd.Flags().String("lab", "", "folder of a laboratory of simulated hosts, as it says at its start, in place of NODE")
	args, run := cmd.Args, cmd.RunE
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		if *dir != "" {
			return cobra.NoArgs(cmd, given)
		}
		return args(cmd, given)
	}
	cmd.RunE = func(cmd *cobra.Command, given []string) error {
		if *dir != "" {
			return askLab(cmd.Context(), cmd.OutOrStdout(), *dir, path())
		}
		return run(cmd, given)
	}
	return cmd
}

// askLab asks something of a running laboratory.
func askLab(ctx context.Context, out io.Writer, dir, path string) error {
	socket := accidents(dir)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://lab"+path, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("no laboratory answers in %s: is it running? %w", dir, err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("reading the answer of the laboratory: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(string(said))
	}
	_, err = out.Write(said)
	return err
}
