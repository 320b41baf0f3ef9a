package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

const (
	qcowMagic = "QFI\xfb"

	headerV2 = 72
	headerV3 = 104

	// Incompatible feature bits of version 3.
	bitDirty        = 1 << 0
	bitCorrupt      = 1 << 1
	bitExternalData = 1 << 2
	bitCompression  = 1 << 3
	bitExtendedL2   = 1 << 4
	bitsKnown       = bitDirty | bitCorrupt | bitExternalData | bitCompression | bitExtendedL2

	extensionEnd          = 0
	extensionExternalData = 0x44415441
)

// QCOW2Header is what of a qcow2's header decides whether it may be run.
type QCOW2Header struct {
	Version      int
	ClusterSize  int64
	Backing      bool // there is a backing file: the disk continues in another file of the host
	ExternalData bool // the data itself is in another file of the host
	Encrypted    bool
	Corrupt      bool
	// Extent is how long the file must be at least for the tables that the header names.
	Extent int64
}

// Unsafe says why an image must not be run, as the end of a sentence that starts with "the image", or "".
func (h *QCOW2Header) Unsafe() string {
	switch {
	case h.Backing:
		return "has a backing file, so it would read another file of the host; flatten it with: qemu-img convert -O qcow2 IN OUT"
	case h.ExternalData:
		return "keeps its data in an external data file, which would be a file of the host; " +
			"convert it with: qemu-img convert -O qcow2 IN OUT"
	case h.Encrypted:
		return "is encrypted, and its key is not known here; decrypt it with qemu-img convert first"
	case h.Corrupt:
		return "is marked as corrupt; repair it with: qemu-img check -r all IN"
	}
	return ""
}

func qcow(head []byte) (Info, error) {
	if len(head) < 8 {
		return Info{Format: QCOW2}, errors.New("the qcow2 header is cut off")
	}
	version := binary.BigEndian.Uint32(head[4:])
	if version == 1 {
		return Info{Format: QCOW1}, nil
	}
	if version != 2 && version != 3 {
		return Info{Format: QCOW2}, fmt.Errorf("its qcow2 version is %d; 2 and 3 are known", version)
	}
	h, size, err := qcow2(head, int(version))
	if err != nil {
		return Info{Format: QCOW2}, err
	}
	return Info{Format: QCOW2, VirtualSize: size, QCOW2: h}, nil
}

func qcow2(head []byte, version int) (*QCOW2Header, int64, error) {
	if len(head) < headerV2 || (version == 3 && len(head) < headerV3) {
		return nil, 0, errors.New("the qcow2 header is cut off")
	}
	h := &QCOW2Header{Version: version, Backing: u64(head, 8) != 0, Encrypted: u32(head, 32) != 0}
	bits := u32(head, 20)
	if bits < 9 || bits > 21 {
		return nil, 0, fmt.Errorf("its qcow2 cluster size is 2^%d bytes; 2^9 to 2^21 are possible", bits)
	}
	h.ClusterSize = 1 << bits
	size := u64(head, 24)
	if size > math.MaxInt64 {
		return nil, 0, errors.New("its virtual size is out of range")
	}
	extent, err := tables(head)
	if err != nil {
		return nil, 0, err
	}
	h.Extent = extent
	length := uint32(headerV2)
	if version == 3 {
		if length, err = features(head, h); err != nil {
			return nil, 0, err
		}
	}
	return h, int64(size), extensions(head, length, h)
}

// tables returns where the last of the tables that the header names ends. The L1 table's end is not counted, for QEMU
// leaves it out of the file while it is empty.
func tables(head []byte) (int64, error) {
	extent := uint64(0)
	for _, offset := range []uint64{u64(head, 40), u64(head, 48), u64(head, 64)} {
		if offset > math.MaxInt64 {
			return 0, errors.New("a table of its qcow2 header is out of range")
		}
		extent = max(extent, offset)
	}
	return int64(extent), nil
}

// features reads what only version 3 has, and returns the header's length.
func features(head []byte, h *QCOW2Header) (uint32, error) {
	incompatible := u64(head, 72)
	if unknown := incompatible &^ bitsKnown; unknown != 0 {
		return 0, fmt.Errorf("its qcow2 header asks for unknown features (bits %#x)", unknown)
	}
	h.ExternalData = incompatible&bitExternalData != 0
	h.Corrupt = incompatible&bitCorrupt != 0
	length := u32(head, 100)
	if length < headerV3 || int64(length) > h.ClusterSize || length%8 != 0 {
		return 0, fmt.Errorf("its qcow2 header's length is %d bytes, which is impossible", length)
	}
	return length, nil
}

// extensions walks the header's extensions as far as the bytes go. A name of an external data file counts even where
// the feature bit is not set.
func extensions(head []byte, offset uint32, h *QCOW2Header) error {
	end := min(int64(len(head)), h.ClusterSize)
	if backing := u64(head, 8); backing != 0 && backing < uint64(end) {
		end = int64(backing)
	}
	for at := int64(offset); at+8 <= end; {
		kind, length := u32(head, int(at)), int64(u32(head, int(at+4)))
		if kind == extensionEnd {
			return nil
		}
		if kind == extensionExternalData {
			h.ExternalData = true
		}
		if length > h.ClusterSize {
			return errors.New("an extension of its qcow2 header is longer than a cluster")
		}
		at += 8 + (length+7)/8*8
	}
	return nil
}

func u32(b []byte, at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
func u64(b []byte, at int) uint64 { return binary.BigEndian.Uint64(b[at:]) }
