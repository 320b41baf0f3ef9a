package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// activeGateway is the host that carries the router's port outside; "" if none does.
func (l *lab) activeGateway(t *testing.T) string {
	t.Helper()
	host := ""
	for line := range strings.Lines(l.on(t, "control", "ovn-sbctl", "--no-leader-only", "show")) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "hostname: "); ok {
			host = strings.Trim(name, `"`)
		}
		if strings.Contains(line, "Port_Binding cr-lrp-") || strings.Contains(line, `Port_Binding "cr-lrp-`) {
			return host
		}
	}
	return ""
}

// testGatewayKilled fails the power of the host through which a guest on another is reached, under two connections: one from
// the outside to the guest, and one from the guest.
func testGatewayKilled(t *testing.T, l *lab) {
	was := l.activeGateway(t)
	require.NotEmpty(t, was)
	guest := "c"
	if was == l.host[guest] { // which would die with it
		guest = "a"
		own, _, _ := strings.Cut(l.at[guest], ":")
		l.openstack(t, "demo", nil, "floating", "ip", "unset", "--port", own)
		l.forward(t, guest, "2223")
	}
	in, out := l.echo(t, guest), l.listenTo(t, guest)
	for range 3 {
		in()
		out()
	}
	run(t, time.Minute, l.binary, "lab", "kill", was, "--data", l.dir)
	killed := time.Now()
	in()
	t.Logf("a connection to %s goes on %s after its gateway's host %s was killed", guest, time.Since(killed).Round(10*time.Millisecond), was)
	out()
	t.Logf("a connection from %s goes on after %s at most", guest, time.Since(killed).Round(10*time.Millisecond))
	require.NotEqual(t, was, l.activeGateway(t))
	l.until(t, guest, "ping -c 1 -W 5 172.24.4.1")
	run(t, patience, l.binary, "lab", "heal", was, "--data", l.dir)
}

// echo opens a connection to a guest from the outside. What it returns says something there, and waits for the echo.
func (l *lab) echo(t *testing.T, guest string) func() {
	t.Helper()
	client := l.dial(t, guest)
	t.Cleanup(func() { _ = client.Close() }) // it may be broken
	session, err := client.NewSession()
	require.NoError(t, err)
	stdin, err := session.StdinPipe()
	require.NoError(t, err)
	stdout, err := session.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, session.Start("cat"))
	lines := bufio.NewReader(stdout)
	return func() {
		t.Helper()
		stuck := time.AfterFunc(patience, func() { _ = client.Close() })
		defer stuck.Stop()
		_, err := io.WriteString(stdin, "still there?\n")
		require.NoError(t, err)
		answer, err := lines.ReadString('\n')
		require.NoError(t, err, "the connection to %s is lost", guest)
		require.Equal(t, "still there?\n", answer)
	}
}

// listenTo has a guest talk to the outside. What it returns waits for something that the guest says from now on.
func (l *lab) listenTo(t *testing.T, guest string) func() {
	t.Helper()
	listener, err := net.Listen("tcp", "172.24.4.1:0")
	require.NoError(t, err)
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience)))
	l.until(t, guest, fmt.Sprintf("(while cut -d' ' -f1 /proc/uptime; do sleep 0.1; done | nc 172.24.4.1 %s) >/dev/null 2>&1 &", port))
	conn, err := listener.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // it may be broken
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			select {
			case heard <- struct{}{}:
			default: // nobody waits for it
			}
		}
	}()
	return func() {
		t.Helper()
		select {
		case _, ok := <-heard:
			require.True(t, ok, "the connection from %s is lost", guest)
		case <-time.After(patience):
			require.Fail(t, "the guest is not heard", guest)
		}
	}
}
