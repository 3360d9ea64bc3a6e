package cluster

import (
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// handingOver watches for a leader that takes no commands any more. raft refuses them while it
// hands its leadership over. When it loses that in the middle to somebody else, it may never
// know that the handing over has ended (hashicorp/raft#696), and refuses for good once it
// leads again: nobody else can lead then, and nothing but a new process helps.
type handingOver struct {
	mu          sync.Mutex
	since, last time.Time // of refusals without a command taken in between; zero: none
}

// Bounds of a leader that refuses.
const (
	refusesFor  = 2 * time.Minute // handing over takes seconds
	refusesOnce = time.Minute     // refusals further apart are of two hand-overs
)

// note takes in what came of a command.
func (r *handingOver) note(err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !errors.Is(err, raft.ErrLeadershipTransferInProgress) {
		r.since, r.last = time.Time{}, time.Time{}
		return
	}
	if now.Sub(r.last) > refusesOnce {
		r.since = now
	}
	r.last = now
}

// endless says whether this leader has refused commands for longer than a hand-over takes.
func (r *handingOver) endless() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last.Sub(r.since) > refusesFor
}

// Hangs says that this member leads and takes no commands any more, which only a new process
// ends.
func (c *Cluster) Hangs() bool { return c.handing.endless() }
