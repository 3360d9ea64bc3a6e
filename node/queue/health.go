package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

// Healthy says whether this member can write to the log, and what went wrong if
// not, whoever leads it. It notices what the server's own health does not: a lost
// quorum, and a log that switched itself off because a write failed. That one answers
// nothing any more, while everything around it is well; only a restart of the broker
// that leads it brings it back.
func (q *Queue) Healthy(ctx context.Context) error {
	// Something that must be refused goes the way of an append and leaves no trace.
	m := nats.NewMsg(subjectDocs + "." + laneRest + ".probe")
	m.Header.Set(jetstream.ExpectedLastSeqHeader, "9223372036854775807")
	var refused *apiError
	if _, err := q.publish(ctx, m); !errors.As(err, &refused) {
		return fmt.Errorf("ask the log: %w", unavailable(errors.Join(err, errNotRefused)))
	}
	s, err := q.state(ctx)
	if err != nil {
		return fmt.Errorf("ask the log: %w", err)
	}
	// The only copy, here, refuses what it should and does not store what it should.
	// One of several would have stepped down, and one elsewhere is another's concern.
	if s.Config.Replicas == 1 && s.Cluster.Leader == q.nc.ConnectedServerName() && q.silent.Load() {
		return ErrRestart
	}
	q.silent.Store(false)
	m = nats.NewMsg(subjectProbe + q.cfg.Name)
	m.Data = []byte(time.Now().UTC().Format(time.RFC3339Nano))
	if _, err := q.publish(ctx, m); err != nil {
		return fmt.Errorf("write probe: %w", err)
	}
	return nil
}

// ErrRestart says that this member's broker must be restarted: it leads the only copy
// of the log, and that stores nothing any more.
var ErrRestart error = &doc.Error{Code: doc.Unavailable, Message: "the document log did not answer the last append: restart the broker"}

var errNotRefused = errors.New("the probe was not refused")

// Depth counts the documents of each priority that are queued or being read.
func (q *Queue) Depth(ctx context.Context) (map[doc.Priority]int, error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	depth := map[doc.Priority]int{}
	for _, p := range doc.Priorities {
		for _, lane := range lanes([]doc.Priority{p}) {
			c, err := q.js.Consumer(ctx, logStream, workerName(lane))
			if err != nil {
				return nil, fmt.Errorf("depth: %w", unavailable(err))
			}
			info := c.CachedInfo()
			depth[p] += int(info.NumPending) + info.NumAckPending
		}
	}
	return depth, nil
}
