// Package blob owns the bytes: originals by hash, intake records and archived
// revisions. It guarantees that a nil error of Ingest or Put means that the whole
// object is durable, that a failed one leaves nothing behind under a key, and
// that what is read back is what was stored, wherever the key names the content. Objects are immutable:
// there is no way to change one. It never looks into the bytes and knows nothing
// of documents.
//
// Four stores keep the contract, proved by one suite (blobtest): Files on this
// machine, Copies on the disks of several, S3 through minio-go, and Standby, which
// is S3 with Copies for the time it is away. What works on any of them (Check,
// Verify, ReadAll) is a function beside the interface.
package blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Store keeps immutable objects under keys. All methods may be called from many
// goroutines. Errors carry a doc.Code: NotFound, Invalid (a bad key), TooLarge,
// Full, Conflict, Unavailable (repeat later), Internal.
type Store interface {
	// Ingest reads r to its end, hashing, and keeps the bytes under
	// OriginalKey(sum). existed says that they were there before. An error of r
	// means that nothing is kept. limit is in bytes, 0 means none; one byte more
	// is TooLarge.
	Ingest(ctx context.Context, r io.Reader, limit int64) (sum [sha256.Size]byte, size int64, existed bool, err error)
	// Put keeps size bytes of r (small: records, not originals) under key. The
	// same key again with the same bytes is fine, with others a Conflict. Bytes
	// that a key which names its content does not name are Invalid.
	Put(ctx context.Context, key string, r io.Reader, size int64) error
	// Open gives the object; the caller closes it. One whose key names its content
	// and whose bytes are no longer those is ErrDamaged.
	Open(ctx context.Context, key string) (File, error)
	// Stat says what is known of the object without reading it.
	Stat(ctx context.Context, key string) (Info, error)
	// Delete removes the object for good. One that is not there is no error.
	Delete(ctx context.Context, key string) error
	// List calls fn for each object whose key starts with prefix and is greater
	// than after, in byte order of keys, until fn gives an error. Stop ends the
	// listing without one. Objects added meanwhile may or may not be seen.
	List(ctx context.Context, prefix, after string, fn func(Info) error) error
}

// File is an open object: random access to its bytes.
type File interface {
	io.ReaderAt
	io.Closer
	Size() int64 // bytes
}

// Info is what a store knows of an object.
type Info struct {
	Key      string
	Size     int64 // bytes
	Modified time.Time
}

// Stop is given by a function called by List to end the listing.
var Stop = errors.New("blob: stop listing")

// ErrDamaged is in the chain of the error of an object whose bytes changed where
// they are stored.
var ErrDamaged = errors.New("blob: stored bytes are damaged")

// Reader reads f from its start.
func Reader(f File) *io.SectionReader { return io.NewSectionReader(f, 0, f.Size()) }

// ReadAll gives the bytes of a small object, at most limit of them; a larger one
// is TooLarge.
func ReadAll(ctx context.Context, s Store, key string, limit int64) ([]byte, error) {
	f, err := s.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.Size() > limit {
		return nil, doc.Errorf(doc.TooLarge, "object %s has %d bytes, over %d", key, f.Size(), limit)
	}
	b := make([]byte, f.Size())
	if _, err := io.ReadFull(Reader(f), b); err != nil {
		return nil, fmt.Errorf("read object %s: %w", key, err)
	}
	return b, nil
}

// Verify reads the object under a key that names its content and says whether its
// bytes are still those it was stored with: nil, ErrDamaged, or why it could not
// be read.
func Verify(ctx context.Context, s Store, key string) error {
	want, ok := digestOf(key)
	if !ok {
		return doc.Errorf(doc.Invalid, "object %s has no digest in its key to compare with", key)
	}
	f, err := s.Open(ctx, key)
	if err != nil {
		return err
	}
	defer f.Close()
	return compareDigest(ctx, key, want, Reader(f))
}

// Check says whether the store can be written, read and deleted right now: nil,
// or an error whose text tells the operator what to do.
func Check(ctx context.Context, s Store) error {
	if own, ok := s.(interface{ Check(context.Context) error }); ok {
		return own.Check(ctx) // a store of several disks
	}
	key := "check/" + strings.ToLower(rand.Text())
	const body = "recto was here"
	if err := s.Put(ctx, key, strings.NewReader(body), int64(len(body))); err != nil {
		return fmt.Errorf("check blob store: write: %w", err)
	}
	got, err := ReadAll(ctx, s, key, 1<<10)
	if err == nil && string(got) != body {
		err = fmt.Errorf("%w: other bytes came back", ErrDamaged)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("check blob store: read: %w", err), s.Delete(ctx, key))
	}
	if err := s.Delete(ctx, key); err != nil {
		return fmt.Errorf("check blob store: delete: %w", err)
	}
	return nil
}

func compareDigest(ctx context.Context, key, want string, r io.Reader) error {
	h := sha256.New()
	if _, err := io.Copy(h, contextReader{ctx, r}); err != nil {
		return fmt.Errorf("verify %s: %w", key, err)
	}
	return checkDigest(key, want, h)
}

func checkDigest(key, want string, h hash.Hash) error {
	if !named(want, [sha256.Size]byte(h.Sum(nil))) {
		return damaged(key)
	}
	return nil
}

func damaged(key string) error {
	return &doc.Error{Code: doc.Internal, Detail: doc.DetailDamaged, Err: ErrDamaged,
		Message: "the stored object " + key + " is damaged: deliver the file again, or restore it from a backup"}
}

// spool copies r into w up to limit bytes (0: no limit), hashing.
func spool(ctx context.Context, w io.Writer, r io.Reader, limit int64) (sum [sha256.Size]byte, size int64, err error) {
	h := sha256.New()
	src := io.Reader(contextReader{ctx, r})
	if limit > 0 {
		src = io.LimitReader(src, limit+1)
	}
	size, err = io.Copy(io.MultiWriter(w, h), src)
	if err != nil {
		return sum, size, err
	}
	if limit > 0 && size > limit {
		return sum, size, doc.Errorf(doc.TooLarge, "the file has more than %d bytes, the limit of this node", limit)
	}
	return [sha256.Size]byte(h.Sum(nil)), size, nil
}

// contextReader ends reading when ctx does, so that a stopped node does not wait
// for a slow sender.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(b)
}
