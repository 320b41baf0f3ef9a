package tiny

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// diskModules are what the guest needs to see its disk; lateModules are loaded when the root is mounted. ext4, the
// serial port, IPv6, packet sockets and PCI hotplug are part of Debian's kernel itself.
func diskModules() []string { return []string{"virtio_pci", "virtio_blk"} }

func lateModules() []string {
	return []string{
		"virtio_rng", "virtio_net", "button", "evdev", // randomness before keys; the power button is an input device
		"virtio_console", "virtio_balloon", // the guest agent's port; memory statistics
		"8021q", // VLANs, of a trunk
	}
}

// kernel is the kernel package, unpacked.
type kernel struct {
	version string
	image   string            // the file vmlinuz
	modules map[string]string // name to file
}

func findKernel(packages packageSet) (kernel, error) {
	images := packages.glob("boot/vmlinuz-*")
	if len(images) != 1 {
		return kernel{}, fault.New(fault.Internal, "the kernel package has %d kernels instead of one", len(images))
	}
	k := kernel{image: images[0], version: strings.TrimPrefix(filepath.Base(images[0]), "vmlinuz-"), modules: map[string]string{}}
	for _, root := range packages.glob("lib/modules/" + k.version) {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if name, ok := strings.CutSuffix(entry.Name(), ".ko"); err == nil && ok {
				k.modules[moduleName(name)] = path
			}
			return err
		})
		if err != nil {
			return kernel{}, fmt.Errorf("modules of the kernel: %w", err)
		}
	}
	return k, nil
}

// moduleName is the name the kernel uses for a module, which has no dashes.
func moduleName(name string) string { return strings.ReplaceAll(name, "-", "_") }

// withDependencies returns the wanted modules and all they need, each after what it needs. depends tells the direct
// needs of one module.
func withDependencies(wanted []string, depends func(name string) ([]string, error)) ([]string, error) {
	var order []string
	seen := map[string]bool{}
	var visit func(name string) error
	visit = func(name string) error {
		if seen[name] {
			return nil
		}
		seen[name] = true
		needs, err := depends(name)
		if err != nil {
			return err
		}
		for _, need := range needs {
			if err := visit(moduleName(need)); err != nil {
				return err
			}
		}
		order = append(order, name)
		return nil
	}
	for _, name := range wanted {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// depends reads which modules a module needs, from its own .modinfo section: the package has no modules.dep, which is
// made when a kernel is installed.
func (k kernel) depends(name string) ([]string, error) {
	path, ok := k.modules[name]
	if !ok {
		return nil, fault.New(fault.Internal, "kernel %s has no module %s: the tiny image is built from Debian 12's kernel", k.version, name)
	}
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", name, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("module %s has no .modinfo", name)
	}
	info, err := section.Data()
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", name, err)
	}
	return parseModinfo(info), nil
}

// parseModinfo finds "depends=a,b" among the zero-ended strings of a .modinfo section.
func parseModinfo(info []byte) []string {
	for field := range bytes.SplitSeq(info, []byte{0}) {
		if list, ok := bytes.CutPrefix(field, []byte("depends=")); ok && len(list) > 0 {
			return strings.Split(string(list), ",")
		}
	}
	return nil
}

// writeInitramfs writes the first file system: the init program, the modules and two lists of them. It is not
// compressed: the disk image is, and unpacking in the emulated machine would cost more than reading.
func writeInitramfs(file, init string, k kernel) error {
	program, err := os.ReadFile(init)
	if err != nil {
		return err
	}
	disk, err := withDependencies(diskModules(), k.depends)
	if err != nil {
		return err
	}
	all, err := withDependencies(append(diskModules(), lateModules()...), k.depends)
	if err != nil {
		return err
	}
	list := func(names []string) []byte { return []byte(strings.Join(names, "\n") + "\n") }
	entries := []cpioEntry{
		{name: "dev", mode: cpioDir | 0o755},
		{name: "dev/console", mode: cpioChar | 0o600, major: 5, minor: 1}, // or init has nowhere to print to
		{name: "init", mode: cpioFile | 0o755, data: program},
		{name: "modules", mode: cpioDir | 0o755},
		{name: "modules/disk", mode: cpioFile | 0o644, data: list(disk)},
		{name: "modules/late", mode: cpioFile | 0o644, data: list(all[len(disk):])},
		{name: "newroot", mode: cpioDir | 0o755},
	}
	for _, name := range all {
		data, err := os.ReadFile(k.modules[name])
		if err != nil {
			return err
		}
		entries = append(entries, cpioEntry{name: "modules/" + name + ".ko", mode: cpioFile | 0o644, data: data})
	}
	return os.WriteFile(file, encodeCPIO(entries), 0o644)
}
