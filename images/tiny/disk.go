package tiny

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const (
	sector = 512
	mib    = 1 << 20
	// The layout: boot sector, 1 MiB of nothing, the FAT partition that the boot loader reads, the root partition. The
	// root comes last, so that it can grow.
	bootStart, bootSize = 1 * mib, 27 * mib
	rootStart, rootSize = bootStart + bootSize, 64 * mib
	diskSize            = rootStart + rootSize

	// diskSignature is how the guest finds its disk (aloft.disk= on the kernel command line).
	diskSignature = 0xa10f7001
	// rootUUID and buildTime (Debian 12's release) are constant so that the same input gives the same image.
	rootUUID  = "a10f7001-0000-4000-8000-000000000002"
	buildTime = 1686355200

	// rootInodes are the inodes of each group of 128 MiB; maxRootBlocks (2 TiB, all a DOS partition table can say) sizes
	// the room kept for growing.
	// The journal of 16 MiB is what growing needs: a step of it is one transaction, which writes to all of that room.
	rootInodes    = 1024
	journalMiB    = 16
	maxRootBlocks = 2 << 40 / 4096
)

// commandLine is the kernel's. Messages go to the screen and to the serial port, which is the console that programs
// print to. Nothing is tuned: leaving out the kernel's mitigations or its messages gains less than one boot differs from
// the next.
func commandLine() string {
	return fmt.Sprintf("console=tty0 console=ttyS0,115200 aloft.disk=%08x panic=10", uint32(diskSignature))
}

func bootConfig() string {
	return "DEFAULT aloft\nPROMPT 0\nTIMEOUT 0\nLABEL aloft\n\tLINUX vmlinuz\n\tINITRD initrd\n\tAPPEND " + commandLine() + "\n"
}

// makeDisk writes the raw disk.
func makeDisk(ctx context.Context, raw string, p parts) error {
	code, err := os.ReadFile(p.mbr)
	if err != nil {
		return err
	}
	first, err := bootSector(code)
	if err != nil {
		return err
	}
	if err := os.WriteFile(raw, first, 0o644); err != nil {
		return err
	}
	if err := os.Truncate(raw, diskSize); err != nil {
		return err
	}
	if err := makeBoot(ctx, raw, p); err != nil {
		return fmt.Errorf("boot partition: %w", err)
	}
	if err := makeRoot(ctx, raw, p.root); err != nil {
		return fmt.Errorf("root partition: %w", err)
	}
	return nil
}

// bootSector is the first sector: boot code that starts the active partition, and the partition table.
func bootSector(code []byte) ([]byte, error) {
	const room = 440
	if len(code) > room {
		return nil, fmt.Errorf("boot code of %d bytes; there is room for %d", len(code), room)
	}
	s := make([]byte, sector)
	copy(s, code)
	binary.LittleEndian.PutUint32(s[room:], diskSignature)
	entry := func(i int, active, kind byte, start, size uint32) {
		e := s[446+16*i:]
		e[0], e[4] = active, kind
		copy(e[1:4], []byte{0xfe, 0xff, 0xff}) // cylinder, head and sector: "see the sector numbers"
		copy(e[5:8], []byte{0xfe, 0xff, 0xff})
		binary.LittleEndian.PutUint32(e[8:], start/sector)
		binary.LittleEndian.PutUint32(e[12:], size/sector)
	}
	entry(0, 0x80, 0x0e, bootStart, bootSize) // FAT16, LBA
	entry(1, 0, 0x83, rootStart, rootSize)    // Linux
	s[510], s[511] = 0x55, 0xaa
	return s, nil
}

