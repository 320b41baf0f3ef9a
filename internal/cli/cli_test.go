package cli_test

import (
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/cli"
)

func encodePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

const (
	serverA = "20000000-0000-4000-8000-00000000000a"
	serverB = "20000000-0000-4000-8000-00000000000b"
)

func server(id, name, status, more string) string {
	return `{"id":"` + id + `","name":"` + name + `","status":"` + status + `","tenant_id":"p","created":"2026-01-01T00:00:00Z","updated":"2026-01-01T00:00:00Z",
		"image":{"id":"10000000-0000-4000-8000-000000000001"},"flavor":{"original_name":"small"},"metadata":{},"key_name":"k",
		"addresses":{"net":[{"addr":"10.0.0.5","version":4,"OS-EXT-IPS:type":"fixed"},{"addr":"172.24.4.9","version":4,"OS-EXT-IPS:type":"floating"}]}` + more + `}`
}

func TestServerList(t *testing.T) {
	c := newCloud(t)
	c.answer("GET /compute/v2.1/servers/detail", 200, `{"servers":[`+server(serverA, `one\u001b[31m`, "ACTIVE", "")+`]}`)
	code, out, errOut := aloft(t, "--os-cloud", "demo", "server", "list")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "ID ")
	require.Contains(t, out, serverA)
	require.Contains(t, out, "net=172.24.4.9, net=10.0.0.5")
	require.Contains(t, out, "tiny")
	require.NotContains(t, out, "\x1b", "a name may not steer the terminal")

	code, out, errOut = aloft(t, "--os-cloud", "demo", "server", "list", "-o", "json")
	require.Zero(t, code, errOut)
	var list []map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	require.Equal(t, "small", list[0]["flavor"])
	require.Equal(t, []any{"net=172.24.4.9", "net=10.0.0.5"}, list[0]["addresses"])

	code, _, errOut = aloft(t, "--os-cloud", "demo", "server", "list", "-o", "xml")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "table or json")
}

func TestNamesAndIDs(t *testing.T) {
	c := newCloud(t)
	c.answer("GET /compute/v2.1/servers/detail", 200, `{"servers":[`+server(serverA, "twin", "ACTIVE", "")+","+server(serverB, "twin", "ACTIVE", "")+
		","+server("20000000-0000-4000-8000-00000000000c", "twins", "ACTIVE", "")+`]}`)
	c.answer("GET /compute/v2.1/servers/"+serverB, 200, `{"server":`+server(serverB, "twin", "ACTIVE", "")+`}`)
	code, _, errOut := aloft(t, "--os-cloud", "demo", "server", "show", "twin")
	require.Equal(t, 1, code)
	require.Equal(t, `aloft: there are 2 servers with the name "twin"; say which by its id: `+serverA+", "+serverB+"\n", errOut)
	code, out, errOut := aloft(t, "--os-cloud", "demo", "server", "show", serverB, "-o", "json")
	require.Zero(t, code, errOut)
	require.Contains(t, out, serverB)
	code, _, errOut = aloft(t, "--os-cloud", "demo", "server", "show", "nobody")
	require.Equal(t, 1, code)
	require.Equal(t, "aloft: there is no server with the name or id \"nobody\"\n", errOut)
}

// creation answers what `server create` asks, and shows the server in one state after the other.
func (c *cloud) creation(states ...string) *map[string]any {
	var asked map[string]any
	c.answer("GET /compute/v2.1/flavors/detail", 200, `{"flavors":[{"id":"1","name":"small"}]}`)
	c.answer("GET /network/v2.0/networks", 200, `{"networks":[{"id":"30000000-0000-4000-8000-000000000001","name":"net","router:external":true,"mtu":1442}]}`)
	c.answer("GET /network/v2.0/ports", 200, `{"ports":[{"id":"port-1"}]}`)
	c.answer("POST /network/v2.0/floatingips", 201, `{"floatingip":{"id":"f","floating_ip_address":"172.24.4.9"}}`)
	c.handle("POST /compute/v2.1/servers", func(body map[string]any) (int, string) {
		asked = body
		return 202, `{"server":{"id":"` + serverA + `"}}`
	})
	c.handle("GET /compute/v2.1/servers/"+serverA, func(map[string]any) (int, string) {
		state := states[0]
		if len(states) > 1 {
			states = states[1:]
		}
		if state == "gone" {
			return 404, `{"itemNotFound":{"code":404,"message":"gone"}}`
		}
		status, step, _ := strings.Cut(state, "/")
		more := `,"OS-EXT-STS:task_state":"` + step + `"`
		if status == "ERROR" {
			more += `,"fault":{"code":500,"message":"no host has room: h1 lacks memory","created":"2026-01-01T00:00:00Z"}`
		}
		return 200, `{"server":` + server(serverA, "one", status, more) + `}`
	})
	return &asked
}

