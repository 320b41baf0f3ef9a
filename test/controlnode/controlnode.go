// Package controlnode starts a control node, without hosts and their engines, for tests that drive it with what others
// wrote.
package controlnode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"gopkg.in/yaml.v3"
)

// Cloud is the administrator's entry of clouds.yaml.
type Cloud struct {
	Auth struct {
		AuthURL           string `yaml:"auth_url"`
		Username          string `yaml:"username"`
		Password          string `yaml:"password"`
		ProjectName       string `yaml:"project_name"`
		UserDomainName    string `yaml:"user_domain_name"`
		ProjectDomainName string `yaml:"project_domain_name"`
	} `yaml:"auth"`
	Region string `yaml:"region_name"`
	CACert string `yaml:"cacert"`
}

// Start starts a control node that is new, in dir, and stops it when the test ends. Its clouds.yaml is CloudsFile(dir), and
// it has one entry, "aloft".
func Start(t *testing.T, binary, dir string, settings ...string) Cloud {
	t.Helper()
	home := filepath.Join(dir, "home")
	args := []string{"serve", "--data-dir", filepath.Join(home, "data"), "--etc-dir", filepath.Join(home, "etc"), "--run-dir", filepath.Join(home, "run")}
	return start(t, binary, dir, append(args, settings...))
}

// StartLab starts one with simulated hosts, whose networks are written to OVN's own northbound database.
func StartLab(t *testing.T, binary, dir string, settings ...string) Cloud {
	t.Helper()
	return start(t, binary, dir, append([]string{"lab", "--data", filepath.Join(dir, "home")}, settings...))
}

func start(t *testing.T, binary, dir string, args []string) Cloud {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, "aloft.log"))
	require.NoError(t, err)
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(unix.SIGTERM))
		require.NoError(t, <-ended, "aloft ends well; its log is %s", log.Name())
		require.NoError(t, log.Close())
	})
	var entry Cloud
	deadline := time.Now().Add(time.Minute)
	for {
		entry, err = admin(CloudsFile(dir))
		if err == nil {
			err = answers(t.Context(), entry)
		}
		if err == nil {
			return entry
		}
		select {
		case err := <-ended:
			ended <- err
			require.Fail(t, "aloft ended", "%v; its log is %s", err, log.Name())
		case <-time.After(50 * time.Millisecond):
		}
		require.True(t, time.Now().Before(deadline), "aloft does not answer: %v; its log is %s", err, log.Name())
	}
}

// CloudsFile is the clouds.yaml of the control node that was started in dir.
func CloudsFile(dir string) string { return filepath.Join(dir, "home", "etc", "clouds.yaml") }

func admin(file string) (Cloud, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return Cloud{}, err
	}
	var all struct{ Clouds map[string]Cloud }
	err = yaml.Unmarshal(raw, &all)
	return all.Clouds["aloft"], err
}

// answers tells whether the API can be reached.
func answers(ctx context.Context, c Cloud) error {
	pem, err := os.ReadFile(c.CACert)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Auth.AuthURL, nil)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", c.Auth.AuthURL, resp.Status)
	}
	return nil
}
