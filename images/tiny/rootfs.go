package tiny

import (
	"bytes"
	"cmp"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// node is a directory, file or symbolic link of the root file system.
type node struct {
	path   string // without a leading slash
	mode   uint32 // with the kind, as in stat(2)
	source string // of a file: the file on the host with its content
	target string // of a symbolic link
	uid    int    // and gid
}

const (
	kindDir     = 0o040000
	kindFile    = 0o100000
	kindLink    = 0o120000
	libraryDir  = "usr/lib/x86_64-linux-gnu"
	interpreter = "ld-linux-x86-64.so.2"
)

// programs are the files that the guest runs, beside BusyBox and its applets.
func programs() []string {
	return []string{"usr/sbin/dropbear", "usr/bin/dropbearkey", "usr/bin/dbclient", "usr/sbin/qemu-ga", "usr/lib/openssh/sftp-server"}
}

// rootTree lists what is in the root file system, sorted, parents first. Files of our own are written to dir.
func rootTree(ctx context.Context, packages packageSet, dir string) ([]node, error) {
	nodes := skeleton()
	own, err := ownFiles(filepath.Join(dir, "own"))
	if err != nil {
		return nil, err
	}
	applets, err := busybox(ctx, packages)
	if err != nil {
		return nil, err
	}
	binaries, err := withLibraries(packages)
	if err != nil {
		return nil, err
	}
	return completeTree(slices.Concat(nodes, own, binaries, applets)), nil
}

// skeleton is the directories that must be there though nothing is in them, and the links of the merged /usr.
func skeleton() []node {
	nodes := []node{
		{path: "root", mode: kindDir | 0o700},
		{path: "home/aloft", mode: kindDir | 0o755, uid: 1000},
		{path: "tmp", mode: kindDir | 0o1777},
		{path: "var/tmp", mode: kindDir | 0o1777},
		{path: "var/run", mode: kindLink | 0o777, target: "../run"},
		{path: "bin", mode: kindLink | 0o777, target: "usr/bin"},
		{path: "sbin", mode: kindLink | 0o777, target: "usr/sbin"},
		{path: "lib", mode: kindLink | 0o777, target: "usr/lib"},
		{path: "lib64", mode: kindLink | 0o777, target: "usr/lib64"},
		{path: "usr/lib/sftp-server", mode: kindLink | 0o777, target: "openssh/sftp-server"}, // where dropbear looks
	}
	for _, dir := range []string{"dev", "proc", "sys", "run", "mnt", "etc/dropbear", "var/log", "var/lib/aloft-tiny", "usr/local/bin"} {
		nodes = append(nodes, node{path: dir, mode: kindDir | 0o755})
	}
	return nodes
}

// ownFiles writes the embedded tree rootfs to dir; what starts with #! can be run.
func ownFiles(dir string) ([]node, error) {
	var nodes []node
	err := fs.WalkDir(sources, "rootfs", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := sources.ReadFile(name)
		if err != nil {
			return err
		}
		n := node{path: strings.TrimPrefix(name, "rootfs/"), mode: kindFile | 0o644, source: filepath.Join(dir, filepath.FromSlash(name))}
		if bytes.HasPrefix(content, []byte("#!")) {
			n.mode = kindFile | 0o755
		}
		nodes = append(nodes, n)
		return errors.Join(os.MkdirAll(filepath.Dir(n.source), 0o755), os.WriteFile(n.source, content, 0o644))
	})
	return nodes, err
}

// busybox is the program and a link for each of its applets.
func busybox(ctx context.Context, packages packageSet) ([]node, error) {
	program, err := packages.find("bin/busybox")
	if err != nil {
		return nil, err
	}
	list, _, err := output(ctx, nil, "", program, "--list")
	if err != nil {
		return nil, err
	}
	nodes := []node{{path: "usr/bin/busybox", mode: kindFile | 0o755, source: program}}
	for _, applet := range strings.Fields(string(list)) {
		if applet == "busybox" || applet == "linuxrc" || applet == "init" { // the last two would be a second process 1
			continue
		}
		nodes = append(nodes, node{path: "usr/bin/" + applet, mode: kindLink | 0o777, target: "busybox"})
	}
	return nodes, nil
}

// withLibraries is the programs and every shared library that they need.
func withLibraries(packages packageSet) ([]node, error) {
	var nodes []node
	libraries := map[string]string{}
	for _, program := range programs() {
		file, err := packages.find(program)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, node{path: program, mode: kindFile | 0o755, source: file})
		if err := addLibraries(packages, libraries, file); err != nil {
			return nil, err
		}
	}
	for name, file := range libraries {
		nodes = append(nodes, node{path: libraryDir + "/" + name, mode: kindFile | 0o755, source: file})
	}
	return append(nodes, node{path: "usr/lib64/" + interpreter, mode: kindLink | 0o777, target: "../lib/x86_64-linux-gnu/" + interpreter}), nil
}

// addLibraries adds the libraries that an ELF file names, and theirs.
func addLibraries(packages packageSet, libraries map[string]string, file string) error {
	f, err := elf.Open(file)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	needed, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, name := range needed {
		if libraries[name] != "" {
			continue
		}
		path, err := packages.find(libraryDir + "/" + name)
		if err != nil {
			return err
		}
		libraries[name] = path
		if err := addLibraries(packages, libraries, path); err != nil {
			return err
		}
	}
	return nil
}

// completeTree adds the directories that are only implied, and sorts; of two nodes with one path the first stays, so
// that a real program comes before the applet of its name.
func completeTree(nodes []node) []node {
	byPath := map[string]node{}
	for _, n := range nodes {
		if _, there := byPath[n.path]; !there {
			byPath[n.path] = n
		}
	}
	for _, n := range nodes {
		for dir := path.Dir(n.path); dir != "."; dir = path.Dir(dir) {
			if _, there := byPath[dir]; !there {
				byPath[dir] = node{path: dir, mode: kindDir | 0o755}
			}
		}
	}
	var tree []node
	for _, n := range byPath {
		tree = append(tree, n)
	}
	slices.SortFunc(tree, func(a, b node) int { return cmp.Compare(a.path, b.path) })
	return tree
}
