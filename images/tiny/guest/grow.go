package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

const (
	sectorSize   = 512
	mbrEntries   = 446
	mbrEntrySize = 16
	fsBlock      = 4096 // the builder makes the file system with blocks of this size
	// growStep is the least growth worth a write: one MiB, to which partitions are aligned.
	growStep = 1 << 20 / sectorSize
)

// grow extends the root partition and its file system to the end of the disk, mounted as they are. Doing it on a disk
// that is in use already changes nothing.
func grow(log *console, d disk) error {
	sectors, err := readNumber("/sys/class/block/" + d.name + "/size")
	if err != nil {
		return err
	}
	grown, err := growPartition(d, sectors)
	if err != nil {
		return fmt.Errorf("partition: %w", err)
	}
	was, err := filesystemSize()
	if err != nil {
		return err
	}
	if err := growFilesystem(grown.length * sectorSize / fsBlock); err != nil {
		return fmt.Errorf("file system: %w", err)
	}
	is, err := filesystemSize()
	if err != nil {
		return err
	}
	log.say("root", "file system of %d MiB, was %d MiB, disk %d MiB", is>>20, was>>20, sectors*sectorSize>>20)
	return nil
}

// extent is a partition in sectors.
type extent struct{ start, length uint64 }

// growPartition writes the new size to the partition table and tells the kernel, which refuses BLKRRPART for a disk in
// use but resizes a single partition.
func growPartition(d disk, sectors uint64) (extent, error) {
	f, err := os.OpenFile(d.path(), os.O_RDWR, 0)
	if err != nil {
		return extent{}, err
	}
	defer f.Close()
	var table [sectorSize]byte
	if _, err := f.ReadAt(table[:], 0); err != nil {
		return extent{}, err
	}
	grown, changed, err := growEntry(&table, rootNumber, sectors)
	if err != nil {
		return extent{}, err
	}
	if changed {
		if _, err := f.WriteAt(table[:], 0); err != nil {
			return extent{}, err
		}
		if err := f.Sync(); err != nil {
			return extent{}, err
		}
	}
	return grown, resizeKernelPartition(f, rootNumber, grown)
}

// growEntry extends a partition in a DOS partition table to the end of a disk of that many sectors, or to the 2^32
// sectors which are the most that such a table can say.
func growEntry(table *[sectorSize]byte, number int, sectors uint64) (extent, bool, error) {
	entry := table[mbrEntries+(number-1)*mbrEntrySize:][:mbrEntrySize]
	start := uint64(binary.LittleEndian.Uint32(entry[8:]))
	length := uint64(binary.LittleEndian.Uint32(entry[12:]))
	if table[510] != 0x55 || table[511] != 0xaa || length == 0 {
		return extent{}, false, errors.New("the partition table is not the one the image was built with")
	}
	end := min(sectors, 1<<32-1)
	end -= end % growStep
	if end < start+length+growStep {
		return extent{start, length}, false, nil
	}
	binary.LittleEndian.PutUint32(entry[12:], uint32(end-start))
	return extent{start, end - start}, true, nil
}

// resizeKernelPartition is BLKPG_RESIZE_PARTITION of linux/blkpg.h.
func resizeKernelPartition(f *os.File, number int, e extent) error {
	const (
		blkpg                = 0x1269
		blkpgResizePartition = 3
	)
	partition := struct {
		start, length int64
		number        int32
		names         [128]byte
		_             int32
	}{start: int64(e.start * sectorSize), length: int64(e.length * sectorSize), number: int32(number)}
	arg := struct {
		op, flags, size int32
		data            unsafe.Pointer
	}{op: blkpgResizePartition, size: int32(unsafe.Sizeof(partition)), data: unsafe.Pointer(&partition)}
	return ioctl(f, blkpg, unsafe.Pointer(&arg))
}

// growFilesystem is EXT4_IOC_RESIZE_FS: the kernel grows the mounted file system to that many blocks.
func growFilesystem(blocks uint64) error {
	const ext4ResizeFS = 0x40086610
	root, err := os.Open("/")
	if err != nil {
		return err
	}
	defer root.Close()
	return ioctl(root, ext4ResizeFS, unsafe.Pointer(&blocks))
}

func filesystemSize() (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs("/", &s); err != nil {
		return 0, fmt.Errorf("statfs: %w", err)
	}
	return s.Blocks * uint64(s.Bsize), nil
}

func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}

func readNumber(path string) (uint64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
}
