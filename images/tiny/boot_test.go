package tiny

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/test/guestfwd"
)

func TestMain(m *testing.M) {
	guestfwd.Main()
	os.Exit(m.Run())
}

// TestImage boots the image under software emulation and does with it what a cloud does.
func TestImage(t *testing.T) {
	image := builtImage(t)
	info, err := os.Stat(image)
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), int64(MaxSize))

	var metadata atomic.Pointer[map[string]string]
	var late atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if late.Load() {
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		text, ok := (*metadata.Load())[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, text)
	}))
	defer server.Close()
	signer, publicKey := newKey(t)
	const userData = "#!/bin/sh\necho user data says hello\necho ran >>/root/runs\n"
	metadata.Store(&map[string]string{
		"/openstack/latest/meta_data.json": fmt.Sprintf(`{"uuid":"first","hostname":"hello.novalocal","public_keys":{"k":%q}}`, publicKey),
		"/openstack/latest/user_data":      userData,
	})
	disk := overlay(t, image)

	vm := startVM(t, disk, server.Listener.Addr().String())
	t.Logf("ssh answered %v after QEMU's start", vm.awaitSSH(t).Round(10*time.Millisecond))
	vm.awaitConsole(t, "user-data: done") // and so the keys of both sides are there
	firstKeys := vm.hostKeys()
	require.Len(t, firstKeys, 2)
	client := vm.login(t, "root", signer)
	require.Equal(t, "hello\n", sh(t, client, "hostname"))
	vm.awaitConsole(t, "user-data: \\| user data says hello")
	require.Equal(t, "ran\n", sh(t, client, "cat /root/runs"))
	require.Equal(t, "aloft\n", sh(t, vm.login(t, "aloft", signer), "id -un"))
	vm.awaitConsole(t, `root: file system of 9\d\d MiB`) // of a disk of 1 GiB
	require.Equal(t, "yes\n", sh(t, client, "[ $(df -m / | awk 'NR==2{print $2}') -gt 900 ] && echo yes"))
	require.Contains(t, vm.agent(t, "guest-network-get-interfaces"), `"eth0"`)

	boot := sh(t, client, "cat /proc/sys/kernel/random/boot_id; echo kept >/root/file")
	_, _ = run1(client, "reboot") // the connection is cut under it
	vm.awaitSSH(t)
	client = vm.loginWhen(t, signer, func(c *ssh.Client) bool {
		id, err := run1(c, "cat /proc/sys/kernel/random/boot_id")
		return err == nil && id != boot // else it is on its way down
	})
	require.Equal(t, "kept\nran\n", sh(t, client, "cat /root/file /root/runs"), "the disk lasts, user data does not run again")
	require.Equal(t, firstKeys, vm.hostKeys(), "a reboot keeps the host key")
	vm.pressPowerButton(t)

	// The same disk as another server, whose metadata service knows only EC2's paths and comes late: a copied disk starts
	// anew, even where the ssh server already runs with the old keys.
	late.Store(true)
	signer, publicKey = newKey(t)
	metadata.Store(&map[string]string{
		"/latest/meta-data/instance-id":               "second",
		"/latest/meta-data/hostname":                  "other",
		"/latest/meta-data/public-keys/":              "0=k",
		"/latest/meta-data/public-keys/0/openssh-key": publicKey,
		"/latest/user-data":                           userData,
	})
	vm = startVM(t, disk, server.Listener.Addr().String())
	vm.awaitConsole(t, "metadata: no answer for .*: going on without")
	vm.awaitSSH(t)
	late.Store(false)
	vm.awaitConsole(t, "user-data: done")
	client = vm.loginWhen(t, signer, func(*ssh.Client) bool { return true }) // the server is starting again
	require.Equal(t, "other\nran\nran\n", sh(t, client, "hostname; cat /root/runs"))
	require.NotEqual(t, firstKeys, vm.hostKeys())
	_, _ = run1(client, "poweroff")
	vm.awaitEnd(t)
}

// Without any metadata the ssh server still comes up, and refuses everybody.
func TestImageWithoutMetadata(t *testing.T) {
	vm := startVM(t, overlay(t, builtImage(t)), "")
	vm.awaitSSH(t)
	signer, _ := newKey(t)
	_, err := vm.tryLogin("root", signer)
	require.ErrorContains(t, err, "unable to authenticate")
	vm.pressPowerButton(t)
}

func TestBuildingAgainIsTheSame(t *testing.T) {
	image := builtImage(t)
	again := filepath.Join(t.TempDir(), "again.qcow2")
	opt, err := Options{Out: again, Log: slog.New(slog.DiscardHandler)}.withDefaults()
	require.NoError(t, err)
	unlock, err := lock(t.Context(), filepath.Join(opt.WorkDir, "lock"))
	require.NoError(t, err)
	defer unlock()
	packages, err := fetchPackages(t.Context(), opt)
	require.NoError(t, err)
	require.NoError(t, makeImage(t.Context(), opt, packages, again), "made anew, where Build would copy the finished one")
	require.NoError(t, exec.CommandContext(t.Context(), "cmp", image, again).Run())
}

