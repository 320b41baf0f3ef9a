package compute

import (
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Server is a virtual machine of a project.
type Server struct {
	ID, ProjectID, UserID string
	Name                  string
	Description           *string
	Hostname              string // as the guest sees it
	State                 State
	Task                  Task
	Power                 protocol.Power // as last seen; empty before the first report
	Step                  string         // what the host is doing at the moment, for humans

	Wanted     protocol.Power
	Generation int64 // rises with each change of what the host should do
	Carried    int64 // the generation that the host has carried out
	Revision   int64 // of the row; changes compare and set it
	Boot       int64 // rises with each reboot that a user asks for
	HardBoot   bool

	HostID, HostName string // where it has been placed; empty if nowhere
	Zone             string // of the host
	PinnedZone       string // the zone that the user asked for; empty if any
	PinnedHost       string // the name of the host that an admin asked for
	Tried            []string
	GroupID          string // of its server group; empty if it is in none
	Hints            Hints
	Size             Resources // what it claims on its host and of its project's quota

	Flavor   FlavorCopy
	Image    Image
	KeyName  string
	Keys     []protocol.Key
	Metadata map[string]string
	Tags     []string
	UserData string // base64, as the user gave it; absent in lists

	AccessIPv4, AccessIPv6 string
	LaunchIndex            int
	ReservationID          string
	Fault                  *Fault

	CreatedAt, UpdatedAt            time.Time
	PlacedAt, LaunchedAt, DeletedAt *time.Time
}

// FlavorCopy is what a server keeps of its flavor, which may be deleted before the server is.
type FlavorCopy struct {
	ID, Name           string
	VCPUs, MemoryMiB   int
	DiskGiB, Ephemeral int
	SwapMiB            int
	Specs              map[string]string
}

// Fault is why a server is in error, for its owner.
type Fault struct {
	Code    int
	Message string
	Details string // for admins
	At      time.Time
}

// Resources are what servers take and hosts have.
type Resources struct {
	VCPUs, MemoryMiB, DiskGiB int
}

// plus returns the sum of r and n times o.
func (r Resources) plus(o Resources, n int) Resources {
	return Resources{r.VCPUs + n*o.VCPUs, r.MemoryMiB + n*o.MemoryMiB, r.DiskGiB + n*o.DiskGiB}
}

// fail puts the server into error.
func (s *Server) fail(code int, message, details string, now time.Time) {
	s.State, s.Task, s.Step = Failed, Idle, ""
	s.Fault = &Fault{Code: code, Message: message, Details: details, At: now}
}

// leave takes the server off its host; what it claimed there is the caller's to release.
func (s *Server) leave() {
	s.HostID, s.HostName, s.Zone, s.PlacedAt = "", "", "", nil
}

// hostname makes a name that a guest can carry of what a user calls a server: RFC 1123 letters, digits and hyphens.
func hostname(name, id string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			b.WriteRune(r)
		case r == ' ' || r == '_' || r == '.':
			b.WriteByte('-')
		}
	}
	h := b.String()
	if len(h) > 63 {
		h = h[:63]
	}
	if h = strings.Trim(h, "-"); h == "" {
		return "server-" + id
	}
	return h
}
