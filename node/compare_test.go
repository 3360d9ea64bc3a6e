package node

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/recto-edge/recto/embedded/broker"
	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/cache"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

// openParts gives a node of nothing but log, index and archive.
func openParts(t *testing.T) (*Node, *queue.Queue) {
	t.Helper()
	n := &Node{log: slog.New(slog.DiscardHandler), live: newLive(), sources: newSources(), lately: newLately()}
	store, err := blob.OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	n.store, n.archive = store, archive{store}
	if n.db, err = cache.Open(t.TempDir()+"/cache.db", cache.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.db.Close() })
	b, err := broker.Open(t.Context(), broker.Config{Dir: t.TempDir(), ServerName: "n1", ClusterName: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	q, err := queue.Open(t.Context(), queue.Config{Broker: b, Name: "n1", Logger: n.log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return n, q
}

// history gives the three revisions of a document that was read.
func history(t *testing.T, i byte) []doc.Record {
	t.Helper()
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	revs := []doc.Record{doc.First(doc.Arrival{
		ID: doc.IDFromDigest(sha256.Sum256([]byte{i})), SHA256: fmt.Sprintf("%064x", i), Name: fmt.Sprint(i), Priority: doc.Normal, ReceivedAt: at,
	})}
	for _, to := range []doc.State{doc.StateReading, doc.StateDone} {
		next, err := revs[len(revs)-1].Next(to, "worker", at)
		if err != nil {
			t.Fatal(err)
		}
		revs = append(revs, next)
	}
	return revs
}

// What the log lost, what the index was not told, and what the archive never got: each
// is brought from where it is.
func TestCompare_BringsWhatWasPassedOver(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n, q := openParts(t)
	const (
		whole = iota
		lostByLog
		untold
		gap
		unarchived
		erased
		documents
	)
	docs := make([][]doc.Record, documents)
	var last uint64
	for i := range docs {
		docs[i] = history(t, byte(i))
		if i == erased {
			next, err := docs[i][2].Next(doc.StateErased, "somebody", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			docs[i] = append(docs[i], tombstone(next))
		}
		for _, r := range docs[i] {
			seq, err := q.Append(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			last = seq
			if i == unarchived || i == gap && r.Revision == 2 || i == erased && r.Revision < 4 {
				continue
			}
			if err := n.archive.put(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := q.Erase(ctx, docs[lostByLog][0].ID, last); err != nil {
		t.Fatal(err)
	}
	following, stop := context.WithCancel(ctx)
	err := q.Follow(following, 1, func(seq uint64, r doc.Record) error {
		if seq == last {
			stop()
		}
		if r.ID == docs[untold][0].ID && r.Revision > 1 { // as if a bad copy had answered
			return nil
		}
		return n.applyRevision(seq, r)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !n.doubt.Load() {
		t.Error("messages were passed over, and nothing is doubted")
	}
	behind, unkept, err := n.differences(ctx)
	want := []doc.ID{docs[lostByLog][0].ID, docs[untold][0].ID}
	wantUnkept := []doc.ID{docs[gap][0].ID, docs[unarchived][0].ID}
	slices.Sort(want)
	slices.Sort(wantUnkept)
	if err != nil || !slices.Equal(behind, want) || !slices.Equal(unkept, wantUnkept) {
		t.Errorf("behind %v (%v), want %v; not archived %v, want %v", behind, err, want, unkept, wantUnkept)
	}
	if err := n.compare(ctx, q); err != nil {
		t.Fatal(err)
	}
	for i, revs := range docs {
		r := revs[len(revs)-1]
		if now, ok := n.db.Index().Get(r.ID); !ok || now.Revision != r.Revision || now.State != r.State {
			t.Errorf("document %d is at revision %d %s in the index, want %d", i, now.Revision, now.State, r.Revision)
		}
		if now, _, err := q.Latest(ctx, r.ID); err != nil || now.Revision != r.Revision {
			t.Errorf("document %d is at revision %d in the log (%v), want %d", i, now.Revision, err, r.Revision)
		}
		have, err := n.archive.numbers(ctx, r.ID)
		if count := len(have); err != nil || !have[r.Revision] || i != erased && count != 3 || i == erased && count != 1 {
			t.Errorf("document %d: archived %v (%v)", i, have, err)
		}
	}
	if behind, unkept, err := n.differences(ctx); err != nil || len(behind)+len(unkept) > 0 {
		t.Errorf("afterwards: behind %v, not archived %v, %v", behind, unkept, err)
	}
}

// What the archive should have by now and has not is brought to it, and looked for no
// longer than that.
func TestArchiveDue_BringsWhatWasPassedOver(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n, q := openParts(t)
	began := time.Now()
	const gap, whole, documents = 0, 1, 2
	for i := range documents {
		for _, r := range history(t, byte(i)) {
			seq, err := q.Append(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			if i == whole || r.Revision != 2 {
				if err := n.archive.put(ctx, r); err != nil {
					t.Fatal(err)
				}
			}
			if err := n.applyRevision(seq, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n.doubt.Load() {
		t.Error("nothing gave reason to doubt, and all is to be compared")
	}
	missing := history(t, gap)[0].ID
	if err := n.archiveDue(ctx, q, began); err != nil {
		t.Fatal(err)
	}
	if have, err := n.archive.numbers(ctx, missing); err != nil || have[2] {
		t.Errorf("archived before it was due: %v (%v)", have, err)
	}
	if err := n.archiveDue(ctx, q, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if have, err := n.archive.numbers(ctx, missing); err != nil || len(have) != 3 {
		t.Errorf("archived %v (%v), want all three", have, err)
	}
	if left := n.lately.due(time.Now().Add(time.Hour)); len(left) > 0 {
		t.Errorf("still looked for: %v", left)
	}
}

func TestLately(t *testing.T) {
	t.Parallel()
	l := newLately()
	now := time.Now()
	a, b := history(t, 1), history(t, 2)
	l.hear(a[0], now)
	l.hear(b[0], now.Add(time.Second))
	if got := l.oldest(now.Add(2*time.Second), 1); len(got) != 1 || got[0] != a[0].ID {
		t.Errorf("has not moved for longest: %v", got)
	}
	if got := l.oldest(now.Add(time.Second), 9); len(got) != 1 {
		t.Errorf("not moved for a second: %v", got)
	}
	l.hear(a[2], now.Add(time.Second))
	if got := l.oldest(now.Add(time.Hour), 9); len(got) != 1 || got[0] != b[0].ID {
		t.Errorf("unsettled: %v", got)
	}
	l.expect(a[0].ID, now)
	l.expect(a[0].ID, now.Add(time.Second))
	l.archived(a[0].ID, now)
	if got := l.due(now.Add(time.Hour)); len(got) != 1 {
		t.Error("a revision that came meanwhile is forgotten")
	}
	l.archived(a[0].ID, now.Add(time.Second))
	if got := l.due(now.Add(time.Hour)); len(got) != 0 {
		t.Errorf("looked for after it was archived: %v", got)
	}
}
