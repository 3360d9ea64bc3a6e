package cache

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/recto-edge/recto/node/doc"
)

// Bounds of one page of a list.
const (
	defaultLimit = 50
	maxLimit     = 500
)

// List gives a page of the documents that match q, newest first. Without text,
// type and channel it costs what the page costs; with them all rows are scanned,
// because what occurs inside a word is to be found too, and to count the matches.
// A cursor that List did not make, or an unknown state, is Invalid.
func (x *Index) List(q doc.Query) (doc.List, error) {
	f := newFilter(q)
	if q.State != "" && f.state < 0 {
		return doc.List{}, doc.Errorf(doc.Invalid, "unknown state %q", q.State)
	}
	after, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil || len(after) != 0 && (len(after) < 9 || !doc.ID(after[8:]).Valid()) {
		return doc.List{}, doc.Errorf(doc.Invalid, "not a cursor of this list: %q", q.Cursor)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	s := scan{filter: f, after: after, limit: min(limit, maxLimit), out: doc.List{Documents: []doc.Summary{}}}
	if err := x.db.view(s.run); err != nil {
		return doc.List{}, fmt.Errorf("list documents: %w", err)
	}
	return s.out, nil
}

// scan is one run over the rows, newest first.
type scan struct {
	filter filter
	after  []byte // row key after which the page starts
	limit  int
	out    doc.List
	last   []byte // row key of the page's last document
}

func (s *scan) run(tx *bbolt.Tx) error {
	c := tx.Bucket(bucketRows).Cursor()
	counted := s.filter.counted()
	k, v := c.Last()
	if counted {
		s.out.Matched = s.count(tx.Bucket(bucketCounts))
		if len(s.after) > 0 {
			k, v = before(c, s.after)
		}
	}
	for ; k != nil; k, v = c.Prev() {
		r, err := decodeRow(v)
		if err != nil {
			return err
		}
		if !s.filter.matches(r) {
			continue
		}
		if !counted {
			s.out.Matched++
			if len(s.after) > 0 && string(k) >= string(s.after) {
				continue // on an earlier page
			}
		}
		done, err := s.take(k, r)
		if err != nil || done && counted {
			return err
		}
	}
	return nil
}

// take adds a row to the page; it says whether the page is full and another one
// follows.
func (s *scan) take(k []byte, r row) (bool, error) {
	if len(s.out.Documents) == s.limit {
		if s.out.Next == "" {
			s.out.Next = base64.RawURLEncoding.EncodeToString(s.last)
		}
		return true, nil
	}
	var sum doc.Summary
	if err := json.Unmarshal(r.summary, &sum); err != nil {
		return false, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	s.out.Documents = append(s.out.Documents, sum)
	s.last = append(s.last[:0], k...)
	return false, nil
}

func (s *scan) count(counts *bbolt.Bucket) int {
	n := 0
	for i, state := range doc.States {
		if s.filter.state < 0 || s.filter.state == i {
			n += int(getUint(counts, append([]byte{countState}, state...)))
		}
	}
	return n
}

// before moves c to the last row before key.
func before(c *bbolt.Cursor, key []byte) (k, v []byte) {
	if k, _ := c.Seek(key); k == nil {
		return c.Last()
	}
	return c.Prev()
}
