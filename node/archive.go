package node

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/doc"
)

// archive keeps every revision of a record as an immutable object: the truth
// from which log, index and results can be rebuilt. The key carries the
// revision's number and a digest of its content, so that two histories (a log
// that was cut and went on) never overwrite each other.
type archive struct{ store blob.Store }

const (
	recordsPrefix = "records/"
	arrivals      = "intake/"
	maxRecord     = 8 << 20 // bytes; the broker's largest message is half of it
)

func (a archive) put(ctx context.Context, r doc.Record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("archive revision: %w", err)
	}
	sum := sha256.Sum256(b)
	key := fmt.Sprintf("%s%s/%010d-%s.json", recordsPrefix, r.ID, r.Revision, hex.EncodeToString(sum[:6]))
	if err := a.store.Put(ctx, key, bytes.NewReader(b), int64(len(b))); err != nil {
		return fmt.Errorf("archive revision: %w", err)
	}
	return nil
}

// revisions gives all archived revisions of a document, oldest first. Of two
// with one number the later written comes last.
func (a archive) revisions(ctx context.Context, id doc.ID) ([]doc.Record, error) {
	var out []doc.Record
	err := a.store.List(ctx, recordsPrefix+string(id)+"/", "", func(i blob.Info) error {
		r, err := a.read(ctx, i.Key)
		if errors.Is(err, blob.ErrDamaged) {
			return nil
		}
		if err == nil {
			out = append(out, r)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read revisions: %w", err)
	}
	slices.SortStableFunc(out, func(x, y doc.Record) int {
		return cmp.Or(cmp.Compare(x.Revision, y.Revision), x.UpdatedAt.Compare(y.UpdatedAt))
	})
	return out, nil
}

func (a archive) read(ctx context.Context, key string) (doc.Record, error) {
	b, err := blob.ReadAll(ctx, a.store, key, maxRecord)
	if err != nil {
		return doc.Record{}, err
	}
	var r doc.Record
	if err := json.Unmarshal(b, &r); err != nil {
		return doc.Record{}, fmt.Errorf("archived revision %s: %w", key, err)
	}
	return r, nil
}

// empty says whether nothing was ever archived.
func (a archive) empty(ctx context.Context) (bool, error) {
	none := true
	err := a.store.List(ctx, recordsPrefix, "", func(blob.Info) error {
		none = false
		return blob.Stop
	})
	return none, err
}

// held is what the archive has of a document, by the names of its objects.
type held struct {
	id        doc.ID
	last      uint64 // revision
	revisions uint64 // how many numbers up to last are there
}

// each calls fn with what is held of every document, in the order of IDs.
func (a archive) each(ctx context.Context, fn func(held) error) error {
	var now held
	flush := func() error {
		if now.id == "" {
			return nil
		}
		return fn(now)
	}
	err := a.store.List(ctx, recordsPrefix, "", func(i blob.Info) error {
		number, ok := revisionOf(i.Key)
		if !ok {
			return nil
		}
		if id := doc.ID(documentOf(i.Key)); id != now.id {
			if err := flush(); err != nil {
				return err
			}
			now = held{id: id}
		}
		if number != now.last { // keys are in order; of two histories both have the number
			now.last = number
			now.revisions++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list archive: %w", err)
	}
	return flush()
}

// numbers gives the revisions of a document that are archived.
func (a archive) numbers(ctx context.Context, id doc.ID) (map[uint64]bool, error) {
	have := map[uint64]bool{}
	err := a.store.List(ctx, recordsPrefix+string(id)+"/", "", func(i blob.Info) error {
		if number, ok := revisionOf(i.Key); ok {
			have[number] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list revisions: %w", err)
	}
	return have, nil
}

// revisionOf gives the number in the key of a revision.
func revisionOf(key string) (uint64, bool) {
	digits, _, ok := strings.Cut(path.Base(key), "-")
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, ok && err == nil && number > 0
}

// latest calls fn with the last archived revision of every document.
func (a archive) latest(ctx context.Context, fn func(doc.Record) error) error {
	var last []string // keys of one document with its highest revision
	flush := func() error {
		var best doc.Record
		for _, key := range last {
			r, err := a.read(ctx, key)
			if errors.Is(err, blob.ErrDamaged) {
				r, err = a.before(ctx, key)
			}
			if err != nil {
				return err
			}
			if best.ID == "" || r.UpdatedAt.After(best.UpdatedAt) {
				best = r
			}
		}
		last = last[:0]
		if best.ID == "" {
			return nil
		}
		return fn(best)
	}
	err := a.store.List(ctx, recordsPrefix, "", func(i blob.Info) error {
		// Same document and same revision: same key up to the digest.
		stem := i.Key[:strings.LastIndexByte(i.Key, '-')+1]
		if len(last) > 0 && !strings.HasPrefix(last[0], stem) {
			if documentOf(last[0]) != documentOf(i.Key) {
				if err := flush(); err != nil {
					return err
				}
			}
			last = last[:0]
		}
		last = append(last, i.Key)
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// before gives the newest revision that can be read of the document that key, which
// is damaged, belongs to; the zero record when there is none, and then its intake
// record brings it back.
func (a archive) before(ctx context.Context, key string) (doc.Record, error) {
	revs, err := a.revisions(ctx, doc.ID(documentOf(key)))
	if err != nil || len(revs) == 0 {
		return doc.Record{}, err
	}
	return revs[len(revs)-1], nil
}

func documentOf(key string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(key, recordsPrefix), "/")
	return id
}

// arrivals calls fn with the first delivery of every document, in order of days.
// A document delivered again calls fn again; fn must not mind.
func (a archive) arrivals(ctx context.Context, fn func(doc.Arrival) error) error {
	return a.store.List(ctx, arrivals, "", func(i blob.Info) error {
		b, err := blob.ReadAll(ctx, a.store, i.Key, maxRecord)
		if err != nil {
			return err
		}
		var arr doc.Arrival
		if err := json.Unmarshal(b, &arr); err != nil {
			return fmt.Errorf("intake record %s: %w", i.Key, err)
		}
		return fn(arr)
	})
}
