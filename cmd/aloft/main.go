// Command aloft is the whole of Aloft: the control plane, the agent and the client.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/aloft-cloud/aloft/internal/app/operator"
	"github.com/aloft-cloud/aloft/internal/cli"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := cli.Run(ctx, cli.Root(version, operator.Commands(version)...))
	stop()
	os.Exit(code)
}
