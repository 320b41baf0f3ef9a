package api

import (
	"time"

	"github.com/aloft-cloud/aloft/internal/service/image"
)

// imageWire is an image as the API reference shows it; properties are among its fields.
type imageWire struct {
	ID              string            `json:"id"`
	Name            *string           `json:"name"`
	Status          string            `json:"status"`
	Visibility      string            `json:"visibility"`
	Owner           string            `json:"owner"`
	ContainerFormat *string           `json:"container_format"`
	DiskFormat      *string           `json:"disk_format"`
	Size            *int64            `json:"size"`
	VirtualSize     *int64            `json:"virtual_size"`
	Checksum        *string           `json:"checksum"`
	HashAlgo        *string           `json:"os_hash_algo"`
	HashValue       *string           `json:"os_hash_value"`
	MinDisk         int               `json:"min_disk"`
	MinRAM          int               `json:"min_ram"`
	Protected       bool              `json:"protected"`
	Hidden          bool              `json:"os_hidden"`
	Tags            []string          `json:"tags"`
	CreatedAt       string            `json:"created_at"`
	UpdatedAt       string            `json:"updated_at"`
	File            string            `json:"file"`
	Self            string            `json:"self"`
	Schema          string            `json:"schema"`
	Properties      map[string]string `json:"*"`
}

func toWire(i image.Image) imageWire {
	self := "/v2/images/" + i.ID
	w := imageWire{
		ID: i.ID, Name: maybe(i.Name), Status: string(i.Status), Visibility: string(i.Visibility), Owner: i.ProjectID,
		ContainerFormat: maybe(i.ContainerFormat), DiskFormat: maybe(i.DiskFormat),
		MinDisk: i.MinDiskGiB, MinRAM: i.MinRAMMiB, Protected: i.Protected, Hidden: i.Hidden, Tags: i.Tags,
		CreatedAt: stamp(i.CreatedAt), UpdatedAt: stamp(i.UpdatedAt),
		File: self + "/file", Self: self, Schema: "/v2/schemas/image", Properties: i.Properties,
	}
	if i.HasData() {
		w.Size, w.VirtualSize, w.Checksum = &i.Size, &i.VirtualSize, maybe(i.MD5)
		w.HashAlgo, w.HashValue = maybe(image.HashAlgorithm), maybe(i.SHA512)
	}
	return w
}

func maybe(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
