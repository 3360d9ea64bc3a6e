package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

// Reoffer lets documents that wait be handed out again when their consumer takes them
// for answered, and gives those: a consumer that changes hands may forget what it had
// just handed out, and then passes over it for good. Documents that are settled, or
// are still to be handed out or answered, stay as they are.
func (q *Queue) Reoffer(ctx context.Context, ids []doc.ID) (again []doc.ID, err error) {
	// Where the consumers are is asked first: what is answered was settled before.
	answered, err := q.answered(ctx)
	if err != nil {
		return nil, fmt.Errorf("offer again: %w", unavailable(err))
	}
	from := map[string]uint64{} // first message passed over, by consumer
	for _, id := range ids {
		lane, seq, err := q.waitsAt(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("offer %s again: %w", id, err)
		}
		name := workerName(lane)
		if seq == 0 || answered[name] < seq {
			continue
		}
		again = append(again, id)
		if first, ok := from[name]; !ok || seq < first {
			from[name] = seq
		}
	}
	if len(again) == 0 {
		return nil, nil
	}
	if err := q.moveConsumers(ctx, func(info *jetstream.ConsumerInfo) uint64 { return from[info.Name] }); err != nil {
		return nil, fmt.Errorf("offer again: %w", err)
	}
	return again, nil
}

// answered gives the sequence up to which each consumer has an answer for everything.
func (q *Queue) answered(ctx context.Context) (map[string]uint64, error) {
	s, err := q.js.Stream(ctx, logStream)
	if err != nil {
		return nil, err
	}
	floors := map[string]uint64{}
	consumers := s.ListConsumers(ctx)
	for info := range consumers.Info() {
		floors[info.Name] = info.AckFloor.Stream
	}
	return floors, consumers.Err()
}

// waitsAt gives lane and sequence of the message whose job an unsettled document is;
// 0 for one that is settled or not there.
func (q *Queue) waitsAt(ctx context.Context, id doc.ID) (lane string, seq uint64, err error) {
	for from := uint64(1); ; {
		e, err := q.next(ctx, id, from)
		if errors.Is(err, errNone) {
			return lane, seq, nil
		}
		if err != nil {
			return "", 0, err
		}
		if e.waiting() {
			lane, seq = e.lane(), e.seq
		} else if rec, err := e.record(); err != nil {
			return "", 0, err
		} else if rec.State.Settled() {
			lane, seq = "", 0
		}
		from = e.seq + 1
	}
}
