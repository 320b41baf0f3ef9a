package store

import (
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

type serverRow struct {
	bun.BaseModel `bun:"table:compute_servers,alias:server"`

	ID            string             `bun:"id,pk"`
	ProjectID     string             `bun:"project_id"`
	UserID        string             `bun:"user_id"`
	Name          string             `bun:"name"`
	Description   *string            `bun:"description"`
	Hostname      string             `bun:"hostname"`
	State         compute.State      `bun:"state"`
	Task          compute.Task       `bun:"task"`
	Power         protocol.Power     `bun:"power"`
	Step          string             `bun:"step"`
	Wanted        protocol.Power     `bun:"wanted"`
	Generation    int64              `bun:"generation"`
	Carried       int64              `bun:"carried"`
	Revision      int64              `bun:"revision"`
	Boot          int64              `bun:"boot"`
	HardBoot      bool               `bun:"hard_boot"`
	HostID        string             `bun:"host_id"`
	HostName      string             `bun:"host_name"`
	Zone          string             `bun:"zone"`
	PinnedZone    string             `bun:"pinned_zone"`
	PinnedHost    string             `bun:"pinned_host"`
	Tried         []string           `bun:"tried,type:text"`
	GroupID       string             `bun:"group_id"`
	Hints         compute.Hints      `bun:"hints,type:text"`
	VCPUs         int                `bun:"vcpus"`
	MemoryMiB     int                `bun:"memory_mib"`
	DiskGiB       int                `bun:"disk_gib"`
	FlavorID      string             `bun:"flavor_id"`
	Flavor        compute.FlavorCopy `bun:"flavor,type:text"`
	ImageID       string             `bun:"image_id"`
	Image         compute.Image      `bun:"image,type:text"`
	KeyName       string             `bun:"key_name"`
	Keys          []protocol.Key     `bun:"public_keys,type:text"`
	Metadata      map[string]string  `bun:"metadata,type:text"`
	Tags          []string           `bun:"tags,type:text"`
	UserData      string             `bun:"user_data"`
	AccessIPv4    string             `bun:"access_ipv4"`
	AccessIPv6    string             `bun:"access_ipv6"`
	LaunchIndex   int                `bun:"launch_index"`
	ReservationID string             `bun:"reservation_id"`
	Fault         *compute.Fault     `bun:"fault,type:text"`
	CreatedAt     time.Time          `bun:"created_at"`
	UpdatedAt     time.Time          `bun:"updated_at"`
	PlacedAt      *time.Time         `bun:"placed_at"`
	LaunchedAt    *time.Time         `bun:"launched_at"`
	DeletedAt     *time.Time         `bun:"deleted_at"`
}

// born are the columns that never change, and changing those that SaveServers writes; the methods of these names are the
// values in the same order.
var (
	born = []string{
		"id", "project_id", "user_id", "pinned_zone", "pinned_host", "group_id", "hints", "vcpus", "memory_mib", "disk_gib",
		"flavor_id", "flavor", "image_id", "image", "key_name", "public_keys", "user_data", "launch_index", "reservation_id",
		"created_at",
	}
	changing = []string{
		"name", "description", "hostname", "state", "task", "power", "step", "wanted", "generation", "carried", "revision",
		"boot", "hard_boot", "host_id", "host_name", "zone", "tried", "metadata", "tags", "access_ipv4", "access_ipv6",
		"fault", "updated_at", "placed_at", "launched_at", "deleted_at",
	}
)

func (r *serverRow) born() []any {
	return []any{
		r.ID, r.ProjectID, r.UserID, r.PinnedZone, r.PinnedHost, r.GroupID, db.JSON(r.Hints), r.VCPUs, r.MemoryMiB, r.DiskGiB,
		r.FlavorID, db.JSON(r.Flavor), r.ImageID, db.JSON(r.Image), r.KeyName, db.JSON(r.Keys), r.UserData, r.LaunchIndex, r.ReservationID,
		r.CreatedAt,
	}
}

func (r *serverRow) changing() []any {
	var failure any
	if r.Fault != nil {
		failure = db.JSON(r.Fault)
	}
	return []any{
		r.Name, r.Description, r.Hostname, string(r.State), string(r.Task), string(r.Power), r.Step, string(r.Wanted), r.Generation, r.Carried, r.Revision,
		r.Boot, r.HardBoot, r.HostID, r.HostName, r.Zone, db.JSON(r.Tried), db.JSON(r.Metadata), db.JSON(r.Tags), r.AccessIPv4, r.AccessIPv6,
		failure, r.UpdatedAt, r.PlacedAt, r.LaunchedAt, r.DeletedAt,
	}
}

func serverToRow(s *compute.Server) serverRow {
	return serverRow{
		ID: s.ID, ProjectID: s.ProjectID, UserID: s.UserID, Name: s.Name, Description: s.Description, Hostname: s.Hostname,
		State: s.State, Task: s.Task, Power: s.Power, Step: s.Step, Wanted: s.Wanted, Generation: s.Generation,
		Carried: s.Carried, Revision: s.Revision, Boot: s.Boot, HardBoot: s.HardBoot,
		HostID: s.HostID, HostName: s.HostName, Zone: s.Zone, PinnedZone: s.PinnedZone, PinnedHost: s.PinnedHost,
		Tried: list(s.Tried), GroupID: s.GroupID, Hints: s.Hints, VCPUs: s.Size.VCPUs, MemoryMiB: s.Size.MemoryMiB, DiskGiB: s.Size.DiskGiB,
		FlavorID: s.Flavor.ID, Flavor: s.Flavor, ImageID: s.Image.ID, Image: s.Image, KeyName: s.KeyName, Keys: list(s.Keys),
		Metadata: dict(s.Metadata), Tags: list(s.Tags), UserData: s.UserData, AccessIPv4: s.AccessIPv4, AccessIPv6: s.AccessIPv6,
		LaunchIndex: s.LaunchIndex, ReservationID: s.ReservationID, Fault: s.Fault, CreatedAt: s.CreatedAt,
		UpdatedAt: s.UpdatedAt, PlacedAt: s.PlacedAt, LaunchedAt: s.LaunchedAt, DeletedAt: s.DeletedAt,
	}
}

func (r *serverRow) server() compute.Server {
	return compute.Server{
		ID: r.ID, ProjectID: r.ProjectID, UserID: r.UserID, Name: r.Name, Description: r.Description, Hostname: r.Hostname,
		State: r.State, Task: r.Task, Power: r.Power, Step: r.Step, Wanted: r.Wanted, Generation: r.Generation,
		Carried: r.Carried, Revision: r.Revision, Boot: r.Boot, HardBoot: r.HardBoot,
		HostID: r.HostID, HostName: r.HostName, Zone: r.Zone, PinnedZone: r.PinnedZone, PinnedHost: r.PinnedHost,
		Tried: r.Tried, GroupID: r.GroupID, Hints: r.Hints, Size: compute.Resources{VCPUs: r.VCPUs, MemoryMiB: r.MemoryMiB, DiskGiB: r.DiskGiB},
		Flavor: r.Flavor, Image: r.Image, KeyName: r.KeyName, Keys: r.Keys,
		Metadata: r.Metadata, Tags: r.Tags, UserData: r.UserData, AccessIPv4: r.AccessIPv4, AccessIPv6: r.AccessIPv6,
		LaunchIndex: r.LaunchIndex, ReservationID: r.ReservationID, Fault: r.Fault, CreatedAt: r.CreatedAt.UTC(),
		UpdatedAt: r.UpdatedAt.UTC(), PlacedAt: utc(r.PlacedAt), LaunchedAt: utc(r.LaunchedAt), DeletedAt: utc(r.DeletedAt),
	}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

func dict(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
