package identity_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func someRules(t *testing.T) []any {
	t.Helper()
	var rules []any
	require.NoError(t, json.Unmarshal([]byte(`[{"local":[{"user":{"name":"{0}"}}],"remote":[{"type":"name"}]}]`), &rules))
	return rules
}

func TestIdentityProviders(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		add := func(id, domain string, remote ...string) (identity.IdentityProvider, error) {
			return r.CreateProvider(ctx, identity.IdentityProvider{Made: identity.Made{ID: id}, DomainID: domain, RemoteIDs: remote})
		}
		first, err := add("first", "", "https://idp/1", "https://idp/2")
		require.NoError(t, err)
		require.NotEmpty(t, first.DomainID)
		_, err = r.ShowDomain(ctx, adminCaller(t, r), first.DomainID)
		require.NoError(t, err, "it has a domain of its own")
		_, err = add("first", "default")
		isClass(t, fault.Conflict, err)
		_, err = add("second", "default", "https://idp/2")
		isClass(t, fault.Conflict, err)
		_, err = add("second", "default", "x", "x")
		isClass(t, fault.Invalid, err)
		_, err = add("second", "nowhere")
		isClass(t, fault.Invalid, err)
		_, err = add("second", "default", "https://idp/3")
		require.NoError(t, err)

		on := true
		ids := []string{"https://idp/1"}
		first, err = r.UpdateProvider(ctx, "first", identity.ProviderChange{Enabled: &on, RemoteIDs: &ids})
		require.NoError(t, err)
		require.Equal(t, ids, first.RemoteIDs)
		list, err := r.ListProviders(ctx, "", &on)
		require.NoError(t, err)
		require.Len(t, list, 1)

		_, err = r.CreateProtocol(ctx, identity.Protocol{ProviderID: "first", Name: "saml2", MappingID: "m"})
		isClass(t, fault.Invalid, err)
		_, err = r.CreateMapping(ctx, identity.Mapping{Made: identity.Made{ID: "m"}, Rules: someRules(t), SchemaVersion: "1.0"})
		require.NoError(t, err)
		_, err = r.CreateProtocol(ctx, identity.Protocol{ProviderID: "nobody", Name: "saml2", MappingID: "m"})
		isClass(t, fault.NotFound, err)
		for _, provider := range []string{"first", "second"} {
			_, err = r.CreateProtocol(ctx, identity.Protocol{ProviderID: provider, Name: "saml2", MappingID: "m"})
			require.NoError(t, err)
		}
		_, err = r.CreateProtocol(ctx, identity.Protocol{ProviderID: "first", Name: "saml2", MappingID: "m"})
		isClass(t, fault.Conflict, err)
		nothing := "nothing"
		_, err = r.UpdateProtocol(ctx, "first", "saml2", identity.ProtocolChange{MappingID: &nothing})
		isClass(t, fault.Invalid, err)

		require.NoError(t, r.DeleteProvider(ctx, "first"))
		_, err = r.ShowProtocol(ctx, "first", "saml2")
		isClass(t, fault.NotFound, err)
		_, err = r.ShowProtocol(ctx, "second", "saml2")
		require.NoError(t, err)
		require.NoError(t, r.DeleteProtocol(ctx, "second", "saml2"))
		isClass(t, fault.NotFound, r.DeleteProtocol(ctx, "second", "saml2"))
	})
}

func TestMappingsAreCheckedAndKept(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		_, err := r.CreateMapping(ctx, identity.Mapping{Made: identity.Made{ID: "m"}, Rules: []any{"rule"}, SchemaVersion: "1.0"})
		isClass(t, fault.Invalid, err)
		rules := someRules(t)
		_, err = r.CreateMapping(ctx, identity.Mapping{Made: identity.Made{ID: "m"}, Rules: rules, SchemaVersion: "1.0"})
		require.NoError(t, err)
		got, err := r.ShowMapping(ctx, "m")
		require.NoError(t, err)
		require.Equal(t, rules, got.Rules)
		_, err = r.UpdateMapping(ctx, "m", nil, "1.0")
		isClass(t, fault.Invalid, err)
		_, err = r.UpdateMapping(ctx, "m", rules, "2.0")
		require.NoError(t, err)
		require.NoError(t, r.DeleteMapping(ctx, "m"))
		isClass(t, fault.NotFound, r.DeleteMapping(ctx, "m"))
	})
}

func TestServiceProviders(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		p := identity.ServiceProvider{Made: identity.Made{ID: "sp"}, AuthURL: "https://a", ServiceURL: "b"}
		_, err := r.CreateServiceProvider(ctx, p)
		isClass(t, fault.Invalid, err)
		p.ServiceURL = "https://b"
		_, err = r.CreateServiceProvider(ctx, p)
		require.NoError(t, err)
		_, err = r.CreateServiceProvider(ctx, p)
		isClass(t, fault.Conflict, err)
		on := true
		_, err = r.UpdateServiceProvider(ctx, "sp", identity.ServiceProviderChange{Enabled: &on})
		require.NoError(t, err)
		list, err := r.ListServiceProviders(ctx, "", &on)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.NoError(t, r.DeleteServiceProvider(ctx, "sp"))
		_, err = r.ShowServiceProvider(ctx, "sp")
		isClass(t, fault.NotFound, err)
	})
}
