package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/spf13/cobra"
)

const (
	adminUserProperty = "os_admin_user" // of images: whom to log in as
	usualUser         = "aloft"         // where the image does not say
)

func serverSSH(o *options) *cobra.Command {
	var user, key string
	c := verb(o, "ssh SERVER [-- COMMAND...]", "Log in to a server", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		line, err := s.sshLine(ctx, args[0], user, key)
		if err != nil {
			return err
		}
		program, err := exec.LookPath("ssh")
		if err != nil {
			return fmt.Errorf("ssh is not installed (Debian package openssh-client): %w", err)
		}
		return syscall.Exec(program, append(append([]string{"ssh"}, line...), args[1:]...), os.Environ())
	})
	c.Flags().SetInterspersed(false)
	c.Flags().StringVarP(&user, "login", "l", "", "the user to log in as (default: what the image says, else "+usualUser+")")
	c.Flags().StringVarP(&key, "identity", "i", "", "the file of the private key (default: the one that fits the server's key pair)")
	return c
}

// sshLine is ssh's arguments to reach a server: its floating address if it has one, and the key that fits. The server
// is known by its id, as addresses go from one server to the next.
func (s *session) sshLine(ctx context.Context, ref, user, key string) ([]string, error) {
	c, err := s.compute()
	if err != nil {
		return nil, err
	}
	server, err := findServer(ctx, c, ref)
	if err != nil {
		return nil, err
	}
	all := addresses(*server)
	if len(all) == 0 {
		return nil, fmt.Errorf("server %s has no address yet; it is %s", server.Name, server.Status)
	}
	if user == "" {
		if user, err = s.loginUser(ctx, server); err != nil {
			return nil, err
		}
	}
	line := []string{"-o", "StrictHostKeyChecking=accept-new", "-o", "HostKeyAlias=" + server.ID, "-l", user}
	if home, err := os.UserHomeDir(); err == nil {
		line = append(line, "-o", "UserKnownHostsFile="+filepath.Join(home, ".ssh", "known_servers"))
	}
	if key == "" && server.KeyName != "" {
		public := ""
		if pair, err := keypairs.Get(ctx, c, server.KeyName, nil).Extract(); err == nil { // it may be another user's
			public = pair.PublicKey
		}
		key = keyFile(s.privateKeys(), server.KeyName, public)
	}
	if key != "" {
		line = append(line, "-o", "IdentitiesOnly=yes", "-i", key)
	}
	return append(line, all[0].ip), nil
}

func (s *session) loginUser(ctx context.Context, server *servers.Server) (string, error) {
	id, ok := server.Image["id"].(string)
	if !ok {
		return usualUser, nil
	}
	c, err := s.image()
	if err != nil {
		return "", err
	}
	image, err := images.Get(ctx, c, id).Extract()
	if notFound(err) {
		return usualUser, nil
	}
	if err != nil {
		return "", err
	}
	if user, ok := image.Properties[adminUserProperty].(string); ok && user != "" {
		return user, nil
	}
	return usualUser, nil
}

// privateKeys are the files that have a public half beside them.
func (s *session) privateKeys() []string {
	dirs := s.keyDirs
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append([]string{filepath.Join(home, ".ssh")}, dirs...)
	}
	var files []string
	for _, dir := range dirs {
		found, err := filepath.Glob(filepath.Join(dir, "*.pub"))
		if err != nil {
			continue // only where the folder's name is a broken pattern
		}
		for _, f := range found {
			files = append(files, strings.TrimSuffix(f, ".pub"))
		}
	}
	return files
}

// keyFile is the private key whose public half is the key pair's; where that is not known, the one of its name.
func keyFile(files []string, name, public string) string {
	for _, f := range files {
		raw, err := os.ReadFile(f + ".pub")
		if err == nil && public != "" && sameKey(string(raw), public) {
			return f
		}
	}
	for _, f := range files {
		if base := filepath.Base(f); public == "" && (base == name || strings.HasPrefix(base, name+"_")) {
			return f
		}
	}
	return ""
}

// sameKey compares public keys without their comments.
func sameKey(a, b string) bool {
	fa, fb := strings.Fields(a), strings.Fields(b)
	return len(fa) >= 2 && len(fb) >= 2 && fa[0] == fb[0] && fa[1] == fb[1]
}
