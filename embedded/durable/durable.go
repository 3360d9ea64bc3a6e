// Package durable owns how Recto puts a file on disk so that it survives a
// power cut: written to a temporary name in the same file system, synced, closed,
// renamed, and the directory synced. It guarantees that a path either holds its
// old content or all of the new one, and that a nil error means the new content
// is on the disk. It never leaves a half-written file under a final name.
package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

// tempPrefix starts the name of every file that is not finished yet.
const tempPrefix = ".pending-"

// Store writes files through an FS. The zero Store writes to the operating
// system's; tests give one that fails.
type Store struct{ FS FS }

func (s Store) fs() FS {
	if s.FS == nil {
		return OS{}
	}
	return s.FS
}

// WriteFile makes path hold all of r, or leaves path as it was and says why not.
// The directory must exist. The file's mode is 0600.
func WriteFile(path string, r io.Reader) error { return Store{}.WriteFile(path, r) }

// MkdirAll makes the directory path with its parents, mode 0700, and syncs every
// directory that got a new entry. A directory that is there already is no error.
func MkdirAll(path string) error { return Store{}.MkdirAll(path) }

// Remove removes the file or empty directory path for good. A path that is not
// there is no error, so that a repeated removal is harmless.
func Remove(path string) error { return Store{}.Remove(path) }

// Begin starts a file whose final name is not known yet, in dir.
func Begin(dir string) (*Pending, error) { return Store{}.Begin(dir) }

// WriteFile is the package's WriteFile on s.
func (s Store) WriteFile(path string, r io.Reader) error {
	p, err := s.Begin(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer p.Discard()
	if _, err := io.Copy(p, r); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return p.Commit(path)
}

// MkdirAll is the package's MkdirAll on s.
func (s Store) MkdirAll(path string) error {
	path = filepath.Clean(path)
	err := s.fs().Mkdir(path)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path {
		if err := s.MkdirAll(filepath.Dir(path)); err != nil {
			return err
		}
		err = s.fs().Mkdir(path)
	}
	if errors.Is(err, fs.ErrExist) {
		// Whoever made it may have been killed before its sync. A caller who needs
		// to be sure about a directory it did not make syncs by writing into it.
		return nil
	}
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	return s.syncDir(filepath.Dir(path))
}

// Remove is the package's Remove on s.
func (s Store) Remove(path string) error {
	err := s.fs().Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	return s.syncDir(filepath.Dir(path))
}

func (s Store) syncDir(dir string) error {
	if err := s.fs().SyncDir(dir); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}

// IsTemp says whether the file name (without directory) is one that a Pending
// uses: to be left out of listings, and to be removed when it is old.
func IsTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }

// IsFull says whether err means that the disk or the quota has no room left.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
