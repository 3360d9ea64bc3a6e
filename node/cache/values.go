package cache

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"github.com/recto-edge/recto/node/doc"
)

// Kind is what a cached value is. Kinds do not share keys.
type Kind string

// The kinds.
const (
	Readings Kind = "reading" // doc.Reading
	Results  Kind = "result"  // doc.Result
	Renders  Kind = "render"  // pictures of pages
)

// Values is cached values by kind and key, compressed, the oldest leaving when
// there is no room. A value that cannot be read is a miss, never an error.
type Values struct {
	db           *DB
	max          int64
	hits, misses atomic.Int64
	bytes, count atomic.Int64
}

// Stats counts since Open, and what is there.
type Stats struct {
	Hits, Misses int64
	Entries      int64
	Bytes        int64 // compressed, with keys
}

var (
	bucketValues = []byte("values") // kind/key → sequence (8 bytes), compressed value
	bucketOrder  = []byte("order")  // sequence (8 bytes) → kind/key
	keyBytes     = []byte("value_bytes")
	keyCount     = []byte("value_count")
)

func newValues(d *DB, max int64) *Values { return &Values{db: d, max: max} }

func (v *Values) load(tx *bbolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	v.bytes.Store(int64(getUint(meta, keyBytes)))
	v.count.Store(int64(getUint(meta, keyCount)))
	return nil
}

// Get gives the value under key.
func (v *Values) Get(kind Kind, key string) ([]byte, bool) {
	var out []byte
	found := false
	err := v.db.view(func(tx *bbolt.Tx) (err error) {
		if b := tx.Bucket(bucketValues).Get(valueKey(kind, key)); len(b) > 8 {
			found = true
			out, err = v.db.dec.DecodeAll(b[8:], nil)
		}
		return err
	})
	if err != nil || !found {
		v.misses.Add(1)
		return nil, false
	}
	v.hits.Add(1)
	return out, true
}

// Put keeps value under key, over what was there. A value that alone has no room
// is not kept, which is no error.
func (v *Values) Put(kind Kind, key string, value []byte) error {
	row := v.db.enc.EncodeAll(value, make([]byte, 8, 8+len(value)/3+64))
	k := valueKey(kind, key)
	if int64(len(k)+len(row)) > v.max {
		return nil
	}
	var size, count int64
	err := v.db.update(func(tx *bbolt.Tx) error {
		meta, values, order := tx.Bucket(bucketMeta), tx.Bucket(bucketValues), tx.Bucket(bucketOrder)
		t := &valueTx{values: values, order: order, bytes: int64(getUint(meta, keyBytes)), count: int64(getUint(meta, keyCount))}
		seq, err := order.NextSequence()
		if err != nil {
			return err
		}
		binary.BigEndian.PutUint64(row, seq)
		err = errors.Join(t.drop(k), t.evict(v.max-int64(len(k)+len(row))),
			values.Put(k, row), order.Put(row[:8:8], k))
		if err != nil {
			return err
		}
		size, count = t.bytes+int64(len(k)+len(row)), t.count+1
		return errors.Join(putUint(meta, keyBytes, uint64(size)), putUint(meta, keyCount, uint64(count)))
	})
	if err != nil {
		return fmt.Errorf("cache %s: %w", kind, err)
	}
	v.bytes.Store(size)
	v.count.Store(count)
	return nil
}

// valueTx is the room taken, within one transaction.
type valueTx struct {
	values, order *bbolt.Bucket
	bytes, count  int64
}

// drop removes the value under k, if there is one.
func (t *valueTx) drop(k []byte) error {
	old := t.values.Get(k)
	if len(old) < 8 {
		return nil
	}
	t.bytes -= int64(len(k) + len(old))
	t.count--
	if err := t.order.Delete(old[:8:8]); err != nil {
		return err
	}
	return t.values.Delete(k)
}

// evict removes the oldest values until at most room bytes are taken.
func (t *valueTx) evict(room int64) error {
	for t.bytes > room {
		seq, k := t.order.Cursor().First()
		if seq == nil {
			t.bytes, t.count = 0, 0
			return nil
		}
		k, seq = bytes.Clone(k), bytes.Clone(seq) // bbolt's own memory moves when it deletes
		if err := errors.Join(t.drop(k), t.order.Delete(seq)); err != nil {
			return err
		}
	}
	return nil
}

// Forget removes all values of a kind whose key starts with prefix.
func (v *Values) Forget(kind Kind, prefix string) error {
	var size, count int64
	err := v.db.update(func(tx *bbolt.Tx) error {
		meta, values := tx.Bucket(bucketMeta), tx.Bucket(bucketValues)
		t := &valueTx{values: values, order: tx.Bucket(bucketOrder), bytes: int64(getUint(meta, keyBytes)), count: int64(getUint(meta, keyCount))}
		var gone [][]byte
		from := valueKey(kind, prefix)
		c := values.Cursor()
		for k, _ := c.Seek(from); bytes.HasPrefix(k, from); k, _ = c.Next() {
			gone = append(gone, bytes.Clone(k))
		}
		for _, k := range gone {
			if err := t.drop(k); err != nil {
				return err
			}
		}
		size, count = t.bytes, t.count
		return errors.Join(putUint(meta, keyBytes, uint64(size)), putUint(meta, keyCount, uint64(count)))
	})
	if err != nil {
		return fmt.Errorf("forget %s: %w", kind, err)
	}
	v.bytes.Store(size)
	v.count.Store(count)
	return nil
}

// Stats gives the counters.
func (v *Values) Stats() Stats {
	return Stats{Hits: v.hits.Load(), Misses: v.misses.Load(), Entries: v.count.Load(), Bytes: v.bytes.Load()}
}

// Reading gives the cached reading under key.
func (v *Values) Reading(key string) (doc.Reading, bool) {
	return decode[doc.Reading](v, Readings, key)
}

// PutReading caches r under key.
func (v *Values) PutReading(key string, r doc.Reading) error { return encode(v, Readings, key, r) }

// Result gives the cached result under key, as it was when it was computed:
// marking it as cached is the caller's.
func (v *Values) Result(key string) (doc.Result, bool) { return decode[doc.Result](v, Results, key) }

// PutResult caches r under key.
func (v *Values) PutResult(key string, r doc.Result) error { return encode(v, Results, key, r) }

func decode[T any](v *Values, kind Kind, key string) (T, bool) {
	var out T
	b, ok := v.Get(kind, key)
	if !ok || json.Unmarshal(b, &out) != nil {
		return out, false
	}
	return out, true
}

func encode[T any](v *Values, kind Kind, key string, value T) error {
	b, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("cache %s: %w", kind, err)
	}
	return v.Put(kind, key, b)
}

func valueKey(kind Kind, key string) []byte { return []byte(string(kind) + "/" + key) }
