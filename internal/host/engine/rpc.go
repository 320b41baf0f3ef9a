package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// accepts tells whether something listens on a unix socket.
func accepts(ctx context.Context, socket string) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	return c.Close()
}

// call does one JSON-RPC 1.0 request, the protocol both of OVSDB (RFC 7047) and of the control sockets of Open vSwitch
// and OVN. The context must have a deadline.
func call(ctx context.Context, socket, method string, params, result any) error {
	if socket == "" {
		return errors.New("it does not run")
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	defer c.Close()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(5 * time.Second)
	}
	if err := c.SetDeadline(deadline); err != nil {
		return err
	}
	request := map[string]any{"id": 0, "method": method, "params": params}
	if err := json.NewEncoder(c).Encode(request); err != nil {
		return err
	}
	var reply struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := json.NewDecoder(c).Decode(&reply); err != nil {
		return fmt.Errorf("read the answer to %s: %w", method, err)
	}
	if len(reply.Error) > 0 && string(reply.Error) != "null" {
		return fmt.Errorf("%s: %s", method, reply.Error)
	}
	return json.Unmarshal(reply.Result, result)
}

// serves tells whether an OVSDB server has a database.
func serves(ctx context.Context, socket, database string) error {
	var names []string
	if err := call(ctx, socket, "list_dbs", []any{}, &names); err != nil {
		return err
	}
	if !slices.Contains(names, database) {
		return fmt.Errorf("%s serves %v and not %s", socket, names, database)
	}
	return nil
}

// control sends a command to a program's control socket and checks the answer, unless good is nil.
func control(ctx context.Context, socket, command string, good func(string) bool) error {
	var answer string
	if err := call(ctx, socket, command, []any{}, &answer); err != nil {
		return err
	}
	if good != nil && !good(answer) {
		return fmt.Errorf("%s answers %q", command, answer)
	}
	return nil
}

func oneOf(answers ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(answers, s) }
}

// peer is the process that listens on a unix socket, 0 if none does.
func peer(socket string) int {
	c, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return 0
	}
	defer c.Close()
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0
	}
	pid := 0
	_ = raw.Control(func(fd uintptr) { // fails only on a closed connection
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid
}
