package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/recto-edge/recto/node/doc"
)

// HandedOut is the oldest message of a lane that was handed out and has no answer.
type HandedOut struct {
	Lane string
	Seq  uint64
	ID   doc.ID
}

// HandedOut gives the oldest work without an answer of each lane that has some. Who
// works on it does not follow from it.
func (q *Queue) HandedOut(ctx context.Context) ([]HandedOut, error) {
	var out []HandedOut
	for _, lane := range lanes(doc.Priorities) {
		c, err := q.js.Consumer(ctx, logStream, workerName(lane))
		if err != nil {
			return nil, fmt.Errorf("handed out: %w", unavailable(err))
		}
		info := c.CachedInfo() // of a moment ago: Consumer asked for it
		if info.NumAckPending == 0 {
			continue
		}
		e, err := q.get(ctx, logStream, getRequest{Seq: info.AckFloor.Stream + 1, Next: info.Config.FilterSubject})
		if errors.Is(err, errNone) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("handed out: %w", err)
		}
		rec, err := e.record()
		if err != nil {
			return nil, fmt.Errorf("handed out: %w", err)
		}
		out = append(out, HandedOut{Lane: lane, Seq: e.seq, ID: rec.ID})
	}
	return out, nil
}
