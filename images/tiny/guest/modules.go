package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"
)

// module is a kernel module, read and ready to be inserted.
type module struct {
	name string
	data []byte
}

// readModules reads the modules that the builder listed in dir/<list>, in the order of their dependencies.
func readModules(dir, list string) ([]module, error) {
	names, err := os.ReadFile(filepath.Join(dir, list))
	if err != nil {
		return nil, fmt.Errorf("list of modules: %w", err)
	}
	var modules []module
	for _, name := range strings.Fields(string(names)) {
		data, err := os.ReadFile(filepath.Join(dir, name+".ko"))
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", name, err)
		}
		modules = append(modules, module{name: name, data: data})
	}
	return modules, nil
}

// insertModules gives modules to the kernel; one that is there already is fine, one that fails does not stop the others.
func insertModules(modules []module) error {
	var failed []error
	parameters, err := syscall.BytePtrFromString("")
	if err != nil {
		return err
	}
	for _, m := range modules {
		_, _, errno := syscall.Syscall(syscall.SYS_INIT_MODULE,
			uintptr(unsafe.Pointer(unsafe.SliceData(m.data))), uintptr(len(m.data)), uintptr(unsafe.Pointer(parameters)))
		if errno != 0 && errno != syscall.EEXIST {
			failed = append(failed, fmt.Errorf("module %s: %w", m.name, errno))
		}
	}
	return errors.Join(failed...)
}

// loadModules reads and inserts a list of modules.
func loadModules(dir, list string) error {
	modules, err := readModules(dir, list)
	if err != nil {
		return err
	}
	return insertModules(modules)
}
