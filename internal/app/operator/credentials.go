package operator

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/aloft-cloud/aloft/internal/core/file"
)

// Cloud is one entry of a clouds.yaml, in the form that openstacksdk and gophercloud read.
type Cloud struct {
	Auth               CloudAuth `yaml:"auth"`
	RegionName         string    `yaml:"region_name"`
	CACert             string    `yaml:"cacert"`
	Interface          string    `yaml:"interface"`
	IdentityAPIVersion string    `yaml:"identity_api_version"`
}

// CloudAuth is how one logs in to a Cloud.
type CloudAuth struct {
	AuthURL           string `yaml:"auth_url"`
	Username          string `yaml:"username"`
	Password          string `yaml:"password"`
	ProjectName       string `yaml:"project_name"`
	UserDomainName    string `yaml:"user_domain_name"`
	ProjectDomainName string `yaml:"project_domain_name"`
}

// Credentials are the files in EtcDir with which every client logs in: clouds.yaml, and an openrc for the admin.
type Credentials struct{ EtcDir string }

type cloudsFile struct {
	Clouds map[string]Cloud `yaml:"clouds"`
}

// File returns the path of the clouds.yaml.
func (c Credentials) File() string { return filepath.Join(c.EtcDir, "clouds.yaml") }

// CACert returns the path of the certificate that clients trust.
func (c Credentials) CACert() string { return filepath.Join(c.EtcDir, "ca.pem") }

// Read returns an entry; ok is false if there is no file or no such entry in it.
func (c Credentials) Read(name string) (cloud Cloud, ok bool, err error) {
	all, err := c.load()
	if err != nil {
		return Cloud{}, false, err
	}
	cloud, ok = all.Clouds[name]
	return cloud, ok, nil
}

func (c Credentials) load() (cloudsFile, error) {
	all := cloudsFile{Clouds: map[string]Cloud{}}
	raw, err := os.ReadFile(c.File())
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, fmt.Errorf("reading the credentials: %w", err)
	}
	if err := yaml.Unmarshal(raw, &all); err != nil {
		return all, fmt.Errorf("%s is not a clouds.yaml: %w", c.File(), err)
	}
	return all, nil
}

// Write keeps an entry, and leaves the others of the file as they are. The entry "aloft" is written as openrc too.
func (c Credentials) Write(name string, cloud Cloud) error {
	all, err := c.load()
	if err != nil {
		return err
	}
	all.Clouds[name] = cloud
	raw, err := yaml.Marshal(all)
	if err != nil {
		return fmt.Errorf("writing the credentials: %w", err)
	}
	if err := replaceFile(c.File(), raw); err != nil {
		return err
	}
	if name != adminCloud {
		return nil
	}
	return c.WriteRC("openrc", cloud)
}

// WriteRC keeps an entry as a file of the folder that shells take in by `source`.
func (c Credentials) WriteRC(file string, cloud Cloud) error {
	return replaceFile(filepath.Join(c.EtcDir, file), []byte(openrc(cloud)))
}

// tenant is how the user of a project logs in who has its name: at the address that the admin uses. The password is made
// once.
func (c Credentials) tenant(name string) (Cloud, error) {
	cloud, ok, err := c.Read(adminCloud)
	if err != nil || !ok {
		return cloud, errors.Join(fmt.Errorf("%s has no entry %s", c.File(), adminCloud), err)
	}
	before, known, err := c.Read(name)
	if err != nil {
		return cloud, err
	}
	cloud.Auth.Username, cloud.Auth.ProjectName, cloud.Auth.Password = name, name, before.Auth.Password
	if !known {
		cloud.Auth.Password = rand.Text()
	}
	return cloud, c.Write(name, cloud)
}

func openrc(c Cloud) string {
	var b strings.Builder
	for _, kv := range [][2]string{
		{"OS_AUTH_URL", c.Auth.AuthURL},
		{"OS_IDENTITY_API_VERSION", c.IdentityAPIVersion},
		{"OS_USERNAME", c.Auth.Username},
		{"OS_PASSWORD", c.Auth.Password},
		{"OS_PROJECT_NAME", c.Auth.ProjectName},
		{"OS_USER_DOMAIN_NAME", c.Auth.UserDomainName},
		{"OS_PROJECT_DOMAIN_NAME", c.Auth.ProjectDomainName},
		{"OS_REGION_NAME", c.RegionName},
		{"OS_INTERFACE", c.Interface},
		{"OS_CACERT", c.CACert},
	} {
		fmt.Fprintf(&b, "export %s='%s'\n", kv[0], strings.ReplaceAll(kv[1], "'", `'\''`))
	}
	return b.String()
}

// replaceFile writes a file of mode 0600 whole or not at all.
func replaceFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the directory of %s: %w", path, err)
	}
	if err := file.Replace(path, data, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
