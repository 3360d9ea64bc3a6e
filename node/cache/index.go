package cache

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"github.com/recto-edge/recto/node/doc"
)

// Index is the newest revision of every document as this node has heard of it in
// the document log, with what lists, search and counters need.
type Index struct {
	db      *DB
	applied atomic.Uint64

	mu      sync.Mutex
	changed chan struct{} // closed when applied grows
}

// Change is one message of the log.
type Change struct {
	Seq    uint64 // its place in the log, growing
	Record doc.Record
}

var (
	bucketMeta   = []byte("meta")
	bucketDocs   = []byte("docs")   // ID → row key, compressed record (JSON)
	bucketRows   = []byte("rows")   // row key → row
	bucketKids   = []byte("kids")   // parent ID, child ID → nothing
	bucketCounts = []byte("counts") // see counts.go

	keyFormat  = []byte("format")
	keyApplied = []byte("applied")
	keySwept   = []byte("swept")

	indexBuckets = [][]byte{bucketDocs, bucketRows, bucketKids, bucketCounts}
)

// format names the layout of the file; one with another is begun anew.
const format = 2

func newIndex(d *DB) *Index { return &Index{db: d, changed: make(chan struct{})} }

// prepare makes what a new file lacks.
func prepare(tx *bbolt.Tx) error {
	meta, err := tx.CreateBucketIfNotExists(bucketMeta)
	if err != nil {
		return err
	}
	if f := getUint(meta, keyFormat); f != 0 && f != format {
		return fmt.Errorf("%w: its format is %d, not %d", ErrDamaged, f, format)
	}
	for _, name := range append(indexBuckets, bucketValues, bucketOrder) {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return putUint(meta, keyFormat, format)
}

func (x *Index) load(tx *bbolt.Tx) error {
	x.applied.Store(getUint(tx.Bucket(bucketMeta), keyApplied))
	return nil
}

// Applied gives the place in the log up to which the index knows everything.
func (x *Index) Applied() uint64 { return x.applied.Load() }

// Apply is ApplyAll of one message.
func (x *Index) Apply(seq uint64, r doc.Record) error {
	return x.ApplyAll([]Change{{seq, r}})
}

// ApplyAll takes in messages of the log in their order, all or none of them.
// Those at or before Applied are skipped, so that repeating is harmless, and so
// are revisions older than the one known. Catching up is quickest with some
// hundreds at a time.
func (x *Index) ApplyAll(changes []Change) error {
	last := x.Applied()
	err := x.db.update(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		last = getUint(meta, keyApplied)
		t := newIndexTx(tx, x.db)
		for _, c := range changes {
			if c.Seq <= last {
				continue
			}
			if err := t.apply(c.Record); err != nil {
				return fmt.Errorf("apply %d: %w", c.Seq, err)
			}
			last = c.Seq
		}
		return errors.Join(t.counts.flush(), putUint(meta, keyApplied, last))
	})
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	x.advance(last)
	return nil
}

func (x *Index) advance(seq uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if seq > x.applied.Load() {
		x.applied.Store(seq)
		close(x.changed)
		x.changed = make(chan struct{})
	}
}

