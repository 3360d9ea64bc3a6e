package queue

import (
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// The lane of a revision is the second word of its subject. A queued revision is in
// the lane of its priority, or, when its source has many waiting already, in the
// bulk lane beside it; every other revision is in the lane "rest" and nobody's work.
const (
	laneRest = "rest"
	bulk     = "-bulk"
)

func (q *Queue) lane(rec doc.Record) string {
	if rec.State != doc.StateQueued {
		return laneRest
	}
	return q.waitingLane(rec)
}

// waitingLane is the lane of a revision that somebody has to work on.
func (q *Queue) waitingLane(rec doc.Record) string {
	lane := string(doc.Normal)
	if slices.Contains(doc.Priorities, rec.Priority) {
		lane = string(rec.Priority)
	}
	if q.cfg.Bulk(rec) {
		lane += bulk
	}
	return lane
}

// lanes are those of queued revisions.
func lanes(priorities []doc.Priority) []string {
	var out []string
	for _, p := range priorities {
		out = append(out, string(p), string(p)+bulk)
	}
	return out
}

const (
	everyOther = 8 // how often the least urgent comes first, so that nothing starves
	bulkTurn   = 4 // how often bulk comes before the others of its priority
)

// inTurn is the order in which a worker looks for work at its n-th time.
func inTurn(priorities []doc.Priority, n int) []string {
	order := slices.Clone(priorities)
	if n%everyOther == 0 {
		slices.Reverse(order)
		n /= everyOther
	}
	var out []string
	for _, p := range order {
		pair := []string{string(p), string(p) + bulk}
		if n%bulkTurn == bulkTurn-1 {
			slices.Reverse(pair)
		}
		out = append(out, pair...)
	}
	return out
}
