package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

const (
	cloudsFile = "/etc/aloft/clouds.yaml"
	keyFile    = "/etc/aloft/demo_ed25519"
	guestUser  = "root"
	outside    = "outside"
)

// installation is the one under test.
type installation struct {
	binary string
	image  string // of aloft-tiny; there is no package source in the namespaces to build it from
	hello  string // the floating address of the server that up made
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	binary, err := filepath.Abs("../../bin/aloft")
	require.NoError(t, err)
	_, err = os.Stat(binary)
	require.NoError(t, err, "make e2e builds it")
	in := &installation{binary: binary, image: filepath.Join(filepath.Dir(binary), "aloft-tiny.qcow2")}
	_, err = os.Stat(in.image)
	require.NoError(t, err, "make e2e builds it")
	t.Cleanup(func() {
		if t.Failed() {
			in.explain(t)
		}
	})
	return in
}

func (in *installation) vital(part string) bool { return strings.HasPrefix(part, "up gives") }

// explain shows what one wants to see first when a part failed.
func (in *installation) explain(t *testing.T) {
	raw, err := os.ReadFile("/var/lib/aloft/log/aloft.log")
	if err != nil {
		t.Log(err)
		return
	}
	lines := strings.Split(string(raw), "\n")
	t.Logf("the end of aloft.log:\n%s", strings.Join(lines[max(0, len(lines)-80):], "\n"))
}

// run runs a command to its end and returns what it printed on stdout; it must succeed.
func run(t *testing.T, within time.Duration, name string, args ...string) string {
	t.Helper()
	out, errOut, err := try(t, within, name, args...)
	require.NoError(t, err, "%s %s\n%s%s", name, strings.Join(args, " "), out, errOut)
	return out
}

func try(t *testing.T, within time.Duration, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return tryBy(t, cloudsFile, within, name, args...)
}

// tryBy is try with the credentials in another file.
func tryBy(t *testing.T, clouds string, within time.Duration, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "OS_CLIENT_CONFIG_FILE="+clouds)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	return o.String(), e.String(), err
}

// aloft runs the binary under test.
func (in *installation) aloft(t *testing.T, within time.Duration, args ...string) string {
	t.Helper()
	return run(t, within, in.binary, args...)
}

// up runs `aloft up` with the image that is built already.
func (in *installation) up(t *testing.T, args ...string) string {
	t.Helper()
	return in.aloft(t, 10*time.Minute, append([]string{"up", "--image", in.image}, args...)...)
}

// openstack runs Debian's client as the user of a cloud and decodes its JSON, unless into is nil.
func openstack(t *testing.T, cloud string, into any, args ...string) {
	t.Helper()
	openstackBy(t, cloudsFile, cloud, into, args...)
}

// openstackBy is openstack with the credentials in another file.
func openstackBy(t *testing.T, clouds, cloud string, into any, args ...string) {
	t.Helper()
	args = append([]string{"--os-cloud", cloud}, args...)
	if into != nil {
		args = append(args, "-f", "json")
	}
	out, errOut, err := tryBy(t, clouds, 3*time.Minute, "openstack", args...)
	require.NoError(t, err, "openstack %v\n%s%s", args, out, errOut)
	if into != nil {
		require.NoError(t, json.Unmarshal([]byte(out), into), "%v printed %s", args, out)
	}
}

// refused runs Debian's client, which must fail, and returns what it said.
func refused(t *testing.T, cloud string, args ...string) string {
	t.Helper()
	out, errOut, err := try(t, 2*time.Minute, "openstack", append([]string{"--os-cloud", cloud}, args...)...)
	require.Error(t, err, "%v should have been refused: %s", args, out)
	return errOut
}

// patience is how long a test waits for what must come, on a machine that may be slow. It never waits longer than it must.
const patience = 5 * time.Minute

// eventually calls check until it returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			require.NoError(t, err, "not within %s", patience)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// signer is the key that up made for its demonstration.
func signer(t *testing.T) ssh.Signer {
	t.Helper()
	raw, err := os.ReadFile(keyFile)
	require.NoError(t, err)
	s, err := ssh.ParsePrivateKey(raw)
	require.NoError(t, err)
	return s
}

// connect logs in to a guest, once.
func connect(s ssh.Signer, address string, timeout time.Duration) (*ssh.Client, error) {
	return ssh.Dial("tcp", address+":22", &ssh.ClientConfig{
		User: guestUser, Auth: []ssh.AuthMethod{ssh.PublicKeys(s)}, Timeout: timeout,
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
}

// inGuest runs a command in a guest, as soon as that answers, and returns what it printed.
func inGuest(t *testing.T, address, command string) string {
	t.Helper()
	var out string
	s := signer(t)
	eventually(t, func() error {
		client, err := connect(s, address, 5*time.Second)
		if err != nil {
			return fmt.Errorf("ssh to %s: %w", address, err)
		}
		defer client.Close()
		session, err := client.NewSession()
		if err != nil {
			return fmt.Errorf("a session on %s: %w", address, err)
		}
		defer session.Close()
		raw, err := session.CombinedOutput(command)
		out = string(raw)
		if err != nil {
			return fmt.Errorf("%s on %s: %w: %s", command, address, err, raw)
		}
		return nil
	})
	return strings.TrimSpace(out)
}

// ping waits until an address answers a ping.
func ping(t *testing.T, address string) {
	t.Helper()
	eventually(t, func() error {
		_, _, err := try(t, time.Minute, "ping", "-c", "1", "-W", "5", address)
		return err
	})
}
