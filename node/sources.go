package node

import (
	"sync"

	"github.com/recto-edge/recto/node/doc"
)

// manyWaiting is how many documents of one source may wait before the next ones
// stand behind those of others.
const manyWaiting = 20

// sources counts the documents of each source that wait to be read, on all members.
type sources struct {
	mu      sync.Mutex
	waiting map[doc.ID]string // source, by document
	count   map[string]int    // by source
}

func newSources() *sources {
	return &sources{waiting: map[doc.ID]string{}, count: map[string]int{}}
}

// sourceOf is who sends: a key, a user or a folder; where nobody is named, the way
// it came.
func sourceOf(r doc.Record) string {
	if r.Sender != "" {
		return r.Sender
	}
	return r.Channel
}

// hear takes in a revision.
func (s *sources) hear(r doc.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.waiting[r.ID]; ok {
		delete(s.waiting, r.ID)
		if s.count[old]--; s.count[old] == 0 {
			delete(s.count, old)
		}
	}
	if r.State == doc.StateQueued {
		from := sourceOf(r)
		s.waiting[r.ID] = from
		s.count[from]++
	}
}

// many says whether the source of r has many documents waiting.
func (s *sources) many(r doc.Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[sourceOf(r)] >= manyWaiting
}
