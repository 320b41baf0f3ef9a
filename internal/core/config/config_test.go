package config_test

import (
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/config"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

func parse(t *testing.T, args ...string) (config.Config, error) {
	t.Helper()
	c := config.Default()
	flags := pflag.NewFlagSet("aloft", pflag.ContinueOnError)
	c.Bind(flags)
	require.NoError(t, flags.Parse(args))
	return c, c.Complete()
}

func TestDefaults(t *testing.T) {
	c, err := parse(t)
	require.NoError(t, err)
	require.Equal(t, config.Config{
		DataDir: "/var/lib/aloft", EtcDir: "/etc/aloft", RunDir: "/run/aloft",
		Listen: "127.0.0.1:8443", PublicURL: "https://127.0.0.1:8443",
		Database: "sqlite:///var/lib/aloft/aloft.db", Region: "RegionOne", Outside: "172.24.4.1/24", LogLevel: "info", LimitModel: "flat",
	}, c)
}

func TestWhatFollows(t *testing.T) {
	c, err := parse(t, "--data-dir", "/srv/x", "--listen", "0.0.0.0:9000", "--bus-cluster-listen=:1", "--bus-routes=a:1,b:2")
	require.NoError(t, err)
	require.Equal(t, "sqlite:///srv/x/aloft.db", c.Database)
	require.Equal(t, "https://127.0.0.1:9000", c.PublicURL, "nobody can connect to 0.0.0.0")
	require.Equal(t, []string{"a:1", "b:2"}, c.BusRoutes)

	for listen, want := range map[string]string{
		"[::1]:8443": "https://[::1]:8443", ":8443": "https://127.0.0.1:8443", "10.0.0.1:443": "https://10.0.0.1",
		"[::]:8443": "https://127.0.0.1:8443", "cloud.example.org:8443": "https://cloud.example.org:8443",
	} {
		c, err := parse(t, "--listen", listen)
		require.NoError(t, err)
		require.Equal(t, want, c.PublicURL)
	}
	c, err = parse(t, "--public-url", "https://cloud.example.org/", "--database", "postgres://aloft@db/aloft")
	require.NoError(t, err)
	require.Equal(t, "https://cloud.example.org", c.PublicURL)
}

func TestAnAddressForOtherHosts(t *testing.T) {
	c, err := parse(t, "--address=10.0.0.1", "--listen=0.0.0.0:8443")
	require.NoError(t, err)
	require.Equal(t, "https://10.0.0.1:8443", c.PublicURL)
	require.Equal(t, "10.0.0.1:4222", c.BusListen)
	require.Equal(t, "10.0.0.1:6642", c.OVNListen)
	c, err = parse(t, "--address=10.0.0.1", "--bus-listen=10.0.0.1:9", "--ovn-listen=10.0.0.1:8")
	require.NoError(t, err)
	require.Equal(t, "https://127.0.0.1:8443", c.PublicURL, "that is where it listens")
	require.Equal(t, "10.0.0.1:9", c.BusListen)
	require.Equal(t, "10.0.0.1:8", c.OVNListen)
}

func TestLogIn(t *testing.T) {
	c, err := parse(t, "--lockout-after=2", "--lockout-for=5s", "--password-pattern", "[a-z], too", "--password-pattern=[0-9]",
		"--password-history=3", "--password-minimum-age=1h", "--password-expires-after=2160h", "--password-first-use")
	require.NoError(t, err)
	require.Equal(t, config.LogIn{LockoutAfter: 2, LockoutFor: 5 * time.Second, Password: config.Password{
		Patterns: []string{"[a-z], too", "[0-9]"}, History: 3, MinimumAge: time.Hour, ExpiresAfter: 90 * 24 * time.Hour, FirstUse: true,
	}}, c.LogIn)
	_, err = parse(t, "--password-minimum-age=1h", "--password-expires-after=30m")
	require.ErrorContains(t, err, "--password-minimum-age 1h0m0s must be shorter")
}

func TestLoad(t *testing.T) {
	c, err := parse(t, "--max-working=8", "--max-waiting=100", "--max-waiting-of-client=10", "--client-rate=50")
	require.NoError(t, err)
	require.Equal(t, config.Load{Working: 8, Waiting: 100, Share: 10, ClientRate: 50}, c.Load)
}

func TestRefusals(t *testing.T) {
	for arg, field := range map[string]string{
		"--max-working=-1":         "max-working",
		"--client-rate=-1":         "client-rate",
		"--data-dir=x":             "data-dir",
		"--run-dir=":               "run-dir",
		"--listen=8443":            "listen",
		"--listen=127.0.0.1:https": "listen",
		"--listen=127.0.0.1:70000": "listen",
		"--bus-listen=x":           "bus-listen",
		"--ovn-listen=x":           "ovn-listen",
		"--address=host":           "address",
		"--address=0.0.0.0":        "address",
		"--address=fd00::1":        "address",
		"--outside-device=a b":     "outside-device",
		"--tunnel-device=/dev/x":   "tunnel-device",
		"--bus-routes=a:1":         "bus-routes",
		"--ovn-members=10.0.0.1":   "ovn-members",
		"--ovn-members=a":          "ovn-members",
		"--public-url=http://x":    "public-url",
		"--public-url=https://x/y": "public-url",
		"--database=sqlite://x.db": "database",
		"--database=mysql://x":     "database",
		"--region=a b":             "region",
		"--region=":                "region",
		"--outside=172.24.4.1":     "outside",
		"--outside=172.24.4.0/24":  "outside",
		"--outside=10.0.0.1/30":    "outside",
		"--outside=fd00::1/64":     "outside",
		"--log-level=loud":         "log-level",
		"--lockout-for=-1s":        "lockout-for",
		"--password-history=-1":    "password-history",
	} {
		_, err := parse(t, arg)
		require.True(t, fault.Is(err, fault.Invalid), "%s: %v", arg, err)
		require.Equal(t, field, fault.Of(err).Field, arg)
		require.ErrorContains(t, err, "--"+field, arg)
	}
}
