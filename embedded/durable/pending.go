package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// errClosed is what a Pending answers after Commit or Discard.
var errClosed = errors.New("durable: file is committed or discarded")

// Pending is a file being written, invisible under its final name until Commit.
// It belongs to one goroutine.
type Pending struct {
	store Store
	file  File // nil after Commit or Discard
	err   error
}

// Begin is the package's Begin on s.
func (s Store) Begin(dir string) (*Pending, error) {
	f, err := s.fs().CreateTemp(dir, tempPrefix+"*")
	if err != nil {
		return nil, fmt.Errorf("create temporary file: %w", err)
	}
	return &Pending{store: s, file: f}, nil
}

// Write implements io.Writer. After a failed write Commit refuses.
func (p *Pending) Write(b []byte) (int, error) {
	if p.file == nil {
		return 0, errClosed
	}
	n, err := p.file.Write(b)
	if err != nil && p.err == nil {
		p.err = err
	}
	return n, err
}

// Date gives the file t as the time of its last change, which Commit keeps.
func (p *Pending) Date(t time.Time) error {
	if p.file == nil {
		return errClosed
	}
	return os.Chtimes(p.file.Name(), t, t)
}

// Open opens what was written so far for reading. The reader stays usable after
// Commit and Discard; the caller closes it.
func (p *Pending) Open() (*os.File, error) {
	if p.file == nil {
		return nil, errClosed
	}
	return os.Open(p.file.Name())
}

// Commit makes what was written durable as path, which must be in the same file
// system and in a directory that exists, replacing what is there. An error means
// that path holds what it held before, except when only the sync of the directory
// failed: then path is complete but might not survive a power cut.
func (p *Pending) Commit(path string) error {
	if p.file == nil {
		return errClosed
	}
	defer p.Discard()
	if p.err != nil {
		return fmt.Errorf("commit %s after a failed write: %w", filepath.Base(path), p.err)
	}
	if err := p.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", filepath.Base(path), err)
	}
	f := p.file
	p.file = nil
	err := f.Close()
	if err == nil {
		err = p.store.fs().Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("finish %s: %w", filepath.Base(path), err), p.store.fs().Remove(f.Name()))
	}
	return p.store.syncDir(filepath.Dir(path))
}

// Discard removes what was written, unless it was committed. It may be called
// any number of times, and after Commit does nothing.
func (p *Pending) Discard() {
	if p.file == nil {
		return
	}
	// Best effort: what remains is recognised by IsTemp and swept up later.
	_ = p.file.Close()
	_ = p.store.fs().Remove(p.file.Name())
	p.file = nil
}
