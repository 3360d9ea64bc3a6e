//go:build linux

package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build says how a binary for fault runs differs from the one that is shipped.
// The product has no hooks for this: sources are exchanged while they are
// compiled, and each change must find its place or the build fails.
type Build struct {
	Version string // as the linker sets it
	Level   int    // highest feature level, for upgrades; 0: as it is
}

// patch replaces one text of a source file by another.
type patch struct{ file, old, new string }

// Environment of a binary that was built here.
const (
	clockEnv = "RECTO_CHAOS_CLOCK" // file of 8 bytes: seconds that its clock is off, little endian
	delayEnv = "RECTO_CHAOS_DELAY" // time that reading a document takes longer, without using a core
)

// clockSource makes the wall clock of a process what a file says: it can jump at
// any moment. The monotonic clock goes on, as the kernel's does.
const clockSource = `package time

import (
	"syscall"
	"unsafe"
)

var clockOffset = openOffset()

func openOffset() *int64 {
	name, ok := syscall.Getenv("` + clockEnv + `")
	if !ok {
		return new(int64)
	}
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		panic("clock of the fault run: " + err.Error())
	}
	b, err := syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic("clock of the fault run: " + err.Error())
	}
	return (*int64)(unsafe.Pointer(&b[0]))
}
`

const delaySource = `package node

import (
	"context"
	"os"
	"time"
)

var readingDelay, _ = time.ParseDuration(os.Getenv("` + delayEnv + `"))

func delayReading(ctx context.Context) { pause(ctx, readingDelay) }
`

// Make builds the program of the module in root into the file out.
func (b Build) Make(ctx context.Context, root, out string) error {
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("find the Go sources: %w", err)
	}
	clock := filepath.Join(strings.TrimSpace(string(goroot)), "src", "time")
	node := filepath.Join(root, "node")
	patches := []patch{
		{filepath.Join(clock, "time.go"), "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n", "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n\tsec += *clockOffset\n"},
		{filepath.Join(node, "work.go"), "\t\tout, done, err = n.read(ctx, reading)\n", "\t\tdelayReading(ctx)\n\t\tout, done, err = n.read(ctx, reading)\n"},
	}
	if b.Level > 0 {
		patches = append(patches, patch{filepath.Join(node, "membership.go"), "var levels = [2]int{1, 2}\n", fmt.Sprintf("var levels = [2]int{1, %d}\n", b.Level)})
	}
	dir, err := os.MkdirTemp("", "recto-chaosbuild-")
	if err != nil {
		return err
	}
	overlay, err := overlayOf(dir, patches, map[string]string{
		filepath.Join(clock, "offset_chaos.go"): clockSource, filepath.Join(node, "delay_chaos.go"): delaySource,
	})
	if err == nil {
		args := []string{"build", "-overlay", overlay, "-trimpath", "-ldflags", "-s -w -X main.version=" + b.Version, "-o", out, "./cmd/recto"}
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = root
		if text, e := cmd.CombinedOutput(); e != nil {
			err = fmt.Errorf("build for fault runs: %w: %s", e, bytes.TrimSpace(text))
		}
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// overlayOf writes the changed sources and the list by which the compiler finds
// them.
func overlayOf(dir string, patches []patch, added map[string]string) (string, error) {
	replace := map[string]string{}
	put := func(path, text string) error {
		changed := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		replace[path] = changed
		return save(changed, []byte(text))
	}
	for _, p := range patches {
		b, err := os.ReadFile(p.file)
		if err != nil {
			return "", fmt.Errorf("build for fault runs: %w", err)
		}
		if n := strings.Count(string(b), p.old); n != 1 {
			return "", fmt.Errorf("build for fault runs: %s has the place to change %d times, not once: adapt the patch", p.file, n)
		}
		if err := put(p.file, strings.Replace(string(b), p.old, p.new, 1)); err != nil {
			return "", err
		}
	}
	for path, text := range added {
		if err := put(path, text); err != nil {
			return "", err
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	return list, save(list, b)
}
