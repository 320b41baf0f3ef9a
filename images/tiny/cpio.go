package tiny

import (
	"bytes"
	"fmt"
)

// The kinds of cpioEntry.mode.
const (
	cpioDir  = 0o040000
	cpioChar = 0o020000
	cpioFile = 0o100000
)

// cpioEntry is a file of an initramfs, owned by root.
type cpioEntry struct {
	name         string // without a leading slash; a directory stands before what is in it
	mode         uint32
	major, minor uint32 // of a device
	data         []byte
}

// encodeCPIO writes the "newc" format that the kernel unpacks (Documentation/driver-api/early-userspace/buffer-format).
// The same entries give the same bytes.
func encodeCPIO(entries []cpioEntry) []byte {
	var out bytes.Buffer
	pad := func() {
		for out.Len()%4 != 0 {
			out.WriteByte(0)
		}
	}
	write := func(inode int, e cpioEntry) {
		fmt.Fprintf(&out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			inode, e.mode, 0, 0, 1, buildTime, len(e.data), 0, 0, e.major, e.minor, len(e.name)+1, 0)
		out.WriteString(e.name)
		out.WriteByte(0)
		pad()
		out.Write(e.data)
		pad()
	}
	for i, e := range entries {
		write(i+1, e)
	}
	write(0, cpioEntry{name: "TRAILER!!!"})
	return out.Bytes()
}
