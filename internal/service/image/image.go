package image

import (
	"maps"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/query"
)

// Visibility says who sees an image.
type Visibility string

// The closed set of visibilities.
const (
	Private   Visibility = "private"
	Shared    Visibility = "shared"
	Community Visibility = "community"
	Public    Visibility = "public"
)

// Disk formats that can be run. An ISO is run as it is, like a raw disk.
const (
	Raw   = "raw"
	QCOW2 = "qcow2"
	ISO   = "iso"
)

// HashAlgorithm is that of Image.SHA512.
const HashAlgorithm = "sha512"

// Image is a disk image.
type Image struct {
	ID, Name   string
	ProjectID  string // the owner
	Status     Status
	Visibility Visibility
	// ContainerFormat and DiskFormat are empty until the user says them; an upload needs both.
	ContainerFormat, DiskFormat string
	// Size is the length of the data and VirtualSize that of the disk a guest sees, in bytes; 0 without data.
	Size, VirtualSize int64
	MD5, SHA512       string // of the data, in lower-case hex
	MinDiskGiB        int
	MinRAMMiB         int
	Protected         bool // may not be deleted
	Hidden            bool // left out of lists unless asked for
	Tags              []string
	Properties        map[string]string
	CreatedAt         time.Time
	UpdatedAt         time.Time

	// Upload names the file with the data, be it there or still arriving; empty without data.
	Upload string
	// LeaseAt is when the upload at work was last known to be alive.
	LeaseAt    time.Time
	Generation int64
}

// HasData tells whether the image's bytes are there.
func (i *Image) HasData() bool { return i.Status == Active || i.Status == Deactivated }

// RunFormat is how a hypervisor must open the data: "qcow2" or "raw".
func (i *Image) RunFormat() string {
	if i.DiskFormat == QCOW2 {
		return QCOW2
	}
	return Raw
}

func (i *Image) clone() Image {
	c := *i
	c.Tags = slices.Clone(i.Tags)
	c.Properties = maps.Clone(i.Properties)
	return c
}

// Member is a project that a shared image was given to.
type Member struct {
	ImageID, ProjectID string
	Status             MemberStatus
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

// MemberStatus is what a member thinks of the gift; only accepted images are in its list.
type MemberStatus string

// The closed set of member states.
const (
	Pending  MemberStatus = "pending"
	Accepted MemberStatus = "accepted"
	Rejected MemberStatus = "rejected"
)

// Sight is which images a reader may see at all.
type Sight struct {
	All       bool
	ProjectID string
}

// Filter narrows a list. Empty fields do not narrow; lists are alternatives, except Tags, which must all be there.
type Filter struct {
	IDs, Names, Statuses          []string
	ContainerFormats, DiskFormats []string
	// Visibility is one of the four, "all", or empty: what the reader owns, was given, or is public.
	Visibility Visibility
	// MemberStatus is of the images that were given to the reader: empty means accepted, "all" means any.
	MemberStatus     MemberStatus
	Owner            string
	MD5, SHA512      string
	Tags             []string
	SizeMin, SizeMax *int64
	Protected        *bool
	Hidden           bool
	Created, Updated []query.Bound
	Properties       map[string]string
}

// AnyVisibility in a Filter lets all that the reader may see through; AnyMember likewise.
const (
	AnyVisibility Visibility   = "all"
	AnyMember     MemberStatus = "all"
)
