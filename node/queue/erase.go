package queue

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

// Erase removes all revisions of a document before sequence seq from the log, for
// good: what they hold is to be forgotten. It leaves gaps, which Gaps counts.
func (q *Queue) Erase(ctx context.Context, id doc.ID, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	s, err := q.js.Stream(ctx, logStream)
	if err == nil {
		err = s.Purge(ctx, jetstream.WithPurgeSubject(ofDocument(id)), jetstream.WithPurgeSequence(seq))
	}
	if err != nil {
		return fmt.Errorf("erase %s from the log: %w", id, unavailable(err))
	}
	return nil
}
