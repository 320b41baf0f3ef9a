package cli

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"gopkg.in/yaml.v3"
)

const (
	ownFile  = "/etc/aloft/clouds.yaml" // that `aloft up` writes; only root may read it
	ownCloud = "aloft"                  // the operator's entry there
)

// login is what one logs in with.
type login struct {
	auth    gophercloud.AuthOptions
	where   gophercloud.EndpointOpts
	tls     *tls.Config
	keyDirs []string
}

// credentials finds them: a named cloud, else the OS_* variables, else the operator's own where they can be read.
func credentials(cloud string) (login, error) {
	cloud = cmp.Or(cloud, os.Getenv("OS_CLOUD"))
	if cloud != "" {
		return fromFiles(cloud, cloudFiles())
	}
	if os.Getenv("OS_AUTH_URL") != "" {
		return fromEnvironment()
	}
	if _, err := os.Stat(ownFile); err == nil && os.Geteuid() == 0 {
		return fromFiles(ownCloud, []string{ownFile})
	}
	return login{}, errors.New("no cloud was chosen: name an entry of clouds.yaml with --os-cloud or OS_CLOUD, or set the OS_* variables; " +
		"`aloft up` writes both to /etc/aloft (as root: aloft --os-cloud demo server list)")
}

// cloudFiles are the places of clouds.yaml, as every OpenStack client has them, and Aloft's own last.
func cloudFiles() []string {
	if path := os.Getenv("OS_CLIENT_CONFIG_FILE"); path != "" {
		return []string{path}
	}
	files := []string{"clouds.yaml"}
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" {
		files = append(files, filepath.Join(dir, "openstack", "clouds.yaml"))
	} else if home, err := os.UserHomeDir(); err == nil {
		files = append(files, filepath.Join(home, ".config", "openstack", "clouds.yaml"))
	}
	return append(files, "/etc/openstack/clouds.yaml", ownFile)
}

// fromFiles takes the first file that has the cloud.
func fromFiles(cloud string, files []string) (login, error) {
	var known, looked []string
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			looked = append(looked, fmt.Sprintf("%s (%s)", path, errors.Unwrap(err)))
			continue
		}
		var all struct{ Clouds map[string]yaml.Node }
		if err := yaml.Unmarshal(raw, &all); err != nil {
			return login{}, fmt.Errorf("%s is not a clouds.yaml: %w", path, err)
		}
		if _, ok := all.Clouds[cloud]; ok {
			return parse(cloud, filepath.Dir(path), clouds.WithLocations(path))
		}
		looked = append(looked, path)
		for name := range all.Clouds {
			known = append(known, name)
		}
	}
	if len(looked) == 0 {
		return login{}, fmt.Errorf("there is no clouds.yaml to find cloud %q in; it may be at %s", cloud, strings.Join(files, ", "))
	}
	slices.Sort(known)
	return login{}, fmt.Errorf("there is no cloud %q in %s; there is: %s", cloud, strings.Join(looked, ", "), strings.Join(known, ", "))
}

// fromEnvironment writes the OS_* variables as a clouds.yaml, so that both ways mean the same.
func fromEnvironment() (login, error) {
	env := func(names ...string) string {
		for _, n := range names {
			if v := os.Getenv(n); v != "" {
				return v
			}
		}
		return ""
	}
	const name = "environment"
	raw, err := yaml.Marshal(clouds.Clouds{Clouds: map[string]clouds.Cloud{name: {
		RegionName: env("OS_REGION_NAME"), Interface: env("OS_INTERFACE", "OS_ENDPOINT_TYPE"),
		AuthInfo: &clouds.AuthInfo{
			AuthURL: env("OS_AUTH_URL"), Token: env("OS_TOKEN"), Username: env("OS_USERNAME"), UserID: env("OS_USER_ID", "OS_USERID"),
			Password: env("OS_PASSWORD"), ProjectName: env("OS_PROJECT_NAME", "OS_TENANT_NAME"), ProjectID: env("OS_PROJECT_ID", "OS_TENANT_ID"),
			UserDomainName: env("OS_USER_DOMAIN_NAME"), UserDomainID: env("OS_USER_DOMAIN_ID"),
			ProjectDomainName: env("OS_PROJECT_DOMAIN_NAME"), ProjectDomainID: env("OS_PROJECT_DOMAIN_ID"),
			DomainName: env("OS_DOMAIN_NAME"), DomainID: env("OS_DOMAIN_ID"), SystemScope: env("OS_SYSTEM_SCOPE"),
			ApplicationCredentialID: env("OS_APPLICATION_CREDENTIAL_ID"), ApplicationCredentialName: env("OS_APPLICATION_CREDENTIAL_NAME"),
			ApplicationCredentialSecret: env("OS_APPLICATION_CREDENTIAL_SECRET"),
		},
	}}})
	if err != nil {
		return login{}, fmt.Errorf("reading the OS_* variables: %w", err)
	}
	return parse(name, "/etc/aloft", clouds.WithCloudsYAML(bytes.NewReader(raw)))
}

func parse(cloud, dir string, from clouds.ParseOption) (login, error) {
	auth, where, tlsConfig, err := clouds.Parse(clouds.WithCloudName(cloud), from)
	if err != nil {
		return login{}, fmt.Errorf("reading cloud %q: %w", cloud, err)
	}
	if auth.IdentityEndpoint == "" {
		return login{}, fmt.Errorf("cloud %q has no auth_url", cloud)
	}
	if auth.Scope != nil && auth.Scope.ProjectName != "" && auth.Scope.DomainID == "" && auth.Scope.DomainName == "" {
		auth.Scope.DomainID = "default" // as other clients do
	}
	if auth.Username != "" && auth.DomainID == "" && auth.DomainName == "" {
		auth.DomainID = "default"
	}
	tlsConfig.MinVersion = tls.VersionTLS12
	return login{auth: auth, where: where, tls: tlsConfig, keyDirs: []string{dir}}, nil
}
