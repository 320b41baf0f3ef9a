package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/host/command"
	"github.com/aloft-cloud/aloft/internal/host/engine"
)

func root(context.Context, Options) []Finding {
	uid := os.Geteuid()
	if uid != 0 {
		return []Finding{{
			"root", Fail, fmt.Sprintf("user %d", uid),
			"a host needs root for its network and its engines", "run it with sudo",
		}}
	}
	return []Finding{{Name: "root", Status: OK, Found: "yes"}}
}

// programs looks for what Aloft runs, and asks the engines for their versions.
func programs(ctx context.Context, _ Options) []Finding {
	var findings []Finding
	for _, p := range []struct{ name, program string }{
		{"qemu", qemuProgram()},
		{"libvirt", "libvirtd"},
		{"open vswitch", "ovs-vswitchd"},
		{"ovn", "ovn-controller"},
	} {
		out, err := command.Run(ctx, p.program, "--version")
		if err != nil {
			findings = append(findings, Finding{p.name, Fail, err.Error(), "servers need it", "make deps"})
			continue
		}
		findings = append(findings, Finding{Name: p.name, Status: OK, Found: firstLine(out)})
	}
	var missing []string
	for _, program := range []string{
		"qemu-img", "virtlogd", "ovsdb-server", "ovsdb-tool", "ovs-vsctl", "ovn-northd", "ovn-nbctl", "nft", "ethtool", "ip",
	} {
		if _, err := command.Find(program); err != nil {
			missing = append(missing, program)
		}
	}
	if len(missing) > 0 {
		return append(findings, Finding{"programs", Fail, "missing: " + strings.Join(missing, ", "), "Aloft runs them", "make deps"})
	}
	return append(findings, Finding{Name: "programs", Status: OK, Found: "all there"})
}

// virtualisation boots the test guest, always anew, and remembers what became of it.
func virtualisation(ctx context.Context, o Options) []Finding {
	const name = "virtualisation"
	v := try(ctx)
	if ctx.Err() != nil {
		return []Finding{{name, Fail, "interrupted: " + ctx.Err().Error(), "it is not known how guests would run", "run it again"}}
	}
	if err := remember(o.DataDir, v); err != nil {
		o.Log.Warn("acceleration could not be remembered", "error", err)
	}
	if v.Acceleration == KVM {
		return []Finding{{Name: name, Status: OK, Found: "KVM: a test guest ran"}}
	}
	if err := bootGuest(ctx, TCG, "max", tcgDeadline); err != nil {
		return []Finding{{
			name, Fail, fmt.Sprintf("%s; and under emulation %s", v.Why, err),
			"no server can run", "run make deps again to repair QEMU; if it is whole, look at its message",
		}}
	}
	return []Finding{{
		name, Warn, "emulation (TCG): " + v.Why,
		"servers run, about ten times slower than the processor",
		"switch virtualisation on in the firmware, or use a machine with it (in a cloud: nested virtualisation or bare metal)",
	}}
}

func datapath(context.Context, Options) []Finding {
	if engine.KernelDatapath() {
		return []Finding{{Name: "datapath", Status: OK, Found: "Open vSwitch in the kernel"}}
	}
	return []Finding{{
		"datapath", Warn, "the kernel has no openvswitch module: the network runs in user space (netdev)",
		"networks work in full, at about 2 Gbit/s", "install a kernel with the module (Debian's linux-image-amd64 has it)",
	}}
}

func tun(context.Context, Options) []Finding {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return []Finding{{
			"tun", Fail, err.Error(), "servers cannot be plugged into networks",
			"modprobe tun; in a container, hand it the device /dev/net/tun",
		}}
	}
	f.Close()
	return []Finding{{Name: "tun", Status: OK, Found: "/dev/net/tun opens"}}
}

func users(context.Context, Options) []Finding {
	const name = "unprivileged user"
	if _, err := user.Lookup("libvirt-qemu"); err != nil {
		return []Finding{{name, Fail, err.Error(), "QEMU would have to run as root", "make deps (the package libvirt-daemon-system makes the user)"}}
	}
	return []Finding{{Name: name, Status: OK, Found: "QEMU runs as libvirt-qemu"}}
}

func memory(context.Context, Options) []Finding {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return []Finding{{"memory", Warn, err.Error(), "it is not known how many servers fit", ""}}
	}
	return []Finding{judgeMemory(availableMiB(string(data)))}
}

func availableMiB(meminfo string) int64 {
	for line := range strings.Lines(meminfo) {
		var kib int64
		if n, err := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); n == 1 && err == nil {
			return kib / 1024
		}
	}
	return 0
}

func judgeMemory(mib int64) Finding {
	f := Finding{Name: "memory", Status: OK, Found: fmt.Sprintf("%d MiB available", mib)}
	switch {
	case mib < 512:
		f.Status, f.Means, f.Cure = Fail, "the engines and one small server need 512 MiB", "end something or add memory"
	case mib < 2048:
		f.Status, f.Means, f.Cure = Warn, "only a few small servers fit", "add memory for more"
	}
	return f
}

func disk(_ context.Context, o Options) []Finding {
	dir := o.DataDir
	var fs unix.Statfs_t
	err := unix.Statfs(dir, &fs)
	for errors.Is(err, unix.ENOENT) && dir != "/" {
		dir = filepath.Dir(dir)
		err = unix.Statfs(dir, &fs)
	}
	if err != nil {
		return []Finding{{"disk", Fail, fmt.Sprintf("%s: %s", dir, err), "there is no place for data", "choose another data directory"}}
	}
	return []Finding{judgeDisk(o.DataDir, int64(fs.Bavail)*fs.Bsize>>20)}
}

func judgeDisk(dir string, mib int64) Finding {
	f := Finding{Name: "disk", Status: OK, Found: fmt.Sprintf("%d GiB free for %s", mib>>10, dir)}
	switch {
	case mib < 2<<10:
		f.Status, f.Means, f.Cure = Fail, "images and disks need 2 GiB at least", "free some space, or choose another data directory"
	case mib < 10<<10:
		f.Status, f.Means, f.Cure = Warn, "only a few small servers fit", "free some space for more"
	}
	return f
}

// outside looks for other devices in the range that guests have for the outside.
func outside(_ context.Context, o Options) []Finding {
	const name = "outside network"
	_, want, err := net.ParseCIDR(o.OutsideCIDR)
	if err != nil {
		return []Finding{{name, Fail, err.Error(), "floating addresses have no range", "give an address like 172.24.4.1/24"}}
	}
	devices, err := net.Interfaces()
	if err != nil {
		return []Finding{{name, Warn, err.Error(), "it is not known whether the range is free", ""}}
	}
	for _, d := range devices {
		if d.Name == o.OutsideBridge {
			continue
		}
		addresses, err := d.Addrs()
		if err != nil {
			continue // it has just gone
		}
		for _, a := range addresses {
			if has, ok := a.(*net.IPNet); ok && (want.Contains(has.IP) || has.Contains(want.IP)) {
				return []Finding{{
					name, Fail, fmt.Sprintf("%s is on %s already, in the range %s", has, d.Name, want),
					"floating addresses would be taken for that device's", "give another range with --outside",
				}}
			}
		}
	}
	return []Finding{{Name: name, Status: OK, Found: want.String() + " is free"}}
}
