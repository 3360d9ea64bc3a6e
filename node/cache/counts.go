package cache

import (
	"encoding/binary"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/recto-edge/recto/node/doc"
)

// Counters are kept in the transaction that changes a row, so that the first page
// a person sees costs the same with ten documents and with ten million:
//
//	's' state      documents in that state
//	'r' hour       documents received in that hour   (hours since 1970, 8 bytes)
//	'd' minute     documents settled in that minute  (minutes since 1970, 8 bytes)
//
// Hours and minutes long past are forgotten.
const (
	countState  = 's'
	countHour   = 'r'
	countMinute = 'd'
	keepHours   = 72
	keepMinutes = 180
)

// counts gathers the changes of one transaction.
type counts struct {
	bucket *bbolt.Bucket
	delta  map[string]int64
}

func newCounts(b *bbolt.Bucket) *counts { return &counts{bucket: b, delta: map[string]int64{}} }

// add counts r by n: +1 when it comes, -1 when another revision replaces it.
func (c *counts) add(r doc.Record, n int64) {
	hour, minute := r.ReceivedAt.Unix()/3600, r.UpdatedAt.Unix()/60
	c.delta[string(countState)+string(r.State)] += n
	c.delta[string(timeKey(countHour, hour))] += n
	if r.State.Settled() {
		c.delta[string(timeKey(countMinute, minute))] += n
	}
}

// flush writes the changes and forgets what is long past.
func (c *counts) flush() error {
	for key, n := range c.delta {
		if n == 0 {
			continue
		}
		// A counter that was forgotten starts from nothing and must not turn negative.
		total := max(int64(getUint(c.bucket, []byte(key)))+n, 0)
		var err error
		if total == 0 {
			err = c.bucket.Delete([]byte(key))
		} else {
			err = putUint(c.bucket, []byte(key), uint64(total))
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(c.forget(countHour, keepHours), c.forget(countMinute, keepMinutes))
}

// forget removes counters of a kind that are more than keep older than its newest.
func (c *counts) forget(kind byte, keep int64) error {
	cur := c.bucket.Cursor()
	last, _ := cur.Seek([]byte{kind + 1})
	if last == nil {
		last, _ = cur.Last()
	} else {
		last, _ = cur.Prev()
	}
	if len(last) != 9 || last[0] != kind {
		return nil
	}
	oldest := string(timeKey(kind, int64(binary.BigEndian.Uint64(last[1:]))-keep))
	var gone [][]byte
	for k, _ := cur.Seek([]byte{kind}); k != nil && string(k) < oldest; k, _ = cur.Next() {
		gone = append(gone, append([]byte(nil), k...))
	}
	for _, k := range gone {
		if err := c.bucket.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// Overview counts documents as of now.
func (x *Index) Overview(now time.Time) (doc.Overview, error) {
	o := doc.Overview{ByState: map[doc.State]int{}}
	err := x.db.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketCounts)
		for _, s := range doc.States {
			if n := int(getUint(b, append([]byte{countState}, s...))); n > 0 {
				o.ByState[s] = n
				o.Total += n
			}
		}
		hour, minute := now.Unix()/3600, now.Unix()/60
		for i := range o.PerHour {
			n := int(getUint(b, timeKey(countHour, hour-int64(len(o.PerHour)-1-i))))
			o.PerHour[i] = n
			if int64(len(o.PerHour)-1-i) <= hour%24 {
				o.Today += n
			}
		}
		for m := minute - 59; m <= minute; m++ {
			o.LastHour += int(getUint(b, timeKey(countMinute, m)))
		}
		return nil
	})
	return o, err
}

func timeKey(kind byte, n int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kind}, uint64(n))
}
