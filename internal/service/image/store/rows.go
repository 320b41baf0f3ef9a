package store

import (
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/service/image"
)

type imageRow struct {
	bun.BaseModel   `bun:"table:images,alias:i"`
	ID              string `bun:"id,pk"`
	ProjectID       string
	Name            string
	Status          string
	Visibility      string
	ContainerFormat string
	DiskFormat      string
	Size            int64
	VirtualSize     int64
	MD5             string `bun:"md5"`
	SHA512          string `bun:"sha512"`
	MinDisk         int
	MinRAM          int `bun:"min_ram"`
	Protected       bool
	Hidden          bool
	Upload          string
	LeaseAt         time.Time
	CreatedAt       time.Time
	UpdatedAt       time.Time
	Generation      int64
}

type tagRow struct {
	bun.BaseModel `bun:"table:image_tags,alias:t"`
	ImageID       string `bun:"image_id,pk"`
	Tag           string `bun:"tag,pk"`
}

type propertyRow struct {
	bun.BaseModel `bun:"table:image_properties,alias:p"`
	ImageID       string `bun:"image_id,pk"`
	Name          string `bun:"name,pk"`
	Value         string
}

type memberRow struct {
	bun.BaseModel `bun:"table:image_members,alias:m"`
	ImageID       string `bun:"image_id,pk"`
	Member        string `bun:"member,pk"`
	Status        string
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

func toRow(i image.Image) *imageRow {
	return &imageRow{
		ID: i.ID, ProjectID: i.ProjectID, Name: i.Name, Status: string(i.Status), Visibility: string(i.Visibility),
		ContainerFormat: i.ContainerFormat, DiskFormat: i.DiskFormat, Size: i.Size, VirtualSize: i.VirtualSize,
		MD5: i.MD5, SHA512: i.SHA512, MinDisk: i.MinDiskGiB, MinRAM: i.MinRAMMiB, Protected: i.Protected, Hidden: i.Hidden,
		Upload: i.Upload, LeaseAt: i.LeaseAt.UTC(), CreatedAt: i.CreatedAt.UTC(), UpdatedAt: i.UpdatedAt.UTC(), Generation: i.Generation,
	}
}

func (r *imageRow) image() image.Image {
	return image.Image{
		ID: r.ID, ProjectID: r.ProjectID, Name: r.Name, Status: image.Status(r.Status), Visibility: image.Visibility(r.Visibility),
		ContainerFormat: r.ContainerFormat, DiskFormat: r.DiskFormat, Size: r.Size, VirtualSize: r.VirtualSize,
		MD5: r.MD5, SHA512: r.SHA512, MinDiskGiB: r.MinDisk, MinRAMMiB: r.MinRAM, Protected: r.Protected, Hidden: r.Hidden,
		Properties: map[string]string{},
		Upload:     r.Upload, LeaseAt: r.LeaseAt.UTC(), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Generation: r.Generation,
	}
}

func tagRows(i image.Image) []tagRow {
	rows := make([]tagRow, 0, len(i.Tags))
	for _, t := range i.Tags {
		rows = append(rows, tagRow{ImageID: i.ID, Tag: t})
	}
	return rows
}

func propertyRows(i image.Image) []propertyRow {
	rows := make([]propertyRow, 0, len(i.Properties))
	for _, k := range slices.Sorted(maps.Keys(i.Properties)) {
		rows = append(rows, propertyRow{ImageID: i.ID, Name: k, Value: i.Properties[k]})
	}
	return rows
}
