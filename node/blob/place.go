package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/recto-edge/recto/embedded/durable"
	"github.com/recto-edge/recto/node/doc"
)

// object is what members tell each other of an object. born is the second since
// 1970 at which it was delivered, the same on every member: an erasure is younger
// than what it erases, and a delivery younger than the erasure before it.
type object struct {
	key  string
	sum  [sha256.Size]byte
	size int64 // bytes
	born int64
}

// Folders of a store that belong to no key.
const (
	erasedDir  = ".erased"  // one file for each erased key: named by the key's hash, dated by the erasure, the key inside
	damagedDir = ".damaged" // objects that changed on the disk and of which no good copy was found
)

// erasedError says that an object is refused because its key was erased later
// than it was born.
type erasedError struct{ at int64 }

func (e *erasedError) Error() string { return "the object was erased" }

// place makes what p holds durable under its key: nothing else writes objects of
// a store that members share. What is there with the same bytes stays, what is
// there damaged is replaced, and the erasure before it is forgotten.
func (s *Files) place(ctx context.Context, p *durable.Pending, o object) (existed bool, err error) {
	if err := checkName(o.key, o.sum); err != nil {
		return false, err
	}
	defer s.lock(o.key)()
	at, err := s.erasedAt(o.key)
	if err != nil {
		return false, err
	}
	if o.born <= at {
		return false, &erasedError{at}
	}
	switch there, err := s.look(ctx, o.key); {
	case err == nil && there.sum == o.sum:
		return true, s.renew(there, o.born)
	case err == nil:
		if _, ok := digestOf(o.key); !ok {
			return false, conflict(o.key)
		}
	case doc.CodeOf(err) != doc.NotFound:
		return false, err
	}
	if err := p.Date(time.Unix(o.born, 0)); err != nil {
		return false, fmt.Errorf("keep %s: %w", o.key, err)
	}
	if err := s.commit(p, o.key); err != nil {
		return false, fmt.Errorf("keep %s: %w", o.key, err)
	}
	// Both have lost their meaning: a delivery is younger than what they tell of.
	_ = os.Remove(s.hashed(erasedDir, o.key))
	_ = os.Remove(s.hashed(damagedDir, o.key))
	return false, nil
}

// receive is place for bytes that have yet to be written: r must give those that
// o describes.
func (s *Files) receive(ctx context.Context, r io.Reader, o object) (existed bool, err error) {
	p, err := s.write.Begin(s.temp())
	if err != nil {
		return false, fileError(err)
	}
	defer p.Discard()
	sum, n, err := spool(ctx, p, io.LimitReader(r, o.size+1), 0)
	if err != nil {
		return false, fmt.Errorf("receive %s: %w", o.key, fileError(err))
	}
	if n != o.size || sum != o.sum {
		return false, doc.Errorf(doc.Unavailable, "object %s did not arrive whole", o.key)
	}
	return s.place(ctx, p, o)
}

// look reads the object under key and says what it is. It does not say whether
// the key names it.
func (s *Files) look(ctx context.Context, key string) (object, error) {
	f, err := s.open(key)
	if err != nil {
		return object{}, err
	}
	defer f.Close()
	return lookAt(ctx, key, f)
}

// open opens the object under key as it is.
func (s *Files) open(key string) (*os.File, error) {
	f, err := os.Open(s.path(key))
	if err != nil {
		return nil, notFound(key, err)
	}
	return f, nil
}

// lookAt is look for an open file, which it leaves at its end.
func lookAt(ctx context.Context, key string, f *os.File) (object, error) {
	info, err := f.Stat()
	if err != nil {
		return object{}, fmt.Errorf("look at %s: %w", key, err)
	}
	if !info.Mode().IsRegular() {
		return object{}, doc.Errorf(doc.NotFound, "no object %s", key)
	}
	h := sha256.New()
	n, err := io.Copy(h, contextReader{ctx, f})
	if err != nil {
		return object{}, fmt.Errorf("look at %s: %w", key, err)
	}
	return object{key: key, sum: [sha256.Size]byte(h.Sum(nil)), size: n, born: info.ModTime().Unix()}, nil
}

// renew makes sure that an object that is there stays there, and is as young as
// its last delivery: an erasure before that must not remove it.
func (s *Files) renew(o object, born int64) error {
	path := s.path(o.key)
	if born > o.born {
		f, err := os.Open(path)
		if err != nil {
			return notFound(o.key, err)
		}
		defer f.Close()
		now := time.Unix(born, 0)
		if err := errors.Join(os.Chtimes(path, now, now), f.Sync()); err != nil {
			return fmt.Errorf("renew %s: %w", o.key, fileError(err))
		}
	}
	// Whoever stored it may still be about to sync the folder.
	return fileError(s.fsys.SyncDir(filepath.Dir(path)))
}

