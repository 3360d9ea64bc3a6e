package cluster

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// self is what this member knows of itself without raft: one value in raft.db, so
// that it changes whole or not at all.
type self struct {
	Cluster string   `json:"cluster,omitempty"` // ID of the cluster
	Listen  string   `json:"listen,omitempty"`  // peer port of the first start
	Key     []byte   `json:"key,omitempty"`     // private key, SEC 1; there before a join is asked for
	Cert    []byte   `json:"cert,omitempty"`    // for Key
	CA      []byte   `json:"ca,omitempty"`      // certificate of the authority that signed Cert
	Joined  bool     `json:"joined,omitempty"`  // let in by others: never bootstraps
	Peers   []Member `json:"peers,omitempty"`   // members when it joined: until the log has come
	Removed string   `json:"removed,omitempty"` // why it is kept out
}

// self gives what is kept; the zero self when nothing is.
func (s *store) self() (self, error) {
	data, err := s.Get(wordSelf)
	if errors.Is(err, errNotFound) {
		return self{}, nil
	}
	if err != nil {
		return self{}, fmt.Errorf("read identity: %w", err)
	}
	var v self
	if err := json.Unmarshal(data, &v); err != nil {
		return self{}, fmt.Errorf("read identity: %w", err)
	}
	return v, nil
}

// setSelf changes what is kept, in one synced transaction.
func (s *store) setSelf(change func(*self)) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketWords)
		var v self
		if data := b.Get(wordSelf); data != nil {
			if err := json.Unmarshal(data, &v); err != nil {
				return err
			}
		}
		change(&v)
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return b.Put(wordSelf, data)
	})
	if err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	return nil
}
