package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/aloft-cloud/aloft/test/controlnode"
	"github.com/aloft-cloud/aloft/test/namespace"
)

// left are the identity commands that need what Aloft does not offer: OAuth1.
var left = []string{
	"access token create", "consumer create", "consumer delete", "consumer list", "consumer set", "consumer show",
	"request token authorize", "request token create",
}

// TestIdentityCommands runs every identity command that Debian's openstack client has, against a control node alone.
func TestIdentityCommands(t *testing.T) {
	namespace.Required(t)
	binary, err := filepath.Abs("../../bin/aloft")
	require.NoError(t, err)
	require.FileExists(t, binary, "make e2e builds it")
	dir := t.TempDir()
	cloud := controlnode.Start(t, binary, dir)
	c := startClient(t, cloudsOf(t, dir, cloud))
	for _, part := range identityCommands() {
		t.Run(part.name, func(t *testing.T) {
			for _, s := range part.steps {
				c.do(t, s)
			}
		})
	}
	for _, command := range c.commands {
		if !c.ran[command] && !slices.Contains(left, command) {
			t.Errorf("the client has the command %q, and nothing here runs it", command)
		}
	}
}

// step is a command and what must come of it. The command may begin with "name = ", which keeps its id for later
// commands to name as {name}, and with "user/password: ", who then runs it in place of the administrator. What comes of it is
// JSON, of which the client's must hold at least as much; or "!" and what the refusal says; or "~" and what is printed
// otherwise; or nothing to look at.
type step struct{ command, want string }

// client is the openstack client, which waits for commands.
type client struct {
	commands []string // of identity
	ran      map[string]bool
	ids      map[string]string
	in       io.Writer
	out      *bufio.Reader
}

// cloudsOf writes a clouds.yaml, with an entry for the administrator and one for each password that alina has had.
func cloudsOf(t *testing.T, dir string, admin controlnode.Cloud) (file string) {
	t.Helper()
	clouds := map[string]controlnode.Cloud{"aloft": admin}
	for _, password := range []string{"secret-1", "secret-2", "secret-3"} {
		hers := admin
		hers.Auth.Username, hers.Auth.Password, hers.Auth.ProjectName = "alina", password, "www"
		hers.Auth.UserDomainName, hers.Auth.ProjectDomainName = "acme", "acme"
		clouds["alina/"+password] = hers
	}
	raw, err := yaml.Marshal(map[string]any{"clouds": clouds})
	require.NoError(t, err)
	file = filepath.Join(dir, "clouds.yaml")
	require.NoError(t, os.WriteFile(file, raw, 0o600))
	return file
}

func startClient(t *testing.T, clouds string) *client {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "commands.py") // Debian's, as its client is
	cmd.Dir, cmd.Env, cmd.Stderr = "testdata/identity", append(os.Environ(), "OS_CLIENT_CONFIG_FILE="+clouds), t.Output()
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, in.Close())
		require.NoError(t, cmd.Wait())
	})
	c := &client{ran: map[string]bool{}, ids: map[string]string{}, in: in, out: bufio.NewReader(out)}
	c.read(t, &c.commands)
	require.Greater(t, len(c.commands), 100)
	return c
}

func (c *client) read(t *testing.T, into any) {
	t.Helper()
	line, err := c.out.ReadBytes('\n')
	require.NoError(t, err, "the client ended; make deps-test installs it")
	require.NoError(t, json.Unmarshal(line, into))
}

// do runs a step.
func (c *client) do(t *testing.T, s step) {
	t.Helper()
	command, keep := s.command, ""
	if name, rest, ok := strings.Cut(command, " = "); ok {
		keep, command = name, rest
	}
	args := []string{"--os-cloud", "aloft"}
	if who, rest, ok := strings.Cut(command, ": "); ok {
		command, args = rest, []string{"--os-cloud", who}
	}
	c.note(command)
	for name, id := range c.ids {
		command = strings.ReplaceAll(command, "{"+name+"}", id)
	}
	args = append(args, strings.Fields(command)...)
	wantsJSON := keep != "" || strings.HasPrefix(s.want, "{") || strings.HasPrefix(s.want, "[")
	if wantsJSON {
		args = append(args, "-f", "json")
	}
	require.NoError(t, json.NewEncoder(c.in).Encode(args))
	var got struct {
		Code     int
		Out, Err string
	}
	c.read(t, &got)
	if says, refused := strings.CutPrefix(s.want, "!"); refused {
		assert.NotZero(t, got.Code, "%s should be refused, and prints %s", command, got.Out)
		assert.Contains(t, got.Err, says, command)
		return
	}
	if !assert.Zero(t, got.Code, "%s: %s", command, got.Err) {
		return
	}
	if says, prints := strings.CutPrefix(s.want, "~"); prints {
		assert.Contains(t, got.Out+got.Err, says, command)
	}
	if wantsJSON {
		c.compare(t, command, keep, s.want, got.Out)
	}
}

// note remembers which of the client's commands a step runs: the longest that it begins with.
func (c *client) note(command string) {
	ran := ""
	for _, known := range c.commands {
		if strings.HasPrefix(command+" ", known+" ") && len(known) > len(ran) {
			ran = known
		}
	}
	c.ran[ran] = true
}

func (c *client) compare(t *testing.T, command, keep, want, printed string) {
	t.Helper()
	var got, wanted any
	require.NoError(t, json.Unmarshal([]byte(printed), &got), "%s prints %s", command, printed)
	if keep != "" {
		made, _ := got.(map[string]any)
		for _, key := range []string{"id", "access"} {
			if id, ok := made[key].(string); ok {
				c.ids[keep] = id
			}
		}
		if rules, ok := made["access_rules"].([]any); ok && len(rules) > 0 {
			c.ids[keep+"_rule"], _ = rules[0].(map[string]any)["id"].(string)
		}
		require.NotEmpty(t, c.ids[keep], "%s prints no id: %s", command, printed)
	}
	if want == "" {
		return
	}
	for name, id := range c.ids {
		want = strings.ReplaceAll(want, "{"+name+"}", id)
	}
	require.NoError(t, json.Unmarshal([]byte(want), &wanted), want)
	assert.NoError(t, holds(got, wanted), "%s prints %s", command, printed)
}

// holds tells what is missing in got of what is wanted. Of a list all that is wanted must be there, and an empty one is
// wanted empty.
func holds(got, want any) error {
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for k, v := range want {
			value, there := object[k]
			if !there {
				return fmt.Errorf("there is no %q", k)
			}
			if err := holds(value, v); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(want) == 0 && len(list) > 0 {
			return fmt.Errorf("it is %v", got)
		}
		for _, v := range want {
			if !slices.ContainsFunc(list, func(item any) bool { return holds(item, v) == nil }) {
				return fmt.Errorf("there is no %v", v)
			}
		}
	default:
		if got != want {
			return fmt.Errorf("it is %v and not %v", got, want)
		}
	}
	return nil
}
