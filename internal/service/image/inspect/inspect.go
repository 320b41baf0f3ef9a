// Package inspect tells what a disk image really is, from its bytes alone. A name or a declared format is never asked:
// a hypervisor that believes a tenant's label can be made to read files of its host through a crafted header.
//
// The package is pure: it reads no file and takes any bytes without panicking. Sources: QEMU's docs/interop/qcow2.txt,
// the VMDK, VDI and VHD(X) specifications, ECMA-119.
package inspect

import (
	"bytes"
	"encoding/binary"
)

// Format is a disk format that was recognised from content.
type Format string

// The formats that are told apart. Only Raw, QCOW2 and ISO may be run; the others are known in order to be refused with
// their name. Raw is what is left when nothing else is recognised.
const (
	Raw       Format = "raw"
	QCOW2     Format = "qcow2"
	ISO       Format = "iso"
	VMDK      Format = "vmdk"
	VDI       Format = "vdi"
	VHD       Format = "vhd"
	VHDX      Format = "vhdx"
	QED       Format = "qed"
	QCOW1     Format = "qcow"
	Parallels Format = "ploop"
	LUKS      Format = "luks"
	DMG       Format = "dmg"
	Bochs     Format = "bochs"
)

const (
	// HeadSize is how many bytes from the start of an image Head needs to see, if the image has as many.
	HeadSize = 64 << 10
	// TailSize is how many bytes of the end of an image Tail needs to see.
	TailSize = 512

	isoOffset = 0x8001
	vdiOffset = 0x40
	vdiMagic  = 0xbeda107f
)

// Info is what the start of an image says.
type Info struct {
	Format Format
	// VirtualSize is the size of the disk that a guest sees, in bytes. It is 0 for formats whose size is that of
	// their file (Raw, ISO) and for those that are only known by their name.
	VirtualSize int64
	// QCOW2 is set where Format is QCOW2.
	QCOW2 *QCOW2Header
}

// Head recognises a format by the first HeadSize bytes of an image (all of it where it is shorter).
// The error is a sentence for the user: what is wrong with a header that could not be understood.
func Head(head []byte) (Info, error) {
	if bytes.HasPrefix(head, []byte(qcowMagic)) {
		return qcow(head)
	}
	for _, s := range prefixes() {
		if bytes.HasPrefix(head, []byte(s.magic)) {
			return Info{Format: s.format}, nil
		}
	}
	switch {
	case len(head) >= vdiOffset+4 && binary.LittleEndian.Uint32(head[vdiOffset:]) == vdiMagic:
		return Info{Format: VDI}, nil
	case isVMDKText(head):
		return Info{Format: VMDK}, nil
	case len(head) >= isoOffset+5 && string(head[isoOffset:isoOffset+5]) == "CD001":
		return Info{Format: ISO}, nil
	}
	return Info{Format: Raw}, nil
}

// Tail recognises the formats that sign at their end, by the last TailSize bytes of an image; Raw where there is none.
func Tail(tail []byte) Format {
	if len(tail) > TailSize {
		tail = tail[len(tail)-TailSize:]
	}
	switch {
	case len(tail) == TailSize && bytes.HasPrefix(tail, []byte("conectix")):
		return VHD
	case len(tail) == TailSize-1 && bytes.HasPrefix(tail, []byte("conectix")): // as old Virtual PC wrote it
		return VHD
	case len(tail) == TailSize && bytes.HasPrefix(tail, []byte("koly")):
		return DMG
	}
	return Raw
}

type signature struct {
	magic  string
	format Format
}

func prefixes() []signature {
	return []signature{
		{"KDMV", VMDK},
		{"COWD", VMDK}, // ESX sparse
		{"conectix", VHD},
		{"vhdxfile", VHDX},
		{"QED\x00", QED},
		{"WithoutFreeSpace", Parallels},
		{"WithouFreSpacExt", Parallels},
		{"LUKS\xba\xbe", LUKS},
		{"Bochs Virtual HD Image", Bochs},
	}
}

// isVMDKText tells whether the bytes are a VMDK's descriptor, a text file that names the files with the data.
func isVMDKText(head []byte) bool {
	if len(head) > 4096 {
		head = head[:4096]
	}
	for line := range bytes.Lines(head) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case line[0] == '#':
			if bytes.EqualFold(line, []byte("# Disk DescriptorFile")) {
				return true
			}
		default:
			return bytes.HasPrefix(bytes.ToLower(line), []byte("version="))
		}
	}
	return false
}
