package cache

import (
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/recto-edge/recto/node/doc"
)

// Amend takes in a revision that the log, as it was read here, did not show. Applied
// stays what it is. A revision older than the one known changes nothing.
func (x *Index) Amend(r doc.Record) error {
	err := x.db.update(func(tx *bbolt.Tx) error {
		t := newIndexTx(tx, x.db)
		if err := t.apply(r); err != nil {
			return err
		}
		return t.counts.flush()
	})
	if err != nil {
		return fmt.Errorf("index: amend: %w", err)
	}
	return nil
}

// After gives the next documents behind id, by ID, at most limit; "" is before the
// first.
func (x *Index) After(id doc.ID, limit int) ([]doc.Record, error) {
	var out []doc.Record
	err := x.db.view(func(tx *bbolt.Tx) error {
		docs := tx.Bucket(bucketDocs)
		c := docs.Cursor()
		k, _ := c.Seek([]byte(id))
		if string(k) == string(id) {
			k, _ = c.Next()
		}
		for ; k != nil && len(out) < limit; k, _ = c.Next() {
			r, _, err := getRecord(docs, x.db, doc.ID(k))
			if err != nil {
				return err
			}
			out = append(out, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("documents in order: %w", err)
	}
	return out, nil
}
