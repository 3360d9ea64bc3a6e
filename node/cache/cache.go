// Package cache owns what a node derives and can derive again: the index (rows of
// documents, from the document log) and cached values (readings, results), in one
// bbolt file. It guarantees that a torn or damaged file never blocks a start: it
// is found out and begun anew. It never holds anything that exists nowhere else,
// which is why it does not sync: after a power cut the file is thrown away.
package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/recto-edge/recto/node/doc"
)

// Options are what Open needs besides a path.
type Options struct {
	MaxBytes int64        // of cached values, compressed; 0: 1 GiB. The index has no bound.
	Log      *slog.Logger // nil: silent
}

// ErrDamaged is in the chain of every error after the file turned out to be
// damaged. Index.Reset begins a new one; else the next Open does.
var ErrDamaged = errors.New("cache: file is damaged")

// DB is the open file. Its methods and those of its parts may be called from many
// goroutines.
type DB struct {
	path   string
	state  state
	log    *slog.Logger
	index  *Index
	values *Values
	enc    *zstd.Encoder
	dec    *zstd.Decoder

	mu      sync.RWMutex // of bolt: Reset replaces a damaged file
	bolt    *bbolt.DB    // nil after Close
	damaged atomic.Bool
	found   chan struct{} // holds one when damage was found
}

// Damage gives word when the file turned out to be damaged, whoever found it: from
// then on everything fails until Index.Reset.
func (d *DB) Damage() <-chan struct{} { return d.found }

const (
	lockTimeout  = 2 * time.Second // how long a process that is just ending may keep the file
	maxValueSize = 256 << 20       // bytes of one value, decompressed
)

// Open opens or makes the file path, whose folder must exist. A file that cannot
// be trusted is deleted and begun anew: the caller sees Index.Applied at 0 and
// replays the log. A file in use by another process is Conflict.
func Open(path string, o Options) (*DB, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 30
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxValueSize), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	d := &DB{path: path, state: state{path}, log: o.Log, enc: enc, dec: dec, found: make(chan struct{}, 1)}
	d.index, d.values = newIndex(d), newValues(d, o.MaxBytes)
	if err := d.open(); err != nil {
		dec.Close()
		return nil, err
	}
	return d, nil
}

// Index gives the rows of documents.
func (d *DB) Index() *Index { return d.index }

// Values gives the cached values.
func (d *DB) Values() *Values { return d.values }

// open opens the file, or a new one when it cannot be trusted.
func (d *DB) open() error {
	unclean, err := d.state.trust()
	if err == nil {
		if err = d.state.opened(unclean + 1); err != nil {
			return fmt.Errorf("open cache: %w", err)
		}
		err = d.load()
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, bolterrors.ErrTimeout) { // its process is well: this open does not count
		return errors.Join(doc.Errorf(doc.Conflict, "the cache file %s is in use by another process", d.path), d.state.opened(unclean))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		d.log.Warn("cache file is begun anew", "path", d.path, "error", err)
	}
	err = os.Remove(d.path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = d.state.opened(1)
	}
	if err == nil {
		err = d.load()
	}
	if err != nil {
		return fmt.Errorf("open cache: %w", err)
	}
	return nil
}

// load opens the file and reads what is kept in memory. Damage is an error, not
// a panic or a fault.
func (d *DB) load() error { return guarded(d.loadFile) }

func (d *DB) loadFile() (err error) {
	b, err := bbolt.Open(d.path, 0o600, &bbolt.Options{
		Timeout: lockTimeout, NoSync: true, NoGrowSync: true, FreelistType: bbolt.FreelistMapType,
	})
	if err != nil {
		return err
	}
	defer func() {
		if d.bolt == nil {
			err = errors.Join(err, b.Close())
		}
	}()
	if err := longEnough(b); err != nil {
		return err
	}
	if err := b.Update(prepare); err != nil {
		return err
	}
	if err := b.View(func(tx *bbolt.Tx) error { return errors.Join(d.index.load(tx), d.values.load(tx)) }); err != nil {
		return err
	}
	d.bolt = b
	d.damaged.Store(false)
	return nil
}

// longEnough finds a file that was cut off: bbolt would fault on its end later.
func longEnough(b *bbolt.DB) error {
	return b.View(func(tx *bbolt.Tx) error {
		info, err := os.Stat(b.Path())
		if err == nil && info.Size() < tx.Size() {
			err = fmt.Errorf("%w: %d of %d bytes are left", ErrDamaged, info.Size(), tx.Size())
		}
		return err
	})
}

// Close syncs and closes the file. Closing again does nothing.
func (d *DB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bolt == nil {
		return nil
	}
	err := d.bolt.Sync()
	err = errors.Join(err, d.bolt.Close())
	d.bolt = nil
	d.dec.Close()
	if err == nil && !d.damaged.Load() {
		err = d.state.closed()
	}
	if err != nil {
		return fmt.Errorf("close cache: %w", err)
	}
	return nil
}

// begin replaces a damaged file by an empty one.
func (d *DB) begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bolt == nil {
		return errClosed
	}
	if !d.damaged.Load() {
		return nil // somebody else did
	}
	select {
	case <-d.found: // it is being dealt with
	default:
	}
	err := d.bolt.Close()
	d.bolt = nil
	if err != nil {
		return fmt.Errorf("begin cache anew: %w", err)
	}
	return d.open() // its state says damaged
}

var errClosed = doc.Errorf(doc.Unavailable, "the cache is closed")

func (d *DB) view(fn func(*bbolt.Tx) error) error {
	return d.use(func(b *bbolt.DB) error { return b.View(fn) })
}

func (d *DB) update(fn func(*bbolt.Tx) error) error {
	return d.use(func(b *bbolt.DB) error { return b.Update(fn) })
}

// use runs fn on the file and notices damage.
func (d *DB) use(fn func(*bbolt.DB) error) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.bolt == nil {
		return errClosed
	}
	if d.damaged.Load() {
		return ErrDamaged
	}
	err := guarded(func() error { return fn(d.bolt) })
	if errors.Is(err, ErrDamaged) && !d.damaged.Swap(true) {
		d.log.Error("cache file is damaged and will be begun anew", "path", d.path, "error", err)
		if err := d.state.damaged(); err != nil {
			d.log.Error("cache file could not be marked", "path", d.path, "error", err)
		}
		select {
		case d.found <- struct{}{}:
		default: // nobody has looked at the last one yet
		}
	}
	return err
}

// guarded runs fn and turns a panic of bbolt, or a fault on its memory-mapped
// file, into ErrDamaged.
func guarded(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, v)
		}
	}()
	return fn()
}

// Size gives the bytes that the file takes.
func (d *DB) Size() (int64, error) {
	info, err := os.Stat(d.path)
	if err != nil {
		return 0, fmt.Errorf("size of cache: %w", err)
	}
	return info.Size(), nil
}
