package compute

import (
	"time"

	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

// ServerGroup is a set of a project's servers that are to be placed together, or apart.
type ServerGroup struct {
	ID, ProjectID, UserID string
	Name                  string
	Policy                placement.Policy
	MaxPerHost            int   // of anti-affinity; 0 where it was not asked for, which is 1
	Revision              int64 // rises with each placement of a member, so that two control nodes can't place at the same time
	CreatedAt             time.Time
	Members               []string // ids of servers
}
