package operator

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/pagination"
)

// clients are the public APIs, for one user and project. The operator's commands have no other way in.
type clients struct{ identity, compute, network, image *gophercloud.ServiceClient }

func login(ctx context.Context, c Cloud) (*clients, error) {
	pem, err := os.ReadFile(c.CACert)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of the installation: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", c.CACert)
	}
	provider, err := config.NewProviderClient(ctx, gophercloud.AuthOptions{
		IdentityEndpoint: c.Auth.AuthURL, Username: c.Auth.Username, Password: c.Auth.Password, DomainName: c.Auth.UserDomainName, AllowReauth: true,
		Scope: &gophercloud.AuthScope{ProjectName: c.Auth.ProjectName, DomainName: c.Auth.ProjectDomainName},
	}, config.WithTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	if err != nil {
		return nil, fmt.Errorf("logging in as %s: %w", c.Auth.Username, err)
	}
	where := gophercloud.EndpointOpts{Region: c.RegionName}
	out := &clients{}
	for _, s := range []struct {
		to   **gophercloud.ServiceClient
		make func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error)
	}{{&out.identity, openstack.NewIdentityV3}, {&out.compute, openstack.NewComputeV2}, {&out.network, openstack.NewNetworkV2}, {&out.image, openstack.NewImageV2}} {
		if *s.to, err = s.make(provider, where); err != nil {
			return nil, fmt.Errorf("finding a service in the catalog: %w", err)
		}
	}
	return out, nil
}

// ensure returns the one object that find gives, or what create makes. Where there are several it refuses to choose.
func ensure[T any](ctx context.Context, what string, find func(context.Context) ([]T, error), create func(context.Context) (*T, error)) (*T, error) {
	found, err := find(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking for %s: %w", what, err)
	}
	switch len(found) {
	case 0:
		made, err := create(ctx)
		if err != nil {
			return nil, fmt.Errorf("making %s: %w", what, err)
		}
		return made, nil
	case 1:
		return &found[0], nil
	}
	return nil, fmt.Errorf("there are %d of %s, and it takes one: delete the others", len(found), what)
}

// pages reads all pages of a list.
func pages[T any](ctx context.Context, p pagination.Pager, extract func(pagination.Page) ([]T, error)) ([]T, error) {
	var all []T
	err := p.EachPage(ctx, func(_ context.Context, page pagination.Page) (bool, error) {
		items, err := extract(page)
		all = append(all, items...)
		return true, err
	})
	return all, err
}

// only keeps the items for which keep is true; it serves where an API has no filter by name.
func only[T any](items []T, err error, keep func(T) bool) ([]T, error) {
	return slices.DeleteFunc(items, func(t T) bool { return !keep(t) }), err
}

// conflict tells whether the API said that the object is there already.
func conflict(err error) bool { return gophercloud.ResponseCodeIs(err, 409) }

// short is an error as one sentence: gophercloud's own text spreads the whole answer over several lines.
func short(err error) error {
	var unexpected gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &unexpected) {
		return fmt.Errorf("%s %s answered %d: %s", unexpected.Method, unexpected.URL, unexpected.Actual, unexpected.Body)
	}
	return err
}
