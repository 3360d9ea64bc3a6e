package intake

import (
	"context"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

const (
	heardGrace = 3 * time.Second // for the member that took a document to bring it to the log itself
	mostHeard  = 100_000         // records remembered; beyond, a sweep finds them
)

// heard are intake records that another member stored here: it brings them to the
// log, unless it dies first.
type heard struct {
	mu   sync.Mutex
	keys map[string]time.Time
}

// Heard notes an intake record that another member stored here. If the log does
// not know the document after some seconds, Sweep brings it there.
func (in *Intake) Heard(key string) {
	if _, ok := arrivalID(key); !ok {
		return
	}
	in.heard.mu.Lock()
	defer in.heard.mu.Unlock()
	if len(in.heard.keys) >= mostHeard {
		in.sweep.pending.Store(true)
		return
	}
	if in.heard.keys == nil {
		in.heard.keys = map[string]time.Time{}
	}
	in.heard.keys[key] = in.cfg.Now()
}

// bringHeard brings to the log what others stored here and did not bring
// themselves, and says how many documents that were. What fails is tried again.
func (in *Intake) bringHeard(ctx context.Context) (int, error) {
	found := 0
	for _, key := range in.due() {
		id, _ := arrivalID(key)
		if _, known := in.cfg.Log.Known(id); !known {
			appended, err := in.bring(ctx, key)
			if err != nil && doc.CodeOf(err) != doc.NotFound { // erased meanwhile
				return found, err
			}
			if appended {
				found++
			}
		}
		in.heard.mu.Lock()
		delete(in.heard.keys, key)
		in.heard.mu.Unlock()
	}
	return found, nil
}

// due gives the records that were heard of some seconds ago.
func (in *Intake) due() []string {
	in.heard.mu.Lock()
	defer in.heard.mu.Unlock()
	var out []string
	now := in.cfg.Now()
	for key, at := range in.heard.keys {
		if now.Sub(at) >= heardGrace {
			out = append(out, key)
		}
	}
	return out
}
