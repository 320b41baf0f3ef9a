package identity_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (r *rig) register(serviceID string, limit int64) identity.RegisteredLimit {
	r.t.Helper()
	all, err := r.CreateRegisteredLimits(r.t.Context(), []identity.RegisteredLimit{
		{Limited: identity.Limited{ServiceID: serviceID, ResourceName: "cores"}, Default: limit},
	})
	require.NoError(r.t, err)
	return all[0]
}

func cores(serviceID, owner string, domain bool, max int64) identity.Limit {
	return identity.Limit{Limited: identity.Limited{ServiceID: serviceID, ResourceName: "cores"}, OwnerID: owner, OnDomain: domain, Max: max}
}

func (r *rig) limit(limits ...identity.Limit) error {
	_, err := r.CreateLimits(r.t.Context(), limits)
	return err
}

func TestRegisteredLimits(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		s := r.addService("dns")
		l := r.register(s.ID, 10)
		create := func(limits ...identity.RegisteredLimit) error {
			_, err := r.CreateRegisteredLimits(ctx, limits)
			return err
		}
		good := identity.RegisteredLimit{Limited: identity.Limited{ServiceID: s.ID, RegionID: "RegionOne", ResourceName: "cores"}, Default: 3}
		isClass(t, fault.Conflict, create(good, identity.RegisteredLimit{Limited: l.Limited}))
		all, err := r.ListRegisteredLimits(ctx, identity.Limited{ServiceID: s.ID})
		require.NoError(t, err)
		require.Len(t, all, 1, "all or none")
		require.NoError(t, create(good), "the same in one region")
		bad := good
		bad.ServiceID = "nothing"
		isClass(t, fault.Invalid, create(bad))
		bad = good
		bad.RegionID = "nowhere"
		isClass(t, fault.Invalid, create(bad))

		isClass(t, fault.Forbidden, r.DeleteService(ctx, s.ID))
		require.NoError(t, r.limit(cores(s.ID, r.project("p").ID, false, 5)))
		five := int64(5)
		_, err = r.UpdateRegisteredLimit(ctx, l.ID, identity.RegisteredLimitChange{Default: &five})
		isClass(t, fault.Forbidden, err)
		isClass(t, fault.Forbidden, r.DeleteRegisteredLimit(ctx, l.ID))
		limits, err := r.ListLimits(ctx, adminCaller(t, r), identity.LimitFilter{}, byID)
		require.NoError(t, err)
		require.NoError(t, r.DeleteLimit(ctx, limits[0].ID))
		l, err = r.UpdateRegisteredLimit(ctx, l.ID, identity.RegisteredLimitChange{Default: &five})
		require.NoError(t, err)
		require.Equal(t, five, l.Default)
		require.NoError(t, r.DeleteRegisteredLimit(ctx, l.ID))
		isClass(t, fault.NotFound, r.DeleteRegisteredLimit(ctx, l.ID))
	})
}

