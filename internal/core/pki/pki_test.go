package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/pki"
)

const day = 24 * time.Hour

func ensure(t *testing.T, dir string, addresses ...string) *pki.Authority {
	t.Helper()
	a, err := pki.Ensure(dir, addresses...)
	require.NoError(t, err)
	return a
}

func leaf(t *testing.T, c *tls.Config) *x509.Certificate {
	t.Helper()
	cert, err := c.GetCertificate(nil)
	require.NoError(t, err)
	return cert.Leaf
}

// handshake connects a client to a server, and returns what the server sees of the client.
func handshake(t *testing.T, server, client *tls.Config) (seen tls.ConnectionState, err error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	b, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	a, err := l.Accept()
	require.NoError(t, err)
	var group sync.WaitGroup
	s, c := tls.Server(a, server), tls.Client(b, client)
	var serverErr error
	group.Go(func() {
		serverErr = s.Handshake()
		_ = a.Close() // whoever still waits at the other end is done
	})
	err = c.Handshake()
	if err == nil {
		_, _ = c.Read(make([]byte, 1)) // of TLS 1.3: until the server has judged the client
	}
	_ = b.Close()
	group.Wait()
	return s.ConnectionState(), errors.Join(err, serverErr)
}

func named(c *tls.Config, name string) *tls.Config {
	c = c.Clone()
	c.ServerName = name
	return c
}

func mutual(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c
}

func TestTheServersNames(t *testing.T) {
	dir := t.TempDir()
	a := ensure(t, dir, "10.1.2.3:8443", "cloud.example.org", "0.0.0.0:8443", "[::]:1")
	client, err := pki.ClientTLS(filepath.Join(dir, pki.CAFile))
	require.NoError(t, err)
	host, err := os.Hostname()
	require.NoError(t, err)
	for _, name := range []string{"localhost", "127.0.0.1", "::1", host, "10.1.2.3", "cloud.example.org"} {
		_, err := handshake(t, a.ServerTLS(), named(client, name))
		require.NoError(t, err, name)
	}
	for _, name := range []string{"10.1.2.4", "0.0.0.0", "example.org"} {
		_, err := handshake(t, a.ServerTLS(), named(client, name))
		require.Error(t, err, name)
	}
}

func TestItIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	first := ensure(t, dir)
	again := ensure(t, dir)
	require.Equal(t, first.CAPEM(), again.CAPEM())
	require.Equal(t, leaf(t, first.ServerTLS()).Raw, leaf(t, again.ServerTLS()).Raw)

	more := ensure(t, dir, "10.0.0.1")
	require.Equal(t, first.CAPEM(), more.CAPEM())
	require.NoError(t, leaf(t, more.ServerTLS()).VerifyHostname("10.0.0.1"), "a new address needs a new certificate")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "server.pem"), []byte("torn"), 0o600))
	require.NotEqual(t, leaf(t, more.ServerTLS()).Raw, leaf(t, ensure(t, dir, "10.0.0.1").ServerTLS()).Raw, "a damaged one too")
}

func TestFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	a := ensure(t, filepath.Join(dir, "pki"))
	require.NoError(t, admit(a, "h1", filepath.Join(dir, "host")))
	want := map[string]fs.FileMode{
		"pki/ca.pem": 0o644, "pki/server.pem": 0o644, "host/ca.pem": 0o644, "host/host.pem": 0o644,
		"pki/ca-key.pem": 0o600, "pki/server-key.pem": 0o600, "host/host-key.pem": 0o600, "pki/.lock": 0o600,
	}
	got := map[string]fs.FileMode{}
	for _, sub := range []string{"pki", "host"} {
		info, err := os.Stat(filepath.Join(dir, sub))
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		require.NoError(t, err)
		for _, e := range entries {
			info, err := e.Info()
			require.NoError(t, err)
			got[filepath.Join(sub, e.Name())] = info.Mode().Perm()
		}
	}
	require.Equal(t, want, got, "and nothing else is left")
}

func TestADamagedAuthorityIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	ensure(t, dir)
	key, err := os.ReadFile(filepath.Join(dir, "ca-key.pem"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, "ca-key.pem")))
	_, err = pki.Ensure(dir)
	require.True(t, fault.Is(err, fault.Unavailable))
	require.ErrorContains(t, err, "put the key back")

	ensure(t, filepath.Join(dir, "other"))
	require.NoError(t, os.Rename(filepath.Join(dir, "other", "ca-key.pem"), filepath.Join(dir, "ca-key.pem")))
	_, err = pki.Ensure(dir)
	require.ErrorContains(t, err, "is not the certificate of the key")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca-key.pem"), key, 0o600))
	ensure(t, dir)
}

func TestTwoProcessesMakeOne(t *testing.T) {
	dir := t.TempDir()
	var group sync.WaitGroup
	made := make(chan string, 4)
	for range cap(made) {
		group.Go(func() {
			a, err := pki.Ensure(dir)
			if err == nil {
				made <- string(a.CAPEM())
			}
		})
	}
	group.Wait()
	require.Len(t, made, cap(made))
	first := <-made
	for range cap(made) - 1 {
		require.Equal(t, first, <-made)
	}
}