// makeBoot formats the boot partition, copies the files and installs the loader, all inside the image file.
func makeBoot(ctx context.Context, raw string, p parts) error {
	env := []string{
		"PATH=" + p.mtools + ":" + os.Getenv("PATH"), "MTOOLS_SKIP_CHECK=1", "MTOOLSRC=/dev/null",
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", buildTime), "TZ=UTC",
	}
	config := filepath.Join(filepath.Dir(raw), "syslinux.cfg")
	if err := os.WriteFile(config, []byte(bootConfig()), 0o644); err != nil {
		return err
	}
	image := fmt.Sprintf("%s@@%d", raw, bootStart)
	tool := func(name string, args ...string) error {
		return run(ctx, env, filepath.Join(p.mtools, name), append([]string{"-i", image}, args...)...)
	}
	if err := tool("mformat", "-T", fmt.Sprint(bootSize/sector), "-h", "255", "-s", "63", "-H", fmt.Sprint(bootStart/sector), "-c", "8", "-N", "a10f7001", "::"); err != nil {
		return err
	}
	for _, file := range [][2]string{{p.kernel, "vmlinuz"}, {p.initrd, "initrd"}, {config, "syslinux.cfg"}} {
		if err := tool("mcopy", file[0], "::"+file[1]); err != nil {
			return err
		}
	}
	return run(ctx, env, p.syslinux, "--install", "--offset", fmt.Sprint(bootStart), raw)
}

// makeRoot makes the root file system inside the image file, as debugfs can without mounting it.
func makeRoot(ctx context.Context, raw string, tree []node) error {
	env := []string{fmt.Sprintf("E2FSPROGS_FAKE_TIME=%d", buildTime), "MKE2FS_CONFIG=/dev/null"}
	err := run(ctx, env, "mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-N", fmt.Sprint(rootInodes), "-I", "256", "-m", "0",
		"-O", "has_journal,extent,64bit,huge_file,flex_bg,metadata_csum,dir_nlink,extra_isize,resize_inode,ext_attr,dir_index,filetype,sparse_super,large_file",
		"-J", fmt.Sprintf("size=%d", journalMiB), "-L", "aloft-root", "-U", rootUUID,
		"-E", fmt.Sprintf("offset=%d,root_owner=0:0,hash_seed=%s,resize=%d,nodiscard", rootStart, rootUUID, uint64(maxRootBlocks)),
		raw, fmt.Sprintf("%dk", rootSize/1024))
	if err != nil {
		return err
	}
	script := filepath.Join(filepath.Dir(raw), "debugfs")
	if err := os.WriteFile(script, debugfsScript(tree), 0o644); err != nil {
		return err
	}
	device := fmt.Sprintf("%s?offset=%d", raw, rootStart)
	_, complaints, err := output(ctx, env, "", "debugfs", "-w", "-f", script, device)
	if err != nil {
		return err
	}
	// debugfs goes on after an error and ends well; all it says on standard error beside its version is one.
	for line := range bytes.Lines(complaints) {
		if !bytes.HasPrefix(line, []byte("debugfs ")) {
			return fmt.Errorf("debugfs: %s", bytes.TrimSpace(line))
		}
	}
	return run(ctx, env, "e2fsck", "-f", "-n", device)
}

// debugfsScript is the commands that make a tree, whose nodes are sorted with parents first.
func debugfsScript(tree []node) []byte {
	var s strings.Builder
	for _, n := range tree {
		dir, base := path.Split(n.path)
		fmt.Fprintf(&s, "cd /%s\n", dir)
		switch n.mode & 0o170000 {
		case kindDir:
			fmt.Fprintf(&s, "mkdir %s\n", base)
		case kindLink:
			fmt.Fprintf(&s, "symlink %s %s\n", base, n.target)
		default:
			fmt.Fprintf(&s, "write %q %s\n", n.source, base)
		}
		fields := []string{fmt.Sprintf("mode 0%o", n.mode), fmt.Sprintf("uid %d", n.uid), fmt.Sprintf("gid %d", n.uid)}
		if n.mode&0o170000 == kindLink {
			fields = nil // a link has no owner or mode of its own that matters
		}
		for _, field := range fields {
			fmt.Fprintf(&s, "set_inode_field %s %s\n", base, field)
		}
	}
	return []byte(s.String())
}
