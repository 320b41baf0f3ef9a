package conformance

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/test/controlnode"
	"github.com/aloft-cloud/aloft/test/namespace"
)

// python is Debian's, for which the suites are packaged; another may come first in PATH.
const python = "/usr/bin/python3"

// suite is a set of tests that want an installation of the same kind.
type suite struct {
	name       string
	tests      string // a regular expression
	policyFile string // of the installation
	network    bool   // it is a laboratory: simulated hosts and OVN's own databases, with a network that leads outside
}

// enforceScope tells tempest that not every admin is an admin everywhere.
func (s suite) enforceScope() bool { return s.policyFile != "" }

var suites = []suite{
	{name: "api", tests: `^(tempest|keystone_tempest_plugin\.tests)\.api\.identity\.`},
	{name: "rbac", tests: `^keystone_tempest_plugin\.tests\.rbac\.`, policyFile: "policy.yaml"},
	{name: "network", tests: `^tempest\.api\.network\.`, network: true},
}

func TestConformance(t *testing.T) {
	namespace.Required(t)
	binary, err := filepath.Abs("../../bin/aloft")
	require.NoError(t, err)
	require.FileExists(t, binary, "make conformance builds it")
	excluded, err := readExclusions("skips.yaml")
	require.NoError(t, err)
	var all []result
	ran := 0
	for _, s := range suites {
		dir, err := filepath.Abs(filepath.Join("../../bin/conformance", s.name))
		require.NoError(t, err)
		require.NoError(t, os.RemoveAll(dir))
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "lock"), 0o755))
		t.Run(s.name, func(t *testing.T) {
			all = append(all, s.run(t, dir, excluded, s.install(t, binary, dir))...)
			ran++
		})
	}
	require.NoError(t, writeResults("../../bin/conformance/results.json", all))
	require.NoError(t, report(os.Stdout, all))
	for _, e := range excluded {
		names := slices.ContainsFunc(all, func(r result) bool { return e.match.MatchString(r.Test) })
		require.True(t, names || ran < len(suites), "skips.yaml leaves out %s, which no test is called", e.Tests)
	}
	for _, r := range all {
		if r.Outcome == failed {
			t.Fail()
		}
	}
}

// install starts the installation in a folder.
func (s suite) install(t *testing.T, binary, dir string) controlnode.Cloud {
	if s.network {
		return controlnode.StartLab(t, binary, dir, "--hosts", "2")
	}
	return controlnode.Start(t, binary, dir, s.settings(t)...)
}

// settings are the flags of the installation; tempest.conf says the same.
func (s suite) settings(t *testing.T) []string {
	flags := []string{"--lockout-after=2", "--lockout-for=5s", "--password-history=2"}
	if s.policyFile != "" {
		file, err := filepath.Abs(s.policyFile)
		require.NoError(t, err)
		flags = append(flags, "--policy-file="+file)
	}
	return flags
}

// run runs the tests of a suite in a folder, and returns what became of each.
func (s suite) run(t *testing.T, dir string, excluded []exclusion, c controlnode.Cloud) []result {
	var network offer
	if s.network {
		network = makeOutside(t, dir, c)
	}
	s.configure(t, dir, c, network)
	trust(t, dir, c)
	stestr(t, dir, io.Discard, "init")
	names := s.list(t, dir)
	require.NotEmpty(t, names, "no test is called %s", s.tests)
	var results []result
	var wanted []string
	for _, name := range names {
		if reason, ok := excludedBy(excluded, name); ok {
			results = append(results, result{Test: name, Outcome: leftOut, Text: reason})
			continue
		}
		wanted = append(wanted, name)
	}
	list := filepath.Join(dir, "wanted")
	require.NoError(t, os.WriteFile(list, []byte(strings.Join(wanted, "\n")+"\n"), 0o644))
	stream, err := os.Create(filepath.Join(dir, "results.subunit")) // grows while they run
	require.NoError(t, err)
	stestr(t, dir, stream, "run", "--subunit", "--concurrency", "2", "--load-list", list)
	require.NoError(t, stream.Close())
	convert := exec.Command("subunit2junitxml", "--no-passthrough", "--output-to", filepath.Join(dir, "results.xml"), filepath.Join(dir, "results.subunit"))
	if out, err := convert.CombinedOutput(); err != nil { // it fails when a test has
		require.FileExists(t, filepath.Join(dir, "results.xml"), "%s", out)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "results.xml"))
	require.NoError(t, err)
	outcomes, err := parse(raw)
	require.NoError(t, err)
	return append(results, settle(wanted, outcomes)...)
}

// configure writes what tempest and stestr want to know.
func (s suite) configure(t *testing.T, dir string, c controlnode.Cloud, network offer) {
	conf, err := os.Create(filepath.Join(dir, "tempest.conf"))
	require.NoError(t, err)
	defer conf.Close()
	require.NoError(t, template.Must(template.ParseFiles("tempest.conf.tmpl")).Execute(conf, struct {
		controlnode.Cloud
		Dir          string
		EnforceScope bool
		Network      offer
	}{c, dir, s.enforceScope(), network}))
	where, err := exec.Command(python, "-c", "import os, tempest; print(os.path.dirname(os.path.dirname(tempest.__file__)))").Output()
	require.NoError(t, err, "make conformance installs tempest")
	top := strings.TrimSpace(string(where))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".stestr.conf"), []byte(
		"[DEFAULT]\ntop_dir="+top+"\ntest_path="+top+"/tempest/test_discover\ngroup_regex=([^\\.]*\\.)*\n"), 0o644))
}

// list returns the names of the suite's tests.
func (s suite) list(t *testing.T, dir string) []string {
	var names []string
	wanted := regexp.MustCompile(s.tests)
	var out strings.Builder
	stestr(t, dir, &out, "list")
	for _, line := range strings.Fields(out.String()) {
		if wanted.MatchString(line) {
			names = append(names, line)
		}
	}
	return names
}

// trust adds the installation's authority to those that Debian's Python trusts, here and for the while: the plugin's
// clients do not read which certificates tempest is to trust.
func trust(t *testing.T, dir string, c controlnode.Cloud) {
	const system = "/etc/ssl/certs/ca-certificates.crt"
	var all []byte
	for _, file := range []string{system, c.CACert} {
		pem, err := os.ReadFile(file)
		require.NoError(t, err)
		all = append(all, pem...)
	}
	more := filepath.Join(dir, "ca-certificates.crt")
	require.NoError(t, os.WriteFile(more, all, 0o644))
	require.NoError(t, unix.Mount(more, system, "", unix.MS_BIND, ""))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(system, 0)) })
}

// stestr runs it in a folder.
func stestr(t *testing.T, dir string, out io.Writer, args ...string) {
	cmd := exec.CommandContext(t.Context(), "stestr", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TEMPEST_CONFIG_DIR="+dir, "PYTHON="+python, "PYTHONWARNINGS=ignore")
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	require.NoError(t, cmd.Run(), "stestr %s", strings.Join(args, " "))
}
