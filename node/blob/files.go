package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/recto-edge/recto/embedded/durable"
	"github.com/recto-edge/recto/node/doc"
)

// Files is a Store of one file an object below a folder of this machine.
type Files struct {
	root  string
	fsys  durable.FS
	write durable.Store

	mu    sync.Mutex
	ready map[string]bool // folders whose entry in their parent is known to be durable

	puts [64]sync.Mutex // by hash of the key: two writers of one key see each other
	seed maphash.Seed
}

const (
	tempDir  = ".pending" // of uploads whose key is not known yet; no key starts with a dot
	maxReady = 4096       // folders remembered; forgotten ones are only synced once more
)

// OpenFiles opens the store in the folder root, makes it when it is not there,
// and removes what interrupted writes left. One process uses a root at a time.
func OpenFiles(root string) (*Files, error) { return openFiles(root, durable.OS{}) }

func openFiles(root string, fsys durable.FS) (*Files, error) {
	s := &Files{root: filepath.Clean(root), fsys: fsys, write: durable.Store{FS: fsys}, ready: map[string]bool{}, seed: maphash.MakeSeed()}
	if err := s.write.MkdirAll(s.temp()); err != nil {
		return nil, fmt.Errorf("open blob store: %w", fileError(err))
	}
	left, err := os.ReadDir(s.temp())
	if err != nil {
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	for _, e := range left {
		if err := fsys.Remove(filepath.Join(s.temp(), e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open blob store: remove an unfinished upload: %w", err)
		}
	}
	return s, nil
}

func (s *Files) temp() string           { return filepath.Join(s.root, tempDir) }
func (s *Files) path(key string) string { return filepath.Join(s.root, filepath.FromSlash(key)) }

// Free gives the bytes that may still be written to the store's file system.
func (s *Files) Free() (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(s.root, &st); err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// Ingest implements Store. Bytes that are there but damaged are replaced.
func (s *Files) Ingest(ctx context.Context, r io.Reader, limit int64) (sum [sha256.Size]byte, size int64, existed bool, err error) {
	p, err := s.write.Begin(s.temp())
	if err != nil {
		return sum, 0, false, fileError(err)
	}
	defer p.Discard()
	sum, size, err = spool(ctx, p, r, limit)
	if err != nil {
		return sum, size, false, fmt.Errorf("ingest: %w", fileError(err))
	}
	key := OriginalKey(sum)
	if f, err := s.Open(ctx, key); err == nil {
		// Whoever stored it may still be about to sync the folder, and the sender
		// is answered on the strength of this one.
		if err := errors.Join(f.Close(), s.fsys.SyncDir(filepath.Dir(s.path(key)))); err != nil {
			return sum, size, false, fmt.Errorf("ingest: %w", fileError(err))
		}
		return sum, size, true, nil
	}
	if err := s.commit(p, key); err != nil {
		return sum, size, false, fmt.Errorf("ingest: %w", err)
	}
	return sum, size, false, nil
}

// commit makes p durable under key. When only the last sync fails the object may
// stay, which is harmless: its bytes are complete and repeating finds them.
func (s *Files) commit(p *durable.Pending, key string) error {
	if err := s.makeDir(filepath.Dir(s.path(key))); err != nil {
		return fileError(err)
	}
	return fileError(p.Commit(s.path(key)))
}

// makeDir makes dir and its parents up to the root, and is sure that their
// entries are durable even if somebody else made them a moment ago.
func (s *Files) makeDir(dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.makeDirLocked(dir)
}

func (s *Files) makeDirLocked(dir string) error {
	if dir == s.root || s.ready[dir] {
		return nil
	}
	if err := s.makeDirLocked(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := s.fsys.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := s.fsys.SyncDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if len(s.ready) >= maxReady {
		clear(s.ready)
	}
	s.ready[dir] = true
	return nil
}

// Put implements Store.
func (s *Files) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := checkKey(key); err != nil {
		return err
	}
	body, err := readExactly(ctx, key, r, size)
	if err != nil {
		return err
	}
	if err := checkName(key, sha256.Sum256(body)); err != nil {
		return err
	}
	defer s.lock(key)()
	if old, err := os.ReadFile(s.path(key)); err == nil {
		if bytes.Equal(old, body) {
			return fileError(s.fsys.SyncDir(filepath.Dir(s.path(key))))
		}
		if _, ok := digestOf(key); !ok {
			return conflict(key)
		} // else what is there is damaged, and replaced
	}
	p, err := s.write.Begin(s.temp())
	if err != nil {
		return fmt.Errorf("put %s: %w", key, fileError(err))
	}
	defer p.Discard()
	if _, err := p.Write(body); err != nil {
		return fmt.Errorf("put %s: %w", key, fileError(err))
	}
	if err := s.commit(p, key); err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

// lock keeps other writers of key away until the function it gives is called.
func (s *Files) lock(key string) (unlock func()) {
	m := &s.puts[maphash.String(s.seed, key)%uint64(len(s.puts))]
	m.Lock()
	return m.Unlock
}

// Open implements Store.
func (s *Files) Open(ctx context.Context, key string) (File, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	f, err := os.Open(s.path(key))
	if err != nil {
		return nil, notFound(key, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = doc.Errorf(doc.NotFound, "no object %s", key)
	}
	if want, ok := digestOf(key); ok && err == nil {
		err = compareDigest(ctx, key, want, io.NewSectionReader(f, 0, info.Size()))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return localFile{f, info.Size()}, nil
}

// Stat implements Store.
func (s *Files) Stat(_ context.Context, key string) (Info, error) {
	if err := checkKey(key); err != nil {
		return Info{}, err
	}
	info, err := os.Stat(s.path(key))
	if err != nil {
		return Info{}, notFound(key, err)
	}
	if !info.Mode().IsRegular() {
		return Info{}, doc.Errorf(doc.NotFound, "no object %s", key)
	}
	return Info{Key: key, Size: info.Size(), Modified: info.ModTime()}, nil
}

// Delete implements Store.
func (s *Files) Delete(_ context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if info, err := os.Lstat(s.path(key)); err != nil || info.IsDir() {
		if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil
		}
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return fileError(s.write.Remove(s.path(key)))
}

// localFile is an object in a file of this machine.
type localFile struct {
	*os.File
	size int64
}

// Size implements File.
func (f localFile) Size() int64 { return f.size }

// readExactly reads the size bytes that a caller of Put promised.
func readExactly(ctx context.Context, key string, r io.Reader, size int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(contextReader{ctx, r}, size+1))
	if err != nil {
		return nil, fmt.Errorf("put %s: %w", key, err)
	}
	if int64(len(body)) != size {
		return nil, doc.Errorf(doc.Invalid, "put %s: not the %d bytes that were announced", key, size)
	}
	return body, nil
}

func conflict(key string) error {
	return doc.Errorf(doc.Conflict, "object %s is there with other bytes, and objects never change", key)
}

func notFound(key string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return &doc.Error{Code: doc.NotFound, Message: "no object " + key, Err: err}
	}
	return fmt.Errorf("open object %s: %w", key, err)
}

// fileError gives errors of the file system a code where the sender can do something.
func fileError(err error) error {
	switch {
	case err == nil:
		return nil
	case durable.IsFull(err):
		return &doc.Error{Code: doc.Full, Message: "no room left on the disk of the blob store; nothing was kept", Err: err}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return &doc.Error{Code: doc.Unavailable, Message: "the blob store cannot be written: check owner and mode of its folder, and that it is not mounted read-only", Err: err}
	}
	return err
}