func TestServerCreate(t *testing.T) {
	c := newCloud(t)
	asked := c.creation("BUILD/scheduling", "BUILD/spawning", "ACTIVE")
	script := filepath.Join(c.dir, "script")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\n"), 0o600))
	code, out, errOut := aloft(t, "--os-cloud", "demo", "server", "create", "one", "--image", "tiny", "--flavor", "small", "--network", "net",
		"--key-name", "k", "--security-group", "web", "--security-group", "ssh", "--user-data", script, "--floating-ip", "--wait")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "ACTIVE")
	for _, line := range []string{"BUILD  scheduling", "BUILD  spawning", "one  ACTIVE", "floating ip 172.24.4.9"} {
		require.Contains(t, errOut, line)
	}
	s := (*asked)["server"].(map[string]any)
	require.Equal(t, "10000000-0000-4000-8000-000000000001", s["imageRef"])
	require.Equal(t, "1", s["flavorRef"])
	require.Equal(t, "k", s["key_name"])
	require.Equal(t, "IyEvYmluL3NoCg==", s["user_data"])
	require.Equal(t, []any{map[string]any{"uuid": "30000000-0000-4000-8000-000000000001"}}, s["networks"])
	require.Len(t, s["security_groups"], 2)
}

func TestServerCreateEndsInError(t *testing.T) {
	c := newCloud(t)
	c.creation("BUILD/scheduling", "ERROR")
	code, _, errOut := aloft(t, "--os-cloud", "demo", "server", "create", "one", "--image", "tiny", "--flavor", "small", "--wait")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "aloft: server one is in state ERROR: no host has room: h1 lacks memory\n")

	code, _, errOut = aloft(t, "--os-cloud", "demo", "server", "create", "one", "--image", "nothing", "--flavor", "small")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, `there is no image with the name or id "nothing"`)

	c.creation("BUILD/spawning")
	code, _, errOut = aloft(t, "--os-cloud", "demo", "server", "create", "one", "--image", "tiny", "--flavor", "small", "--wait", "--timeout", "300ms")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "did not reach ACTIVE within 300ms; it was last seen as: BUILD spawning")
}

func TestServerDeleteWaits(t *testing.T) {
	c := newCloud(t)
	c.creation("ACTIVE", "ACTIVE/deleting", "gone")
	c.answer("DELETE /compute/v2.1/servers/"+serverA, 204, "")
	code, _, errOut := aloft(t, "--os-cloud", "demo", "server", "delete", serverA, "--wait")
	require.Zero(t, code, errOut)
	require.Contains(t, errOut, "one is gone")
}

func TestErrorsAreOneSentence(t *testing.T) {
	c := newCloud(t)
	for body, want := range map[string]string{
		`{"forbidden":{"code":403,"message":"You may\nnot."}}`:                       "You may not.",
		`{"NeutronError":{"type":"X","message":"No such network","detail":""}}`:      "No such network",
		`{"code":"403 Forbidden","title":"Forbidden","message":"Image is private."}`: "Image is private.",
		`oops`: "was answered with status 403",
	} {
		c.answer("GET /compute/v2.1/servers/detail", 403, body)
		code, _, errOut := aloft(t, "--os-cloud", "demo", "server", "list")
		require.Equal(t, 1, code)
		require.Contains(t, errOut, want)
		require.Equal(t, 1, strings.Count(errOut, "\n"), errOut)
	}
	c.answer("POST /identity/v3/auth/tokens", 401, `{"error":{"code":401,"title":"Unauthorized","message":"wrong password"}}`)
	_, _, errOut := aloft(t, "--os-cloud", "demo", "server", "list")
	require.Contains(t, errOut, "logging in at "+c.URL)
	require.Contains(t, errOut, "wrong password")
	c.Close()
	_, _, errOut = aloft(t, "--os-cloud", "demo", "server", "list")
	require.Contains(t, errOut, "is the cloud running?")
}

