package api

import (
	"context"
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

type startIn struct {
	serverIn
	Argument any `body:"os-start"`
}

type stopIn struct {
	serverIn
	Argument any `body:"os-stop"`
}

type rebootIn struct {
	serverIn
	Reboot struct {
		Type string `json:"type" check:"required,enum=SOFT|Soft|soft|HARD|Hard|hard"`
	} `body:"reboot"`
}

type forceDeleteIn struct {
	serverIn
	Argument any `body:"forceDelete"`
}

type consoleIn struct {
	serverIn
	Argument any `body:"os-getConsoleOutput"`
}

type consoleOut struct {
	Output string `json:"output"`
}

func (a *api) startServer(ctx context.Context, in startIn) (rest.None, error) {
	return a.power(ctx, in.ID, compute.Start)
}

func (a *api) stopServer(ctx context.Context, in stopIn) (rest.None, error) {
	return a.power(ctx, in.ID, compute.Stop)
}

func (a *api) rebootServer(ctx context.Context, in rebootIn) (rest.None, error) {
	if strings.EqualFold(in.Reboot.Type, "HARD") {
		return a.power(ctx, in.ID, compute.RebootHard)
	}
	return a.power(ctx, in.ID, compute.RebootSoft)
}

func (a *api) power(ctx context.Context, id string, v compute.Verb) (rest.None, error) {
	return rest.None{}, instance(a.core.Power(ctx, auth.From(ctx), id, v))
}

func (a *api) forceDelete(ctx context.Context, in forceDeleteIn) (rest.None, error) {
	return a.deleteServer(ctx, in.serverIn)
}

// consoleOutput takes {}, null, and a length that may be a number, a string of digits, -1 or null for all.
func (a *api) consoleOutput(ctx context.Context, in consoleIn) (consoleOut, error) {
	lines := 0
	if m, ok := in.Argument.(map[string]any); ok && m["length"] != nil {
		if _, err := fmt.Sscan(fmt.Sprint(m["length"]), &lines); err != nil {
			return consoleOut{}, fault.Invalidf("os-getConsoleOutput.length", "Invalid input for field length: %v is not an integer", m["length"])
		}
	}
	out, err := a.core.ConsoleOutput(ctx, auth.From(ctx), in.ID, max(lines, 0))
	return consoleOut{out}, instance(err)
}
