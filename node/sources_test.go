package node

import (
	"fmt"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

func TestSources_CountWhatWaits(t *testing.T) {
	t.Parallel()
	s := newSources()
	record := func(i int, sender string, state doc.State) doc.Record {
		return doc.Record{Arrival: doc.Arrival{ID: doc.ID(fmt.Sprint("d", i)), Sender: sender, Channel: "http"}, State: state}
	}
	for i := range manyWaiting {
		if s.many(record(i, "key:flood", doc.StateQueued)) {
			t.Fatalf("%d documents are many", i)
		}
		s.hear(record(i, "key:flood", doc.StateQueued))
		s.hear(record(i, "key:flood", doc.StateQueued)) // told twice
	}
	if !s.many(record(99, "key:flood", doc.StateQueued)) {
		t.Error("a flood is not noticed")
	}
	if s.many(record(99, "key:other", doc.StateQueued)) || s.many(record(99, "", doc.StateQueued)) {
		t.Error("others stand behind a flood")
	}
	for i := range manyWaiting {
		s.hear(record(i, "key:flood", doc.StateReading))
		s.hear(record(i, "key:flood", doc.StateDone))
	}
	if s.many(record(99, "key:flood", doc.StateQueued)) || len(s.count) != 0 || len(s.waiting) != 0 {
		t.Errorf("what was read still counts: %v %v", s.count, s.waiting)
	}
}