func TestRoles(t *testing.T) {
	a := ensure(t, t.TempDir())
	server := mutual(a.ServerTLS())
	host, err := a.HostTLS("h1")
	require.NoError(t, err)
	for want, client := range map[pki.Role]*tls.Config{pki.RoleHost: host, pki.RoleControl: a.ServerTLS()} {
		state, err := handshake(t, server, named(client, "localhost"))
		require.NoError(t, err, want)
		role, id, err := pki.Peer(&state)
		require.NoError(t, err)
		require.Equal(t, want, role)
		if want == pki.RoleHost {
			require.Equal(t, "h1", id)
		}
	}
	_, _, err = pki.Peer(nil)
	require.Error(t, err)

	other, err := ensure(t, t.TempDir()).HostTLS("h1")
	require.NoError(t, err)
	other.RootCAs = host.RootCAs
	_, err = handshake(t, server, named(other, "localhost"))
	require.Error(t, err, "of another authority")
	_, err = handshake(t, server, named(&tls.Config{RootCAs: host.RootCAs, MinVersion: tls.VersionTLS13}, "localhost"))
	require.Error(t, err, "without a certificate")
	cert, err := host.GetClientCertificate(nil)
	require.NoError(t, err)
	_, err = handshake(t, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS13}, named(host, "localhost"))
	require.Error(t, err, "a host cannot pose as a control node")
	for _, id := range []string{"", "a.b", "*", ">", "a b", "h\n"} {
		_, err := a.HostTLS(id)
		require.True(t, fault.Is(err, fault.Invalid), "%q", id)
	}
}

// admit gives a host what it needs, as joining does.
func admit(a *pki.Authority, id, dir string) error {
	request, err := pki.HostRequest(dir, id)
	if err != nil {
		return err
	}
	key, err := pki.RequestKey(request)
	if err != nil {
		return err
	}
	cert, err := a.SignHost(id, key)
	if err != nil {
		return err
	}
	return pki.KeepHost(dir, a.CAPEM(), cert)
}

func TestAHostKeepsOnlyWhatIsItsOwn(t *testing.T) {
	a, dir := ensure(t, t.TempDir()), t.TempDir()
	require.NoError(t, admit(a, "h1", dir))
	for _, bad := range []string{"", "x", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"} {
		_, err := pki.RequestKey([]byte(bad))
		require.True(t, fault.Is(err, fault.Invalid), "%q", bad)
	}
	request, err := pki.HostRequest(dir, "h1")
	require.NoError(t, err)
	key, err := pki.RequestKey(request)
	require.NoError(t, err)
	_, err = a.SignHost("a.b", key)
	require.True(t, fault.Is(err, fault.Invalid))

	cert, err := a.SignHost("h1", key)
	require.NoError(t, err)
	require.ErrorContains(t, pki.KeepHost(dir, ensure(t, t.TempDir()).CAPEM(), cert), "not of the CA")
	other := t.TempDir()
	_, err = pki.HostRequest(other, "h1")
	require.NoError(t, err)
	require.ErrorContains(t, pki.KeepHost(other, a.CAPEM(), cert), "does not fit the host's key")
}

func TestHostsOnOtherMachines(t *testing.T) {
	a, dir := ensure(t, t.TempDir()), t.TempDir()
	_, err := pki.LoadHostTLS(dir)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, admit(a, "h1", dir))
	c, err := pki.LoadHostTLS(dir)
	require.NoError(t, err)
	for _, id := range []string{"h1", "h2"} {
		require.NoError(t, admit(a, id, dir))
		state, err := handshake(t, mutual(a.ServerTLS()), named(c, "localhost"))
		require.NoError(t, err)
		_, got, err := pki.Peer(&state)
		require.NoError(t, err)
		require.Equal(t, id, got, "a certificate that was replaced is used at once")
	}
}

// The clock of the bubble goes where the test wants.
func TestRenewal(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a := ensure(t, dir)
		server, first := a.ServerTLS(), leaf(t, a.ServerTLS())
		host, err := a.HostTLS("h1")
		require.NoError(t, err)
		require.NoError(t, admit(a, "h1", filepath.Join(dir, "host")))
		begun := time.Now()
		for time.Since(begun) < 9*365*day { // without a restart
			time.Sleep(20 * day)
			now := leaf(t, server)
			require.Greater(t, time.Until(now.NotAfter), 20*day)
			_, err := handshake(t, mutual(server), named(host, "localhost"))
			require.NoError(t, err)
		}
		require.NotEqual(t, first.Raw, leaf(t, server).Raw)
		require.Equal(t, leaf(t, server).Raw, leaf(t, ensure(t, dir).ServerTLS()).Raw, "and it is stored")

		old := a.CAPEM()
		after := ensure(t, dir)
		require.NotEqual(t, old, after.CAPEM(), "the authority renews itself at a start, with the same key")
		_, err = handshake(t, after.ServerTLS(), named(a.ServerTLS(), "localhost"))
		require.NoError(t, err, "so those who know the old certificate still trust it")
	})
}
