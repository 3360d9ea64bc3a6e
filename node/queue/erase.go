package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

// Erase removes all revisions of a document before sequence seq from the log and
// overwrites their bytes: what they hold is to be forgotten. It leaves gaps, which
// Gaps counts. It may be repeated.
func (q *Queue) Erase(ctx context.Context, id doc.ID, seq uint64) error {
	s, err := q.js.Stream(ctx, logStream)
	if err != nil {
		return fmt.Errorf("erase %s from the log: %w", id, unavailable(err))
	}
	for from := uint64(1); ; {
		e, err := q.next(ctx, id, from)
		if err == nil && e.seq >= seq {
			return nil
		}
		if errors.Is(err, errNone) {
			state, err := q.stateOf(ctx, id)
			if err == nil && state.messages() > 0 {
				err = unavailable(errStale)
			}
			if err != nil {
				return fmt.Errorf("erase %s from the log: %w", id, err)
			}
			return nil
		}
		if err == nil {
			err = s.SecureDeleteMsg(ctx, e.seq)
		}
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return fmt.Errorf("erase %s from the log: %w", id, unavailable(err))
		}
		from = e.seq + 1
	}
}
