//go:build linux

// Package volume is the disks of a fault run: a folder, a small disk in memory
// that can be filled, or a file system in an image file that can lose its power.
//
// A power loss is what a file system had handed to its device and nothing of what
// it still held in memory: the image is copied while every writer stands still,
// and the copy is mounted instead. Mounts and folders carry the process that made
// them in their name; Sweep removes those of processes that are gone, and touches
// nothing else.
package volume

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Kind is what a volume is made of.
type Kind string

// The kinds.
const (
	Folder Kind = "folder" // of the machine's own disk
	Memory Kind = "memory" // tmpfs: can be full
	Image  Kind = "image"  // ext4 in a file: can be full and lose power
)

// ErrUnavailable says that this kind needs rights that are missing.
var ErrUnavailable = errors.New("volume: mounting needs root")

const prefix = "recto-chaos-"

// Base makes the folder below which a run keeps everything; remove takes away
// what is left in it.
func Base(parent string) (dir string, remove func() error, err error) {
	if parent == "" {
		parent = os.TempDir()
	}
	dir, err = os.MkdirTemp(parent, fmt.Sprintf("%s%d-", prefix, os.Getpid()))
	return dir, func() error { return removeAll(dir) }, err
}

// Volume is one disk, mounted.
type Volume struct {
	Dir   string // where it is mounted
	kind  Kind
	size  int64 // bytes
	image string
	cuts  int
}

// New makes an empty disk of size bytes called name below base.
func New(base, name string, kind Kind, size int64) (*Volume, error) {
	v := &Volume{Dir: filepath.Join(base, name), kind: kind, size: size, image: filepath.Join(base, name+".img")}
	if kind != Folder && os.Geteuid() != 0 {
		return nil, ErrUnavailable
	}
	if err := os.MkdirAll(v.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make volume: %w", err)
	}
	if kind == Image {
		f, err := os.Create(v.image)
		if err != nil {
			return nil, fmt.Errorf("make volume: %w", err)
		}
		if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
			return nil, fmt.Errorf("make volume: %w", err)
		}
		// No lazy initialisation: it would write behind the run's back.
		if err := run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", v.image); err != nil {
			return nil, err
		}
	}
	return v, v.mount()
}

// Kind says what the volume is made of.
func (v *Volume) Kind() Kind { return v.kind }

func (v *Volume) mount() error {
	switch v.kind {
	case Memory:
		if err := unix.Mount("recto-chaos", v.Dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", v.size)); err != nil {
			return fmt.Errorf("mount %s: %w", v.Dir, err)
		}
	case Image:
		// What was not synced stays in memory for long, and a rename alone makes
		// nothing durable: the hardest a correct file system may be.
		return run("mount", "-o", "loop,commit=900,noauto_da_alloc", v.image, v.Dir)
	}
	return nil
}

// Snapshot copies the disk as its device has it, without what the file system
// still holds in memory. All writers must stand still.
func (v *Volume) Snapshot() error {
	if v.kind != Image {
		return errors.New("snapshot: only an image can lose power")
	}
	v.cuts++
	return run("cp", "--sparse=always", v.image, v.snapshot())
}

func (v *Volume) snapshot() string { return v.image + ".cut" }

// PowerLoss mounts the last snapshot in place of the disk. No process may use it.
func (v *Volume) PowerLoss() error {
	if err := unmount(v.Dir); err != nil {
		return err
	}
	if err := os.Rename(v.snapshot(), v.image); err != nil {
		return fmt.Errorf("power loss: %w", err)
	}
	return v.mount()
}

const ballast = "ballast"

// Fill takes all room but left bytes, and Drain gives it back.
func (v *Volume) Fill(left int64) error {
	if v.kind == Folder {
		return errors.New("fill: the machine's own disk is not filled")
	}
	var st unix.Statfs_t
	if err := unix.Statfs(v.Dir, &st); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	n := int64(st.Bavail)*st.Bsize - left
	if n <= 0 {
		return nil
	}
	f, err := os.Create(filepath.Join(v.Dir, ballast))
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, n)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	return nil
}

// Drain removes what Fill wrote.
func (v *Volume) Drain() error {
	if err := os.Remove(filepath.Join(v.Dir, ballast)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("drain: %w", err)
	}
	return nil
}

// Close unmounts the disk and removes it.
func (v *Volume) Close() error {
	if v.kind != Folder {
		if err := unmount(v.Dir); err != nil {
			return err
		}
	}
	var err error
	for _, p := range []string{v.image, v.snapshot()} {
		if e := os.Remove(p); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return errors.Join(err, os.RemoveAll(v.Dir))
}

// unmount lets go of a mount at once, and of its loop device with the last user.
func unmount(dir string) error {
	err := unix.Unmount(dir, 0)
	if errors.Is(err, unix.EBUSY) { // a process that was killed a moment ago may still hold it
		err = unix.Unmount(dir, unix.MNT_DETACH)
	}
	if err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: it is not mounted
		return fmt.Errorf("unmount %s: %w", dir, err)
	}
	return nil
}

func run(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// removeAll unmounts everything below dir and removes it.
func removeAll(dir string) error {
	mounts, err := below(dir)
	if err != nil {
		return err
	}
	for _, m := range mounts {
		err = errors.Join(err, unmount(m))
	}
	if err != nil {
		return err // the folder of a mount that stayed must not be emptied
	}
	return os.RemoveAll(dir)
}

// below gives the mounts below dir, the latest first.
func below(dir string) ([]string, error) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, fmt.Errorf("list mounts: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("list mounts: %w", err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		if w := strings.Fields(line); len(w) > 1 && strings.HasPrefix(w[1], dir+"/") {
			out = append([]string{w[1]}, out...)
		}
	}
	return out, nil
}

// Sweep removes what runs below parent left behind whose process is gone, and
// gives the folders removed.
func Sweep(parent string) ([]string, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	found, err := filepath.Glob(filepath.Join(parent, prefix+"*-*"))
	if err != nil {
		return nil, err
	}
	var gone []string
	for _, dir := range found {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), prefix), "-")
		n, e := strconv.Atoi(pid)
		if e != nil || n <= 0 || alive(n) {
			continue
		}
		if e := removeAll(dir); e != nil {
			err = errors.Join(err, e)
			continue
		}
		gone = append(gone, dir)
	}
	return gone, err
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
