package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// FS is what a Store needs of a file system.
type FS interface {
	CreateTemp(dir, pattern string) (File, error)
	Mkdir(path string) error
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(path string) error
}

// File is a file open for writing.
type File interface {
	io.WriteCloser
	Name() string
	Sync() error
}

// OS is the operating system's file system.
type OS struct{}

// CreateTemp implements FS.
func (OS) CreateTemp(dir, pattern string) (File, error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err // not f: a nil *os.File is not a nil File
	}
	return f, nil
}

// Mkdir implements FS. A directory that is there is fs.ErrExist, anything else in
// its place syscall.ENOTDIR.
func (OS) Mkdir(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrExist) {
		if info, statErr := os.Stat(path); statErr == nil && !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
		}
	}
	return err
}

// Rename implements FS.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements FS.
func (OS) Remove(path string) error { return os.Remove(path) }

// SyncDir implements FS.
func (OS) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
