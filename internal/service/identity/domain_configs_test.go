package identity_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func TestDomainConfigs(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		admin := adminCaller(t, r)
		d, err := r.CreateProject(ctx, identity.Project{Name: "d", IsDomain: true, Enabled: true})
		require.NoError(t, err)
		show := func(group, option string) (identity.DomainConfig, error) {
			return r.ShowDomainConfig(ctx, admin, d.ID, group, option)
		}
		_, err = show("", "")
		isClass(t, fault.NotFound, err)
		_, err = r.ShowDomainConfig(ctx, admin, "nothing", "", "")
		isClass(t, fault.NotFound, err)

		given := identity.DomainConfig{"identity": {"driver": "ldap"}, "ldap": {"url": "ldap://h", "password": "top secret", "page_size": float64(5)}}
		now, created, err := r.PutDomainConfig(ctx, d.ID, given)
		require.NoError(t, err)
		require.True(t, created)
		want := identity.DomainConfig{"identity": {"driver": "ldap"}, "ldap": {"url": "ldap://h", "page_size": float64(5)}}
		require.Equal(t, want, now, "what is sensitive is not shown")
		got, err := show("", "")
		require.NoError(t, err)
		require.Equal(t, want, got)
		_, err = show("ldap", "password")
		isClass(t, fault.NotFound, err)
		stored, err := r.stores.Configs.DomainOptions(ctx, d.ID)
		require.NoError(t, err)
		for _, o := range stored {
			require.NotContains(t, o.Value, "secret")
		}

		now, err = r.ChangeDomainConfig(ctx, d.ID, "identity", "", identity.DomainConfig{"identity": {"list_limit": float64(7)}})
		require.NoError(t, err)
		require.Equal(t, map[string]any{"driver": "ldap", "list_limit": float64(7)}, now["identity"])
		now, err = r.ChangeDomainConfig(ctx, d.ID, "ldap", "url", identity.DomainConfig{"ldap": {"url": "ldaps://h"}})
		require.NoError(t, err)
		require.Equal(t, "ldaps://h", now["ldap"]["url"])
		got, err = show("ldap", "url")
		require.NoError(t, err)
		require.Equal(t, identity.DomainConfig{"ldap": {"url": "ldaps://h"}}, got)

		for name, bad := range map[string]struct {
			group, option string
			config        identity.DomainConfig
			class         fault.Class
		}{
			"unknown group":    {"", "", identity.DomainConfig{"bogus": {"x": 1}}, fault.Forbidden},
			"unknown option":   {"", "", identity.DomainConfig{"ldap": {"bogus": 1}}, fault.Forbidden},
			"nothing":          {"", "", identity.DomainConfig{}, fault.Forbidden},
			"empty group":      {"", "", identity.DomainConfig{"ldap": {}}, fault.Forbidden},
			"another group":    {"ldap", "", identity.DomainConfig{"identity": {"driver": "x"}}, fault.Forbidden},
			"another option":   {"ldap", "url", identity.DomainConfig{"ldap": {"suffix": "x"}}, fault.Forbidden},
			"option not there": {"ldap", "suffix", identity.DomainConfig{"ldap": {"suffix": "x"}}, fault.NotFound},
		} {
			_, err := r.ChangeDomainConfig(ctx, d.ID, bad.group, bad.option, bad.config)
			require.True(t, fault.Is(err, bad.class), "%s: %v", name, err)
		}
		require.NoError(t, r.DeleteDomainConfig(ctx, d.ID, "identity", "driver"))
		isClass(t, fault.NotFound, r.DeleteDomainConfig(ctx, d.ID, "identity", "driver"))
		require.NoError(t, r.DeleteDomainConfig(ctx, d.ID, "identity", ""))
		_, err = show("identity", "")
		isClass(t, fault.NotFound, err)
		_, created, err = r.PutDomainConfig(ctx, d.ID, identity.DomainConfig{"identity": {"driver": "sql"}})
		require.NoError(t, err)
		require.False(t, created)
		_, err = show("ldap", "")
		isClass(t, fault.NotFound, err)
		require.NoError(t, r.DeleteDomainConfig(ctx, d.ID, "", ""))
		_, err = show("", "")
		isClass(t, fault.NotFound, err)
	})
}