func TestLimits(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		s := r.addService("dns")
		p := r.project("p")
		isClass(t, fault.Forbidden, r.limit(cores(s.ID, p.ID, false, 5))) // nothing registered
		r.register(s.ID, 10)
		require.NoError(t, r.limit(cores(s.ID, p.ID, false, 500)), "flat: above the registered one")
		isClass(t, fault.Conflict, r.limit(cores(s.ID, p.ID, false, 5)))
		isClass(t, fault.Invalid, r.limit(cores(s.ID, "nothing", false, 5)))
		isClass(t, fault.Invalid, r.limit(cores(s.ID, p.ID, true, 5))) // no domain
		require.NoError(t, r.limit(cores(s.ID, "default", false, 5)), "a project that is a domain")

		admin := adminCaller(t, r)
		all, err := r.ListLimits(ctx, admin, identity.LimitFilter{}, byID)
		require.NoError(t, err)
		require.Len(t, all, 2)
		domains, err := r.ListLimits(ctx, admin, identity.LimitFilter{DomainID: "default"}, byID)
		require.NoError(t, err)
		require.Len(t, domains, 1)
		require.True(t, domains[0].OnDomain)
		projects, err := r.ListLimits(ctx, admin, identity.LimitFilter{ProjectID: p.ID, Limited: identity.Limited{ResourceName: "cores"}}, byID)
		require.NoError(t, err)
		require.Len(t, projects, 1)

		for name, c := range map[string]struct {
			caller auth.Caller
			sees   []bool // the project's, the domain's
		}{
			"in the project":     {auth.Caller{ProjectID: p.ID, Roles: []string{"reader"}}, []bool{true, false}},
			"in another project": {auth.Caller{ProjectID: "x", Roles: []string{"reader"}}, []bool{false, false}},
			"in the domain":      {auth.Caller{DomainID: "default", Roles: []string{"reader"}}, []bool{true, true}},
			"in another domain":  {auth.Caller{DomainID: "x", Roles: []string{"reader"}}, []bool{false, false}},
			"on the system":      {auth.Caller{System: true, Roles: []string{"reader"}}, []bool{true, true}},
			"a service":          {auth.Caller{ProjectID: "x", Roles: []string{"service"}}, []bool{true, true}},
			"without a scope":    {auth.Caller{}, []bool{false, false}},
		} {
			seen := 0
			for i, l := range []identity.Limit{projects[0], domains[0]} {
				_, err := r.ShowLimit(ctx, &c.caller, l.ID)
				if c.sees[i] {
					require.NoError(t, err, name)
					seen++
				} else {
					isClass(t, fault.Forbidden, err)
				}
			}
			list, err := r.ListLimits(ctx, &c.caller, identity.LimitFilter{}, byID)
			require.NoError(t, err)
			require.Len(t, list, seen, name)
		}
		_, err = r.ShowLimit(ctx, admin, "nothing")
		isClass(t, fault.NotFound, err)
		_, err = r.ShowLimit(ctx, &auth.Caller{ProjectID: p.ID}, "nothing")
		isClass(t, fault.Forbidden, err)

		require.NoError(t, r.DeleteProject(ctx, p.ID))
		all, err = r.ListLimits(ctx, admin, identity.LimitFilter{}, byID)
		require.NoError(t, err)
		require.Len(t, all, 1, "limits go with the project")
	})
}

func TestStrictTwoLevelLimits(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		r.Service = newService(t, r.db, r.events, 'k', func(c *identity.Config) { c.LimitModel = identity.LimitsStrictTwoLevel })
		require.NoError(t, r.Load(ctx))
		s := r.addService("dns")
		r.register(s.ID, 10)
		p, q := r.project("p"), r.project("q")
		below, err := r.CreateProject(ctx, identity.Project{Name: "below", DomainID: "default", ParentID: p.ID, Enabled: true})
		require.NoError(t, err)

		isClass(t, fault.Forbidden, r.limit(cores(s.ID, p.ID, false, 11))) // above the registered one
		isClass(t, fault.Forbidden, r.limit(cores(s.ID, p.ID, false, -1)))
		isClass(t, fault.Forbidden, r.limit(cores(s.ID, below.ID, false, 1)))
		require.NoError(t, r.limit(cores(s.ID, p.ID, false, 10)))
		isClass(t, fault.Forbidden, r.limit(cores(s.ID, "default", true, 9))) // below its project's
		isClass(t, fault.Forbidden, r.limit(cores(s.ID, "default", true, 20), cores(s.ID, q.ID, false, 21)))
		require.NoError(t, r.limit(cores(s.ID, "default", true, 20), cores(s.ID, q.ID, false, 20)), "domain and project at once")

		all, err := r.ListLimits(ctx, adminCaller(t, r), identity.LimitFilter{DomainID: "default"}, byID)
		require.NoError(t, err)
		update := func(max int64) error {
			_, err := r.UpdateLimit(ctx, all[0].ID, identity.LimitChange{Max: &max})
			return err
		}
		isClass(t, fault.Forbidden, update(19))
		require.NoError(t, update(-1))
		require.NoError(t, update(20))
	})
}
