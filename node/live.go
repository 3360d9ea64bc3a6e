package node

import (
	"context"
	"sync"

	"github.com/recto-edge/recto/node/doc"
)

// live hands changes to whoever watches: the event stream of the API, and those
// who wait for one document. Revisions come from the log, which every member
// follows, so that a watcher on any member sees them.
type live struct {
	mu   sync.Mutex
	subs map[*subscriber]struct{}
}

// subscriber is one watcher. Revisions of a document replace each other while
// they wait, so that a slow watcher misses steps between but never the last one.
type subscriber struct {
	only    doc.ID
	wake    chan struct{}
	pending []doc.Event
}

// maxPending bounds what a watcher may be behind; progress is dropped first.
const maxPending = 512

func newLive() *live { return &live{subs: map[*subscriber]struct{}{}} }

// publish never blocks.
func (l *live) publish(e doc.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.subs {
		if s.only != "" && s.only != e.ID {
			continue
		}
		s.add(e)
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

func (s *subscriber) add(e doc.Event) {
	for i := range s.pending {
		if s.pending[i].ID != e.ID {
			continue
		}
		if e.Stage != "" && s.pending[i].Stage == "" {
			return // progress never replaces a revision
		}
		s.pending[i] = e
		return
	}
	if len(s.pending) >= maxPending && e.Stage != "" {
		return
	}
	s.pending = append(s.pending, e)
}

// subscribe delivers events of one document, or of all when only is empty, until
// ctx ends; then the channel is closed.
func (l *live) subscribe(ctx context.Context, only doc.ID) <-chan doc.Event {
	s := &subscriber{only: only, wake: make(chan struct{}, 1)}
	out := make(chan doc.Event)
	l.mu.Lock()
	l.subs[s] = struct{}{}
	l.mu.Unlock()
	go func() { // ends with ctx, which the subscriber owns
		defer close(out)
		defer func() {
			l.mu.Lock()
			delete(l.subs, s)
			l.mu.Unlock()
		}()
		for {
			select {
			case <-ctx.Done():
				return
			case <-s.wake:
			}
			for {
				l.mu.Lock()
				if len(s.pending) == 0 {
					l.mu.Unlock()
					break
				}
				e := s.pending[0]
				s.pending = s.pending[1:]
				l.mu.Unlock()
				select {
				case out <- e:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return out
}
