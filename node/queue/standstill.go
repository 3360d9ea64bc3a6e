package queue

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// durableWait is after how long what was handed out and not answered comes again.
const durableWait = 10 * time.Second

// stuckAfter is how long the oldest of what was handed out may be without an answer:
// it came again several times by then, or it does not come again. The broker measures
// durableWait by the wall clock of whoever handed it out: one that was ahead then, of
// a member that may have gone since, lets it wait for as long as the clock was wrong.
const stuckAfter = 4 * durableWait

// standstill is since when the oldest answer is awaited, by running time. That others
// are given and answered meanwhile says nothing about it.
type standstill struct {
	looked, since time.Time
	floor         uint64 // up to where everything was answered
}

// due says whether it is time to look at the consumer.
func (s *standstill) due(now time.Time) bool {
	if s.looked.IsZero() {
		s.looked = now
	}
	if now.Sub(s.looked) < durableWait/2 {
		return false
	}
	s.looked = now
	return true
}

// stuck takes in how far a consumer is and says whether it stands for too long.
func (s *standstill) stuck(now time.Time, waiting int, floor uint64) bool {
	if s.since.IsZero() || waiting == 0 || floor != s.floor {
		s.since, s.floor = now, floor
		return false
	}
	if now.Sub(s.since) < stuckAfter {
		return false
	}
	s.since = now
	return true
}

// unstick lets a consumer that stands still begin again behind what was answered.
func (q *Queue) unstick(ctx context.Context, consumer jetstream.Consumer, s *standstill) {
	if consumer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	info, err := consumer.Info(ctx)
	if err != nil || !s.stuck(time.Now(), info.NumAckPending, info.AckFloor.Stream) {
		return // without an answer there is nothing to fetch either
	}
	q.log.Warn("what was handed out is not answered and does not come again: the consumer begins again",
		"consumer", info.Name, "waiting", info.NumAckPending, "from", info.AckFloor.Stream+1)
	stream, err := q.js.Stream(ctx, logStream)
	if err == nil {
		_, err = stream.ResetConsumerToSequence(ctx, info.Name, info.AckFloor.Stream+1)
	}
	if err != nil {
		q.log.Warn("the consumer did not begin again, will be tried later", "consumer", info.Name, "error", err)
	}
}
