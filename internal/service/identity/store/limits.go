package store

import (
	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type registeredLimitRow struct {
	bun.BaseModel `bun:"table:identity_registered_limits,alias:rl"`
	record

	ServiceID    string
	RegionID     string
	ResourceName string
	DefaultLimit int64
	Description  string
}

type limitRow struct {
	bun.BaseModel `bun:"table:identity_limits,alias:l"`
	record

	RegisteredID  string
	OwnerID       string
	OnDomain      bool
	ServiceID     string
	RegionID      string
	ResourceName  string
	ResourceLimit int64
	Description   string
}

func (s *Store) registeredLimits() identity.Table[identity.RegisteredLimit] {
	return table[identity.RegisteredLimit, registeredLimitRow, *registeredLimitRow]{
		s: s, kind: "registered limit", name: "identity_registered_limits",
		label: func(l identity.RegisteredLimit) string { return l.ResourceName },
		from: func(l identity.RegisteredLimit) *registeredLimitRow {
			return &registeredLimitRow{
				record: recordFrom(l.Made), ServiceID: l.ServiceID, RegionID: l.RegionID, ResourceName: l.ResourceName,
				DefaultLimit: l.Default, Description: l.Description,
			}
		},
		noun: func(r registeredLimitRow) identity.RegisteredLimit {
			return identity.RegisteredLimit{
				Made: r.made(), Limited: identity.Limited{ServiceID: r.ServiceID, RegionID: r.RegionID, ResourceName: r.ResourceName},
				Default: r.DefaultLimit, Description: r.Description,
			}
		},
	}
}

func (s *Store) limits() identity.Table[identity.Limit] {
	return table[identity.Limit, limitRow, *limitRow]{
		s: s, kind: "limit", name: "identity_limits",
		label: func(l identity.Limit) string { return l.ResourceName + " of " + l.OwnerID },
		from: func(l identity.Limit) *limitRow {
			return &limitRow{
				record: recordFrom(l.Made), RegisteredID: l.RegisteredID, OwnerID: l.OwnerID, OnDomain: l.OnDomain,
				ServiceID: l.ServiceID, RegionID: l.RegionID, ResourceName: l.ResourceName, ResourceLimit: l.Max, Description: l.Description,
			}
		},
		noun: func(r limitRow) identity.Limit {
			return identity.Limit{
				Made: r.made(), Limited: identity.Limited{ServiceID: r.ServiceID, RegionID: r.RegionID, ResourceName: r.ResourceName},
				RegisteredID: r.RegisteredID, OwnerID: r.OwnerID, OnDomain: r.OnDomain, Max: r.ResourceLimit, Description: r.Description,
			}
		},
	}
}
