package image

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

const (
	maxText       = 255 // characters of names, tags and names of properties
	maxValue      = 65535
	maxTags       = 128
	maxProperties = 128
)

// DiskFormats are the formats that an image may have.
func DiskFormats() []string { return []string{QCOW2, Raw, ISO} }

// ContainerFormats are the containers that an image may have. Only the absence of one is useful.
func ContainerFormats() []string { return []string{"bare"} }

// validate checks what a user may choose.
func (i *Image) validate() error {
	if err := i.validateEnums(); err != nil {
		return err
	}
	if err := text("name", i.Name, maxText); err != nil {
		return err
	}
	if i.MinDiskGiB < 0 {
		return fault.Invalidf("min_disk", "Invalid value for option min_disk: %d is negative; it is a number of GiB", i.MinDiskGiB)
	}
	if i.MinRAMMiB < 0 {
		return fault.Invalidf("min_ram", "Invalid value for option min_ram: %d is negative; it is a number of MiB", i.MinRAMMiB)
	}
	return i.validateExtras()
}

func (i *Image) validateEnums() error {
	if !slices.Contains([]Visibility{Private, Shared, Community, Public}, i.Visibility) {
		return fault.Invalidf("visibility", "Invalid visibility '%s': it is public, private, shared or community", i.Visibility)
	}
	if i.DiskFormat != "" && !slices.Contains(DiskFormats(), i.DiskFormat) {
		return fault.Invalidf("disk_format", "Invalid disk format '%s' for image: it is one of %s; others can be converted with: "+
			"qemu-img convert -O qcow2 IN OUT", i.DiskFormat, strings.Join(DiskFormats(), ", "))
	}
	if i.ContainerFormat != "" && !slices.Contains(ContainerFormats(), i.ContainerFormat) {
		return fault.Invalidf("container_format", "Invalid container format '%s' for image: it is %s",
			i.ContainerFormat, strings.Join(ContainerFormats(), ", "))
	}
	return nil
}

func (i *Image) validateExtras() error {
	slices.Sort(i.Tags)
	i.Tags = slices.Compact(i.Tags)
	if len(i.Tags) > maxTags {
		return fault.New(fault.TooLarge, "an image may have %d tags, not %d", maxTags, len(i.Tags))
	}
	for _, t := range i.Tags {
		if t == "" {
			return fault.Invalidf("tags", "a tag may not be empty")
		}
		if err := text("tags", t, maxText); err != nil {
			return err
		}
	}
	if len(i.Properties) > maxProperties {
		return fault.New(fault.TooLarge, "an image may have %d properties, not %d", maxProperties, len(i.Properties))
	}
	for k, v := range i.Properties {
		if k == "" {
			return fault.Invalidf("properties", "the name of a property may not be empty")
		}
		if err := text(k, k, maxText); err != nil {
			return err
		}
		if err := text(k, v, maxValue); err != nil {
			return err
		}
	}
	return nil
}

func text(field, value string, most int) error {
	if n := utf8.RuneCountInString(value); n > most {
		return fault.Invalidf(field, "%s is %d characters long; %d are possible", shorten(field), n, most)
	}
	if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return fault.Invalidf(field, "%s is not valid UTF-8 text", shorten(field))
	}
	return nil
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