// Wait returns when message seq is in the index, or ctx's error when ctx ends
// before: for reading what one has just written.
func (x *Index) Wait(ctx context.Context, seq uint64) error {
	for {
		x.mu.Lock()
		changed := x.changed
		x.mu.Unlock()
		if x.Applied() >= seq {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Get gives the newest known revision of a document, if one can be read.
func (x *Index) Get(id doc.ID) (doc.Record, bool) {
	r, found, err := x.Find(id)
	return r, found && err == nil
}

// Find is Get for those who must tell a document that is not there from one that
// cannot be read: the error then has ErrDamaged in its chain.
func (x *Index) Find(id doc.ID) (r doc.Record, found bool, err error) {
	err = x.db.view(func(tx *bbolt.Tx) (err error) {
		r, found, err = getRecord(tx.Bucket(bucketDocs), x.db, id)
		return err
	})
	return r, found, err
}

// Children gives the documents that were found inside document id, by ID.
func (x *Index) Children(id doc.ID) ([]doc.Summary, error) {
	var out []doc.Summary
	err := x.db.view(func(tx *bbolt.Tx) error {
		docs, rows := tx.Bucket(bucketDocs), tx.Bucket(bucketRows)
		c := tx.Bucket(bucketKids).Cursor()
		for k, _ := c.Seek([]byte(id)); bytes.HasPrefix(k, []byte(id)); k, _ = c.Next() {
			child := k[len(id):]
			r, err := decodeRow(rows.Get(rowKeyOf(docs.Get(child), child)))
			if err != nil {
				return err
			}
			var s doc.Summary
			if err := json.Unmarshal(r.summary, &s); err != nil {
				return fmt.Errorf("%w: %w", ErrDamaged, err)
			}
			out = append(out, s)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list children: %w", err)
	}
	return out, nil
}

// Swept gives what SetSwept was told last, "" after a Reset: how far intake has
// compared its records with the log.
func (x *Index) Swept() string {
	var day string
	err := x.db.view(func(tx *bbolt.Tx) error {
		day = string(tx.Bucket(bucketMeta).Get(keySwept))
		return nil
	})
	if err != nil {
		return "" // unknown: from the beginning, which is only slower
	}
	return day
}

// SetSwept keeps day for Swept.
func (x *Index) SetSwept(day string) error {
	err := x.db.update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(keySwept, []byte(day)) })
	if err != nil {
		return fmt.Errorf("index: keep sweep: %w", err)
	}
	return nil
}

// Reset forgets all documents, so that the log can be replayed from its start.
// Cached values stay, unless the file is damaged.
func (x *Index) Reset() error {
	err := x.db.update(func(tx *bbolt.Tx) error {
		for _, name := range indexBuckets {
			if err := tx.DeleteBucket(name); err != nil {
				return err
			}
		}
		meta := tx.Bucket(bucketMeta)
		return errors.Join(meta.Delete(keyApplied), meta.Delete(keySwept), prepare(tx))
	})
	if errors.Is(err, ErrDamaged) {
		err = x.db.begin()
	}
	if err != nil {
		return fmt.Errorf("reset index: %w", err)
	}
	x.applied.Store(0)
	return nil
}

// indexTx takes in records within one transaction.
type indexTx struct {
	db               *DB
	docs, rows, kids *bbolt.Bucket
	counts           *counts
}

func newIndexTx(tx *bbolt.Tx, d *DB) *indexTx {
	return &indexTx{db: d, docs: tx.Bucket(bucketDocs), rows: tx.Bucket(bucketRows), kids: tx.Bucket(bucketKids),
		counts: newCounts(tx.Bucket(bucketCounts))}
}

func (t *indexTx) apply(r doc.Record) error {
	if !r.ID.Valid() {
		return doc.Errorf(doc.Invalid, "not a document ID: %q", r.ID)
	}
	old, known, err := getRecord(t.docs, t.db, r.ID)
	if err != nil {
		return err
	}
	if known && old.Revision > r.Revision {
		return nil
	}
	if known {
		t.counts.add(old, -1)
		if err := t.rows.Delete(rowKey(old)); err != nil {
			return err
		}
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	line, err := encodeRow(r)
	if err != nil {
		return err
	}
	key := rowKey(r)
	t.counts.add(r, +1)
	err = errors.Join(t.rows.Put(key, line), t.docs.Put([]byte(r.ID), t.db.enc.EncodeAll(body, key[:8:8])))
	if r.Parent != "" {
		err = errors.Join(err, t.kids.Put([]byte(r.Parent+r.ID), nil))
	}
	return err
}

// getRecord reads a document's record. Its value starts with the time part of its
// row key.
func getRecord(docs *bbolt.Bucket, d *DB, id doc.ID) (doc.Record, bool, error) {
	v := docs.Get([]byte(id))
	if v == nil {
		return doc.Record{}, false, nil
	}
	if len(v) < 8 {
		return doc.Record{}, false, fmt.Errorf("%w: short record", ErrDamaged)
	}
	body, err := d.dec.DecodeAll(v[8:], nil)
	if err != nil {
		return doc.Record{}, false, fmt.Errorf("%w: record: %w", ErrDamaged, err)
	}
	var r doc.Record
	if err := json.Unmarshal(body, &r); err != nil {
		return doc.Record{}, false, fmt.Errorf("%w: record: %w", ErrDamaged, err)
	}
	return r, true, nil
}

func rowKeyOf(docValue, id []byte) []byte {
	if len(docValue) < 8 {
		return id // finds nothing
	}
	return append(docValue[:8:8], id...)
}

func getUint(b *bbolt.Bucket, key []byte) uint64 {
	v := b.Get(key)
	if len(v) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(v)
}

func putUint(b *bbolt.Bucket, key []byte, n uint64) error {
	return b.Put(key, binary.BigEndian.AppendUint64(nil, n))
}
