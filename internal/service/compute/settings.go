package compute

import "time"

// Settings are what an operator may tune.
type Settings struct {
	Tuning                      // until an operator changes it
	HostTimeout   time.Duration // a host that is silent for so long is down
	HostWait      time.Duration // a new server waits so long for any host to be up
	BuildPatience time.Duration // a host may fail and retry for so long to build a server
	MaxTries      int           // on so many hosts a build is tried
	DefaultZone   string        // of hosts that are in no other
	KeepDeleted   time.Duration // deleted servers stay in the database for so long, as history
	Quota         Quota         // of a project that has none of its own
}

// Defaults are the settings that Aloft comes with. Root disks are overlays that hold what was written only, hence the
// ratio for disks.
func Defaults() Settings {
	return Settings{
		Tuning:      Tuning{CPURatio: 16, MemoryRatio: 1, DiskRatio: 4, ReservedMemoryMiB: 512},
		HostTimeout: 14 * time.Second, HostWait: 30 * time.Second, BuildPatience: 2 * time.Minute,
		MaxTries: 3, DefaultZone: "nova", KeepDeleted: 90 * 24 * time.Hour,
		Quota: Quota{Servers: 10, VCPUs: 20, MemoryMiB: 51200, KeyPairs: 100, MetadataItems: 128, ServerGroups: 10, GroupMembers: 10},
	}
}

// Quota is the most that a project may have; a negative number is no limit. KeyPairs are each user's, and
// MetadataItems each server's; GroupMembers are
// those of one user in one server group.
type Quota struct {
	Servers, VCPUs, MemoryMiB, KeyPairs, MetadataItems, ServerGroups, GroupMembers int
}

// Usage is what a project has of its quota.
type Usage struct {
	Servers, VCPUs, MemoryMiB int
	ServerGroups              int // counted when it is asked for
}