// hashed is the file in a dot folder that stands for key.
func (s *Files) hashed(dir, key string) string {
	h := fmt.Sprintf("%x", sha256.Sum256([]byte(key)))
	return filepath.Join(s.root, dir, h[:2], h)
}

// erasedAt gives the second since 1970 at which key was erased; 0 for never.
func (s *Files) erasedAt(key string) (int64, error) {
	info, err := os.Lstat(s.hashed(erasedDir, key))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for an erasure: %w", err)
	}
	return info.ModTime().Unix(), nil
}

// erase removes the object under key if it was born at the second at or before,
// and remembers that it did. Else it gives the second at which it was born. The
// erasure is durable before the object goes.
func (s *Files) erase(key string, at int64) (younger int64, err error) {
	if err := checkKey(key); err != nil {
		return 0, err
	}
	defer s.lock(key)()
	info, err := os.Lstat(s.path(key))
	if err == nil && info.Mode().IsRegular() && info.ModTime().Unix() > at {
		return info.ModTime().Unix(), nil
	}
	before, err := s.erasedAt(key)
	if err == nil && before < at {
		err = s.note(erasedDir, key, strings.NewReader(key), time.Unix(at, 0))
	}
	if err == nil {
		err = s.Delete(context.Background(), key)
	}
	if err != nil {
		return 0, fmt.Errorf("erase %s: %w", key, fileError(err))
	}
	_ = os.Remove(s.hashed(damagedDir, key))
	return 0, nil
}

// note writes the file that stands for key in a dot folder.
func (s *Files) note(dir, key string, r io.Reader, at time.Time) error {
	path := s.hashed(dir, key)
	if err := s.makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	p, err := s.write.Begin(s.temp())
	if err != nil {
		return err
	}
	defer p.Discard()
	if _, err := io.Copy(p, r); err != nil {
		return err
	}
	if err := p.Date(at); err != nil {
		return err
	}
	return p.Commit(path)
}

// drop removes the copy of an object that others keep, if it is still o.
func (s *Files) drop(ctx context.Context, o object) error {
	defer s.lock(o.key)()
	there, err := s.look(ctx, o.key)
	if doc.CodeOf(err) == doc.NotFound || err == nil && there.sum != o.sum {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Delete(ctx, o.key)
}

// putAside takes an object that is damaged away from its key without deleting it,
// and says whether it did.
func (s *Files) putAside(ctx context.Context, key string) (bool, error) {
	defer s.lock(key)()
	if o, err := s.look(ctx, key); err == nil && wantNamed(o) == nil || doc.CodeOf(err) == doc.NotFound {
		return false, nil // replaced or erased meanwhile
	}
	to := s.hashed(damagedDir, key)
	if err := s.makeDir(filepath.Dir(to)); err != nil {
		return false, fmt.Errorf("put %s aside: %w", key, fileError(err))
	}
	if err := s.fsys.Rename(s.path(key), to); err != nil {
		return false, fmt.Errorf("put %s aside: %w", key, err)
	}
	return true, errors.Join(s.fsys.SyncDir(filepath.Dir(to)), s.fsys.SyncDir(filepath.Dir(s.path(key))))
}

// isAside says whether a damaged object was put aside and no good one came since.
func (s *Files) isAside(key string) bool {
	_, err := os.Lstat(s.hashed(damagedDir, key))
	return err == nil
}

// aside counts the damaged objects that were put aside.
func (s *Files) aside() (n int64, err error) {
	err = filepath.WalkDir(filepath.Join(s.root, damagedDir), func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		return n, fmt.Errorf("count damaged objects: %w", err)
	}
	return n, nil
}

// erasure is one key that was erased.
type erasure struct {
	Key string `json:"key"`
	At  int64  `json:"at"` // second since 1970
}

// erasures calls fn with every erasure that is remembered, in no order.
func (s *Files) erasures(ctx context.Context, fn func(erasure) error) error {
	err := filepath.WalkDir(filepath.Join(s.root, erasedDir), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil // there is none, or it was removed meanwhile
		}
		if err != nil || d.IsDir() {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		key, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || s.hashed(erasedDir, string(key)) != path {
			return err // a damaged name still keeps its object away here
		}
		at, err := s.erasedAt(string(key))
		if err != nil || at == 0 {
			return err
		}
		return fn(erasure{string(key), at})
	})
	if err != nil {
		return fmt.Errorf("list erasures: %w", err)
	}
	return nil
}

// forgetErasure removes what is remembered of an erasure up to the second at.
func (s *Files) forgetErasure(key string, at int64) error {
	defer s.lock(key)()
	had, err := s.erasedAt(key)
	if err != nil || had == 0 || had > at {
		return err
	}
	return s.write.Remove(s.hashed(erasedDir, key))
}
