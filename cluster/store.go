package cluster

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
)

// store is raft's log and its few durable words, in one bbolt file: every change
// is a synced transaction.
type store struct {
	db        *bbolt.DB
	committed func() uint64 // index known to be committed; goes to the disk with the next entries, or by note
	noted     atomic.Uint64 // what of it is on the disk
}

var (
	bucketLog     = []byte("log")
	bucketWords   = []byte("words")
	wordNodeID    = []byte("RectoNodeID")
	wordSelf      = []byte("RectoSelf")
	wordCommitted = []byte("RectoCommitted")

	msgpack = &codec.MsgpackHandle{}

	// raft recognises this error by its text.
	errNotFound = errors.New("not found")
)

// openStore opens or makes the file. It answers ErrInUse while another process
// has it open.
func openStore(path string) (*store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 100 * time.Millisecond, FreelistType: bbolt.FreelistMapType, NoFreelistSync: true})
	if errors.Is(err, bbolt.ErrTimeout) {
		return nil, fmt.Errorf("open %s: %w", path, ErrInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucketLog)
		if err == nil {
			_, err = tx.CreateBucketIfNotExists(bucketWords)
		}
		return err
	})
	if err == nil {
		err = syncDir(filepath.Dir(path)) // the file itself must survive too
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make log: %w", err), db.Close())
	}
	s := &store{db: db, committed: func() uint64 { return 0 }}
	noted, err := s.GetUint64(wordCommitted)
	if err != nil && !errors.Is(err, errNotFound) {
		return nil, errors.Join(err, db.Close())
	}
	s.noted.Store(noted)
	return s, nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (s *store) close() error { return s.db.Close() }

// nodeID gives the member's name, made at the first start and kept.
func (s *store) nodeID(wanted string) (id string, err error) {
	err = s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketWords)
		if id = string(b.Get(wordNodeID)); id != "" {
			if wanted != "" && wanted != id {
				return fmt.Errorf("the directory belongs to node %s, not %s", id, wanted)
			}
			return nil
		}
		if id = wanted; id == "" {
			id = "n" + strings.ToLower(rand.Text()[:12])
		}
		return b.Put(wordNodeID, []byte(id))
	})
	return id, err
}

// putCommitted notes how far the log is known to be committed: with the entries
// that are written anyway it costs nothing.
func (s *store) putCommitted(tx *bbolt.Tx) error {
	index := s.committed()
	if index <= s.noted.Load() { // also while a start applies the log again
		return nil
	}
	tx.OnCommit(func() { s.noted.Store(index) })
	return tx.Bucket(bucketWords).Put(wordCommitted, indexKey(index))
}

// note writes down how far the log is known to be committed, if that is news.
func (s *store) note() error {
	if s.committed() <= s.noted.Load() {
		return nil
	}
	if err := s.db.Update(s.putCommitted); err != nil {
		return fmt.Errorf("note the committed index: %w", err)
	}
	return nil
}

func indexKey(i uint64) []byte { return binary.BigEndian.AppendUint64(nil, i) }

// FirstIndex implements raft.LogStore.
func (s *store) FirstIndex() (uint64, error) {
	return s.edge(func(c *bbolt.Cursor) []byte { k, _ := c.First(); return k })
}

// LastIndex implements raft.LogStore.
func (s *store) LastIndex() (uint64, error) {
	return s.edge(func(c *bbolt.Cursor) []byte { k, _ := c.Last(); return k })
}

func (s *store) edge(of func(*bbolt.Cursor) []byte) (index uint64, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		if k := of(tx.Bucket(bucketLog).Cursor()); k != nil {
			index = binary.BigEndian.Uint64(k)
		}
		return nil
	})
	return index, err
}

// GetLog implements raft.LogStore.
func (s *store) GetLog(index uint64, l *raft.Log) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucketLog).Get(indexKey(index))
		if v == nil {
			return raft.ErrLogNotFound
		}
		return codec.NewDecoderBytes(v, msgpack).Decode(l)
	})
}

// StoreLog implements raft.LogStore.
func (s *store) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore: all or none, synced.
func (s *store) StoreLogs(logs []*raft.Log) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketLog)
		b.FillPercent = 0.9 // keys only grow
		if err := s.putCommitted(tx); err != nil {
			return err
		}
		for _, l := range logs {
			var v []byte
			if err := codec.NewEncoderBytes(&v, msgpack).Encode(l); err != nil {
				return fmt.Errorf("encode entry %d: %w", l.Index, err)
			}
			if err := b.Put(indexKey(l.Index), v); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteRange implements raft.LogStore; both ends are included.
func (s *store) DeleteRange(first, last uint64) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketLog)
		// Collected first: deleting moves a cursor in ways that skip keys.
		var keys [][]byte
		c := b.Cursor()
		for k, _ := c.Seek(indexKey(first)); k != nil && binary.BigEndian.Uint64(k) <= last; k, _ = c.Next() {
			keys = append(keys, k)
		}
		for _, k := range keys {
			if err := b.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// Set implements raft.StableStore.
func (s *store) Set(key, value []byte) error {
	return s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketWords).Put(key, value) })
}

// Get implements raft.StableStore.
func (s *store) Get(key []byte) (value []byte, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucketWords).Get(key)
		if v == nil {
			return errNotFound
		}
		value = append(value, v...)
		return nil
	})
	return value, err
}

// SetUint64 implements raft.StableStore.
func (s *store) SetUint64(key []byte, value uint64) error { return s.Set(key, indexKey(value)) }

// GetUint64 implements raft.StableStore.
func (s *store) GetUint64(key []byte) (uint64, error) {
	v, err := s.Get(key)
	if err != nil {
		return 0, err
	}
	if len(v) != 8 {
		return 0, fmt.Errorf("word %q has %d bytes, not 8", key, len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}
