package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
)

// options are the flags that all tenant commands have.
type options struct{ cloud, format string }

// computeVersion is the compute microversion that is spoken: servers show their flavor, and their description.
const computeVersion = "2.60"

// session is a login with clients of the services.
type session struct {
	provider *gophercloud.ProviderClient
	where    gophercloud.EndpointOpts
	format   string
	keyDirs  []string // where private keys may lie besides ~/.ssh
	out, err io.Writer
}

func connect(ctx context.Context, o *options) (*session, error) {
	login, err := credentials(o.cloud)
	if err != nil {
		return nil, err
	}
	login.auth.AllowReauth = true
	provider, err := config.NewProviderClient(ctx, login.auth, config.WithTLSConfig(login.tls))
	if err != nil {
		return nil, fmt.Errorf("logging in at %s: %w", login.auth.IdentityEndpoint, err)
	}
	provider.UserAgent.Prepend("aloft")
	return &session{provider: provider, where: login.where, format: o.format, keyDirs: login.keyDirs}, nil
}

type maker func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error)

func (s *session) client(kind string, make maker) (*gophercloud.ServiceClient, error) {
	c, err := make(s.provider, s.where)
	if err != nil {
		return nil, fmt.Errorf("this cloud offers no %s service: %w", kind, err)
	}
	return c, nil
}

func (s *session) compute() (*gophercloud.ServiceClient, error) {
	c, err := s.client("compute", openstack.NewComputeV2)
	if err == nil {
		c.Microversion = computeVersion
	}
	return c, err
}

func (s *session) network() (*gophercloud.ServiceClient, error) {
	return s.client("network", openstack.NewNetworkV2)
}

func (s *session) image() (*gophercloud.ServiceClient, error) {
	return s.client("image", openstack.NewImageV2)
}

// own is Aloft's own API, which other clouds do not have.
func (s *session) own() (*gophercloud.ServiceClient, error) {
	return s.client("aloft", func(p *gophercloud.ProviderClient, where gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error) {
		where.ApplyDefaults("aloft")
		url, err := p.EndpointLocator(where)
		return &gophercloud.ServiceClient{ProviderClient: p, Endpoint: gophercloud.NormalizeURL(url), Type: "aloft"}, err
	})
}

func (s *session) identity() (*gophercloud.ServiceClient, error) {
	return s.client("identity", openstack.NewIdentityV3)
}

// say prints a line for people, which a reader of the output's JSON does not see.
func (s *session) say(format string, args ...any) { fmt.Fprintf(s.err, format+"\n", args...) }
