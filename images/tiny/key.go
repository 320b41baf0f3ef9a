package tiny

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"sort"
	"strings"
)

// sources is everything of this package that decides what is in the image: the builder itself too, so that a change of
// the recipe makes a new image.
//
//go:embed *.go guest/*.go rootfs
var sources embed.FS

// imageKey names an image by all that goes into it.
func imageKey(ctx context.Context, goCommand string, packages packageSet) (string, error) {
	version, _, err := output(ctx, goEnvironment(), "", goCommand, "env", "GOVERSION")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "go %s\n", version)
	var files []string
	for _, p := range packages {
		files = append(files, p.file)
	}
	sort.Strings(files)
	for _, file := range files {
		fmt.Fprintf(h, "package %s\n", file)
	}
	err = fs.WalkDir(sources, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := sources.ReadFile(path)
		fmt.Fprintf(h, "source %s %d\n%s\n", path, len(content), content)
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:16], err
}