// BenchmarkFirstAnswer is the time from QEMU's start to the first byte of the ssh server, at a first boot.
func BenchmarkFirstAnswer(b *testing.B) {
	image := builtImage(b)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/openstack/latest/meta_data.json" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"uuid":"bench","hostname":"bench"}`)
	}))
	defer server.Close()
	var total time.Duration
	for b.Loop() {
		vm := startVM(b, overlay(b, image), server.Listener.Addr().String())
		total += vm.awaitSSH(b)
		vm.kill()
	}
	b.ReportMetric(total.Seconds()/float64(b.N), "s/ssh")
}

// builtImage builds the image, in the work directory that aloft itself uses, so that packages are downloaded once.
func builtImage(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("building and booting the image takes half a minute: not with -short")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("the image is built from Debian's packages for amd64, and this is", runtime.GOARCH)
	}
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		t.Skip("qemu-system-x86_64 is not installed (Debian package qemu-system-x86)")
	}
	out := filepath.Join(t.TempDir(), "aloft-tiny.qcow2")
	err := Build(t.Context(), Options{Out: out, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if f := new(fault.Error); errors.As(err, &f) && f.Class == fault.Unavailable {
		t.Skip("the image cannot be built here:", err)
	}
	require.NoError(t, err)
	return out
}

func overlay(t testing.TB, image string) string {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk.qcow2")
	out, err := exec.CommandContext(t.Context(), "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image, disk, "1G").CombinedOutput()
	require.NoError(t, err, string(out))
	return disk
}

func newKey(t testing.TB) (ssh.Signer, string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	key, err := ssh.NewPublicKey(public)
	require.NoError(t, err)
	return signer, string(ssh.MarshalAuthorizedKey(key))
}

// vm is a QEMU process.
type vm struct {
	cmd     *exec.Cmd
	ended   chan error
	started time.Time
	dir     string // console, monitor and agent
	ssh     string // address of the guest's port 22
}

// bootTime is far above what a boot takes, because other tests run beside it.
const bootTime = 10 * time.Minute

// answerTime is far above what a guest takes to answer.
const answerTime = time.Minute

// startVM starts the emulator with QEMU's own user network, which here spans the link-local addresses so that the
// metadata address is one of them.
func startVM(t testing.TB, disk, metadata string) *vm {
	t.Helper()
	dir, err := os.MkdirTemp("", "tiny") // not TempDir: a path of a UNIX socket must be short
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	port := freePort(t)
	v := &vm{dir: dir, ssh: "127.0.0.1:" + port, ended: make(chan error, 1)}
	network := "user,id=n,net=169.254.0.0/16,dhcpstart=169.254.0.15,host=169.254.0.2,restrict=on,hostfwd=tcp:127.0.0.1:" + port + "-:22"
	if metadata != "" {
		self, err := os.Executable()
		require.NoError(t, err)
		network += ",guestfwd=tcp:169.254.169.254:80-cmd:" + self
	}
	v.cmd = exec.CommandContext(t.Context(), "qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", "max", "-m", "128",
		"-nodefaults", "-display", "none", "-serial", "file:"+filepath.Join(dir, "console"),
		"-qmp", "unix:"+filepath.Join(dir, "qmp")+",server=on,wait=off",
		"-drive", "file="+disk+",if=virtio,format=qcow2",
		"-netdev", network, "-device", "virtio-net-pci,netdev=n",
		"-device", "virtio-serial-pci", "-chardev", "socket,id=agent,server=on,wait=off,path="+filepath.Join(dir, "agent"),
		"-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0")
	v.cmd.Env = append(os.Environ(), guestfwd.Variable+"="+metadata)
	var complaints strings.Builder
	v.cmd.Stderr = &complaints
	v.started = time.Now()
	require.NoError(t, v.cmd.Start())
	go func() {
		err := v.cmd.Wait()
		if complaints.Len() > 0 {
			err = errors.Join(err, errors.New(complaints.String()))
		}
		v.ended <- err
	}()
	t.Cleanup(func() {
		v.kill()
		if t.Failed() {
			t.Logf("console:\n%s", v.console())
		}
	})
	return v
}

// freePort is a port that is free now and stays so: the kernel gives none of these to whoever asks for any.
func freePort(t testing.TB) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(10_000 + mathrand.IntN(20_000))
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:"+port)
		if err == nil {
			require.NoError(t, listener.Close())
			return port
		}
	}
	require.Fail(t, "no port is free")
	return ""
}

func (v *vm) kill() {
	_ = v.cmd.Process.Kill() // it may have ended
	select {
	case v.ended <- <-v.ended: // wait, and leave the value for whoever asks again
	case <-time.After(time.Minute):
	}
}

func (v *vm) console() string {
	text, err := os.ReadFile(filepath.Join(v.dir, "console"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// until polls, for what gives no event.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(bootTime); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			require.Fail(t, "it did not happen in time", "%s within %v", what, bootTime)
		}
	}
}