func TestCredentials(t *testing.T) {
	c := newCloud(t)
	c.answer("GET /compute/v2.1/servers/detail", 200, `{"servers":[]}`)
	_, _, errOut := aloft(t, "--os-cloud", "other", "server", "list")
	require.Contains(t, errOut, `there is no cloud "other" in clouds.yaml`)
	require.Contains(t, errOut, "demo")

	t.Setenv("OS_CLOUD", "demo")
	code, _, errOut := aloft(t, "server", "list")
	require.Zero(t, code, errOut)

	// The file of the working directory does not have the cloud; the user's own has.
	user := filepath.Join(c.dir, ".config", "openstack")
	require.NoError(t, os.MkdirAll(user, 0o700))
	raw, err := os.ReadFile("clouds.yaml")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(user, "clouds.yaml"), []byte(strings.Replace(string(raw), "demo:", "mine:", 1)), 0o600))
	code, _, errOut = aloft(t, "--os-cloud", "mine", "server", "list")
	require.Zero(t, code, errOut)

	t.Setenv("OS_CLOUD", "")
	for name, value := range map[string]string{
		"OS_AUTH_URL": c.URL + "/identity/v3", "OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_PROJECT_NAME": "demo",
		"OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default", "OS_REGION_NAME": "RegionOne",
	} {
		t.Setenv(name, value)
	}
	_, _, errOut = aloft(t, "server", "list")
	require.Contains(t, errOut, "OS_CACERT", "its certificate is not trusted yet")
	t.Setenv("OS_CACERT", filepath.Join(c.dir, "ca.pem"))
	code, _, errOut = aloft(t, "server", "list")
	require.Zero(t, code, errOut)
}

func TestImageUpload(t *testing.T) {
	c := newCloud(t)
	const id = "10000000-0000-4000-8000-000000000009"
	var asked map[string]any
	c.handle("POST /image/v2/images", func(body map[string]any) (int, string) {
		asked = body
		return 201, `{"id":"` + id + `","name":"disk","status":"queued","size":null}`
	})
	c.answer("PUT /image/v2/images/"+id+"/file", 204, "")
	c.answer("GET /image/v2/images/"+id, 200, `{"id":"`+id+`","name":"disk","status":"active","size":7}`)
	c.answer("DELETE /image/v2/images/"+id, 204, "")
	require.NoError(t, os.WriteFile("disk.img", []byte("QFI\xfbxyz"), 0o600))
	code, out, errOut := aloft(t, "--os-cloud", "demo", "image", "upload", "disk.img", "--property", "os_distro=debian")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "active")
	require.Equal(t, "qcow2", asked["disk_format"])
	require.Equal(t, "disk", asked["name"])
	require.Equal(t, "debian", asked["os_distro"])
	require.False(t, c.was("DELETE /image/v2/images/"+id))

	c.answer("PUT /image/v2/images/"+id+"/file", 400, `{"code":"400 Bad Request","title":"Bad Request","message":"has a backing file"}`)
	code, _, errOut = aloft(t, "--os-cloud", "demo", "image", "upload", "disk.img")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "has a backing file")
	require.True(t, c.was("DELETE /image/v2/images/"+id), "nothing is left of an upload that failed")
}

// TestEveryCommandExplainsItself walks the tree: each command has a sentence, and nothing runs on an unknown word.
func TestEveryCommandExplainsItself(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		require.NotEmpty(t, c.Short, c.CommandPath())
		require.False(t, c.Runnable() && c.Args == nil && c.HasParent(), "%s takes any argument", c.CommandPath())
		for _, child := range c.Commands() {
			walk(child)
		}
	}
	walk(cli.Root("test", &cobra.Command{Use: "up", Short: "Up", Args: cobra.NoArgs, Run: func(*cobra.Command, []string) {}}))
	code, out, _ := aloft(t, "--version")
	require.Zero(t, code)
	require.Equal(t, "aloft test\n", out)
	code, _, errOut := aloft(t, "sever", "list")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "server")
}

func TestServerSSH(t *testing.T) {
	c := newCloud(t)
	c.creation("ACTIVE")
	c.answer("GET /compute/v2.1/os-keypairs/k", 200, `{"keypair":{"name":"k","public_key":"ssh-ed25519 AAAA k"}}`)
	c.answer("GET /image/v2/images/10000000-0000-4000-8000-000000000001", 200, `{"id":"1","size":1,"os_admin_user":"debian"}`)
	require.NoError(t, os.WriteFile("demo_ed25519.pub", []byte("ssh-ed25519 AAAA x\n"), 0o600))
	line, err := cli.SSHLine(t.Context(), "demo", serverA)
	require.NoError(t, err)
	text := strings.Join(line, " ")
	require.Equal(t, "172.24.4.9", line[len(line)-1], "the floating address")
	require.Contains(t, text, "-l debian")
	require.Contains(t, text, "HostKeyAlias="+serverA)
	require.Contains(t, text, "-i demo_ed25519")
	require.Contains(t, text, "UserKnownHostsFile="+c.dir)

	c.answer("GET /image/v2/images/10000000-0000-4000-8000-000000000001", 404, `{}`)
	line, err = cli.SSHLine(t.Context(), "demo", serverA)
	require.NoError(t, err)
	require.Contains(t, strings.Join(line, " "), "-l aloft")
}
