package queue

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/recto-edge/recto/node/doc"
)

// PublishEvent tells every member's subscribers of e. Nothing is kept, and nobody
// waits: an event may be lost, a revision in the log is not.
func (q *Queue) PublishEvent(e doc.Event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	if err := q.nc.Publish(subjectEvent, body); err != nil {
		return unavailable(err)
	}
	return nil
}

// SubscribeEvents gives live events from now on, until cancel. A subscriber that
// lags more than buffer events behind misses some. The channel is closed by cancel.
func (q *Queue) SubscribeEvents(buffer int) (events <-chan doc.Event, cancel func(), err error) {
	out := make(chan doc.Event, buffer)
	var mu sync.Mutex
	closed := false
	sub, err := q.nc.Subscribe(subjectEvent, func(m *nats.Msg) {
		var e doc.Event
		if err := json.Unmarshal(m.Data, &e); err != nil {
			q.log.Warn("an event cannot be read", "error", err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if closed {
			return
		}
		select {
		case out <- e:
		default:
		}
	})
	if err != nil {
		return nil, nil, fmt.Errorf("subscribe to events: %w", unavailable(err))
	}
	// Known to the server before we answer: what is published next is received.
	if err := q.nc.FlushTimeout(q.cfg.Timeout); err != nil {
		_ = sub.Unsubscribe()
		return nil, nil, fmt.Errorf("subscribe to events: %w", unavailable(err))
	}
	return out, func() {
		_ = sub.Unsubscribe() // fails only when the connection is closed
		mu.Lock()
		defer mu.Unlock()
		if !closed {
			closed = true
			close(out)
		}
	}, nil
}
