package tiny

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// goEnvironment makes the compiler use nothing but the sources given to it and its own library.
func goEnvironment() []string {
	return []string{
		"GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "CGO_ENABLED=0",
		"GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local", "GOPROXY=off", "GOEXPERIMENT=",
	}
}

// compileGuest compiles the embedded init program in dir and returns the file.
func compileGuest(ctx context.Context, goCommand, dir string) (string, error) {
	src := filepath.Join(dir, "guest")
	if err := os.Mkdir(src, 0o755); err != nil {
		return "", err
	}
	files, err := fs.Glob(sources, "guest/*.go")
	if err != nil {
		return "", err
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		content, err := sources.ReadFile(file)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o644); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(filepath.Join(src, "go.mod"), []byte("module guest\n\ngo 1.26\n"), 0o644); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "init")
	if _, _, err := output(ctx, goEnvironment(), src, goCommand, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", binary, "."); err != nil {
		return "", fmt.Errorf("compile the guest's init program: %w", err)
	}
	return binary, nil
}