func (v *vm) awaitConsole(t testing.TB, pattern string) {
	t.Helper()
	wanted := regexp.MustCompile(pattern)
	until(t, pattern+" on the console", func() bool { return wanted.MatchString(v.console()) })
}

// awaitSSH returns the time from the start to the first byte of the ssh server.
func (v *vm) awaitSSH(t testing.TB) time.Duration {
	t.Helper()
	patience := 300 * time.Millisecond
	until(t, "an answer of the ssh server", func() bool {
		select {
		case err := <-v.ended:
			v.ended <- err
			require.Fail(t, "QEMU has ended", "%v", err)
		default:
		}
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", v.ssh)
		if err != nil {
			return false
		}
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(patience)) // QEMU accepts before the guest does
		patience = min(2*patience, time.Minute)            // and the guest of a slow machine is slow to greet
		line, _ := bufio.NewReader(conn).ReadString('\n')
		return strings.HasPrefix(line, "SSH-2.0-")
	})
	return time.Since(v.started)
}

// hostKeys reads the server's keys from the console, those of the last boot.
func (v *vm) hostKeys() []string {
	console := v.console()
	last := console[max(0, strings.LastIndex(console, "-----BEGIN SSH HOST KEY KEYS-----")):]
	return regexp.MustCompile(`(?m)^(?:ssh|ecdsa)-\S+ \S+`).FindAllString(last, -1)
}

func (v *vm) tryLogin(user string, signer ssh.Signer) (*ssh.Client, error) {
	known := v.hostKeys() // what the console says must be what the server has
	config := &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}}
	config.HostKeyCallback = func(_ string, _ net.Addr, key ssh.PublicKey) error {
		if shown := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))); !slices.Contains(known, shown) {
			return fmt.Errorf("host key %s is none of the console's %v", shown, known)
		}
		return nil
	}
	conn, err := net.DialTimeout("tcp", v.ssh, answerTime)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(answerTime)) // QEMU keeps connections of a guest that has gone
	c, channels, requests, err := ssh.NewClientConn(conn, v.ssh, config)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	_ = conn.SetDeadline(time.Time{})
	return ssh.NewClient(c, channels, requests), nil
}

func (v *vm) login(t testing.TB, user string, signer ssh.Signer) *ssh.Client {
	t.Helper()
	client, err := v.tryLogin(user, signer)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() }) // the machine may be gone
	return client
}

// loginWhen logs in as root again and again until the machine is as wanted.
func (v *vm) loginWhen(t testing.TB, signer ssh.Signer, wanted func(*ssh.Client) bool) *ssh.Client {
	t.Helper()
	var client *ssh.Client
	until(t, "a log-in", func() bool {
		c, err := v.tryLogin("root", signer)
		if err != nil {
			return false
		}
		if !wanted(c) {
			_ = c.Close() // the machine may be rebooting
			return false
		}
		client = c
		return true
	})
	t.Cleanup(func() { _ = client.Close() }) // the machine may be gone
	return client
}

// run1 runs a command, and cuts the connection where there is no answer: the guest may have gone without a word.
func run1(client *ssh.Client, command string) (string, error) {
	defer time.AfterFunc(answerTime, func() { _ = client.Close() }).Stop()
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer func() { _ = session.Close() }() // it may have ended by itself
	out, err := session.Output(command)
	return string(out), err
}

func sh(t testing.TB, client *ssh.Client, command string) string {
	t.Helper()
	out, err := run1(client, command)
	require.NoError(t, err, command)
	return out
}

// ask sends a command to QEMU's monitor or to the agent, both of which speak lines of JSON, and returns the answer.
func (v *vm) ask(t testing.TB, socket string, commands ...string) string {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", filepath.Join(v.dir, socket))
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(bootTime)))
	lines := bufio.NewReader(conn)
	answer := ""
	for _, command := range commands {
		require.NoError(t, json.NewEncoder(conn).Encode(map[string]string{"execute": command}))
		for answer = ""; !strings.Contains(answer, `"return"`); { // the monitor greets, and tells of events in between
			answer, err = lines.ReadString('\n')
			require.NoError(t, err)
		}
	}
	return answer
}

func (v *vm) agent(t testing.TB, command string) string { return v.ask(t, "agent", command) }

// pressPowerButton presses it and waits for the machine's end.
func (v *vm) pressPowerButton(t testing.TB) {
	t.Helper()
	v.ask(t, "qmp", "qmp_capabilities", "system_powerdown")
	v.awaitEnd(t)
	require.Contains(t, v.console(), "power: power button pressed")
}

func (v *vm) awaitEnd(t testing.TB) {
	t.Helper()
	select {
	case err := <-v.ended:
		v.ended <- err
		require.NoError(t, err)
	case <-time.After(bootTime):
		require.Fail(t, "the machine did not power off")
	}
	require.Contains(t, v.console(), "power: end")
	require.Contains(t, v.console(), "reboot: Power down")
}
