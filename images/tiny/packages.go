package tiny

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// kernelPackage depends on the package of the newest kernel.
const kernelPackage = "linux-image-cloud-amd64"

// packageNames are the Debian packages whose content the image is made of or made with, beside the kernel.
func packageNames() []string {
	return []string{
		"busybox-static", "dropbear-bin", "openssh-sftp-server", "qemu-guest-agent", // programs of the guest
		"libc6", "libcrypt1", "libtomcrypt1", "libtommath1", "libgmp10", "zlib1g", // libraries of dropbear
		"libglib2.0-0", "libpcre2-8-0", "libudev1", "libnuma1", "liburing2", // libraries of the agent
		"syslinux", "syslinux-common", "mtools", // the boot loader and its installer, which run or are read here
	}
}

// debianPackage is a downloaded and unpacked package.
type debianPackage struct {
	file string // "busybox-static_1%3a1.35.0-4_amd64.deb": name and version, hence content
	dir  string // what is in it
}

type packageSet []debianPackage

// find returns the file of a package by its path in the system, with /usr or without: Debian 12 packages have both
// kinds of path and the image has merged them.
func (s packageSet) find(path string) (string, error) {
	path = strings.TrimPrefix(path, "usr/")
	for _, p := range s {
		for _, prefix := range []string{"usr", ""} {
			candidate := filepath.Join(p.dir, prefix, path)
			if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() {
				return candidate, nil
			}
		}
	}
	return "", fault.New(fault.Internal, "none of the Debian packages has the file %s: the tiny image is built from packages of Debian 12", path)
}

func (s packageSet) glob(pattern string) []string {
	var found []string
	for _, p := range s {
		paths, _ := filepath.Glob(filepath.Join(p.dir, pattern)) // the patterns are constants
		found = append(found, paths...)
	}
	return found
}

// kernelPattern matches the name of the package of one kernel.
const kernelPattern = `linux-image-\d.*-cloud-amd64`

// fetchPackages downloads and unpacks what is not in the work directory yet.
func fetchPackages(ctx context.Context, opt Options) (packageSet, error) {
	debs := filepath.Join(opt.WorkDir, "debs")
	files, missing, err := present(debs)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		if err := download(ctx, opt, debs, missing); err != nil {
			return nil, err
		}
		if files, missing, err = present(debs); err != nil {
			return nil, err
		}
		if len(missing) > 0 {
			return nil, fmt.Errorf("apt-get downloaded no file of %s", strings.Join(missing, ", "))
		}
	}
	var set packageSet
	for _, file := range files {
		p := debianPackage{file: file, dir: filepath.Join(opt.WorkDir, "unpacked", strings.TrimSuffix(file, ".deb"))}
		if err := unpack(ctx, filepath.Join(debs, file), p.dir); err != nil {
			return nil, err
		}
		set = append(set, p)
	}
	return set, nil
}

// present returns the files of the packages that are there, and the names of those that are not.
func present(debs string) (files, missing []string, err error) {
	for _, name := range append([]string{kernelPackage}, packageNames()...) {
		pattern := regexp.QuoteMeta(name)
		if name == kernelPackage {
			pattern = kernelPattern
		}
		file, err := downloaded(debs, pattern)
		switch {
		case err != nil:
			return nil, nil, err
		case file == "":
			missing = append(missing, name)
		default:
			files = append(files, file)
		}
	}
	return files, missing, nil
}

// download gets packages with APT, which verifies them against its signed lists.
func download(ctx context.Context, opt Options, debs string, names []string) error {
	if i := slices.Index(names, kernelPackage); i >= 0 {
		kernel, err := newestKernel(ctx)
		if err != nil {
			return err
		}
		names[i] = kernel
	}
	opt.Log.Info("downloading Debian packages", "packages", names)
	partial, err := os.MkdirTemp(debs, "partial-")
	if err != nil {
		return err
	}
	defer removeAll(opt.Log, partial)
	// APT's own user for downloads could not write here.
	_, _, err = output(ctx, nil, partial, "apt-get", append([]string{"-q", "-o", "APT::Sandbox::User=root", "download"}, names...)...)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "Debian packages for the tiny image could not be downloaded: run apt-get update, and see that the package source is reachable")
	}
	files, err := filepath.Glob(filepath.Join(partial, "*.deb"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := os.Rename(file, filepath.Join(debs, filepath.Base(file))); err != nil {
			return err
		}
	}
	return nil
}

// downloaded returns the file of the package whose name matches the pattern, the last one by name if there are several.
func downloaded(dir, pattern string) (string, error) {
	isPackage, err := regexp.Compile(`^` + pattern + `_.*\.deb$`)
	if err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, entry := range slices.Backward(entries) {
		if isPackage.MatchString(entry.Name()) {
			return entry.Name(), nil
		}
	}
	return "", nil
}

// newestKernel asks APT which package the kernel's metapackage stands for now.
func newestKernel(ctx context.Context) (string, error) {
	out, _, err := output(ctx, []string{"LC_ALL=C"}, "", "apt-cache", "depends", kernelPackage)
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "APT does not know the package %s: run apt-get update; the tiny image can be built on Debian for amd64 only", kernelPackage)
	}
	name, ok := parseDepends(string(out))
	if !ok {
		return "", fault.New(fault.Unavailable, "APT does not say which kernel %s stands for: run apt-get update", kernelPackage)
	}
	return name, nil
}

// parseDepends finds the versioned kernel in what "apt-cache depends" prints.
func parseDepends(printed string) (string, bool) {
	match := regexp.MustCompile(`(?m)^\s*Depends: (linux-image-\d\S*-cloud-amd64)$`).FindStringSubmatch(printed)
	if match == nil {
		return "", false
	}
	return match[1], true
}

// unpack extracts a package unless that has been done; the directory appears in one step.
func unpack(ctx context.Context, deb, dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	if err := run(ctx, nil, "dpkg-deb", "-x", deb, partial); err != nil {
		return err
	}
	return os.Rename(partial, dir)
}
