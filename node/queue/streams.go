package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

func (q *Queue) makeStreams(ctx context.Context) error {
	maxBytes := q.cfg.MaxBytes
	if maxBytes <= 0 {
		maxBytes = -1
	}
	docs := jetstream.StreamConfig{
		Name: logStream, Subjects: []string{subjectDocs + ".*.*"},
		Storage: jetstream.FileStorage, Replicas: 1,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, MaxBytes: maxBytes,
		AllowDirect: true, AllowAtomicPublish: true,
		Metadata: map[string]string{logIDKey: rand.Text()},
	}
	state := jetstream.StreamConfig{
		Name: stateStream, Subjects: []string{"state.>"},
		Storage: jetstream.FileStorage, Replicas: 1,
		MaxMsgsPerSubject: 1, MaxAge: 7 * 24 * time.Hour, AllowDirect: true,
	}
	return q.retry(ctx, func(ctx context.Context) error {
		for _, stream := range []jetstream.StreamConfig{docs, state} {
			if err := q.ensure(ctx, stream); err != nil {
				return fmt.Errorf("make stream %s: %w", stream.Name, err)
			}
		}
		s, err := q.js.Stream(ctx, logStream)
		if err != nil {
			return err
		}
		q.logID = s.CachedInfo().Config.Metadata[logIDKey]
		return q.makeConsumers(ctx)
	})
}

// ensure makes a stream that is not there. The limits of one that is follow this
// member's disk only while no other member has anything to do with it.
func (q *Queue) ensure(ctx context.Context, cfg jetstream.StreamConfig) error {
	s, err := q.js.Stream(ctx, cfg.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = q.js.CreateStream(ctx, cfg)
		return err
	}
	if err != nil {
		return err
	}
	info := s.CachedInfo()
	if info.Config.Replicas > 1 || info.Cluster == nil || info.Cluster.Leader != q.nc.ConnectedServerName() {
		return nil
	}
	cfg.Replicas, cfg.Metadata = info.Config.Replicas, info.Config.Metadata
	return q.update(ctx, cfg)
}

// update changes a stream. One that was promised more than the broker has room for
// by now stays as it is: it is more use with an old limit than closed.
func (q *Queue) update(ctx context.Context, cfg jetstream.StreamConfig) error {
	_, err := q.js.UpdateStream(ctx, cfg)
	var refused *jetstream.APIError
	if errors.As(err, &refused) && refused.ErrorCode == errStorageResources {
		q.log.Warn("the limits of a stream stay as they are: the broker may store less", "stream", cfg.Name)
		return nil
	}
	return err
}

// SetMaxBytes changes the limit of the log, in bytes; 0: none. Open sets it only
// while one member has the log: afterwards it must suit the smallest disk, which
// no member knows alone.
func (q *Queue) SetMaxBytes(ctx context.Context, limit int64) error {
	if limit <= 0 {
		limit = -1
	}
	err := q.retry(ctx, func(ctx context.Context) error {
		s, err := q.js.Stream(ctx, logStream)
		if err != nil {
			return err
		}
		cfg := s.CachedInfo().Config
		if cfg.MaxBytes == limit {
			return nil
		}
		cfg.MaxBytes = limit
		return q.update(ctx, cfg)
	})
	if err != nil {
		return fmt.Errorf("set the limit of the log: %w", err)
	}
	return nil
}

// makeConsumers makes those of the workers, so that what waits is counted before
// the first worker starts.
func (q *Queue) makeConsumers(ctx context.Context) error {
	for _, lane := range lanes(doc.Priorities) {
		_, err := q.js.Consumer(ctx, logStream, workerName(lane))
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			_, err = q.js.CreateConsumer(ctx, logStream, q.workerConsumer(lane, defaultAckWait))
		}
		if err != nil {
			return fmt.Errorf("make consumer %s: %w", workerName(lane), err)
		}
	}
	return nil
}

// realignConsumers moves back the consumers of a log that was cut: they would
// wait for sequences that have been given to other revisions by then. Where the
// consumers are is asked before where the log ends, and that of a leader with a
// majority: they run ahead of an older answer while others append.
func (q *Queue) realignConsumers(ctx context.Context) error {
	return q.retry(ctx, func(ctx context.Context) error {
		s, err := q.js.Stream(ctx, logStream)
		if err != nil {
			return err
		}
		var all []*jetstream.ConsumerInfo
		consumers := s.ListConsumers(ctx)
		for info := range consumers.Info() {
			all = append(all, info)
		}
		if err := consumers.Err(); err != nil {
			return err
		}
		state, err := q.state(ctx)
		if err != nil {
			return err
		}
		last := state.State.Last
		for _, info := range all {
			if info.Delivered.Stream <= last && info.AckFloor.Stream <= last {
				continue
			}
			q.log.Warn("the log was cut: a consumer is moved back", "consumer", info.Name, "from", info.Delivered.Stream, "to", last)
			if _, err := s.ResetConsumerToSequence(ctx, info.Name, last+1); err != nil {
				return fmt.Errorf("reset consumer %s: %w", info.Name, err)
			}
		}
		return nil
	})
}

// Recall lets all consumers begin again at sequence from, or stay where they are
// when they are not so far: a copy that had lost messages may have led some of them
// past what it lacked. What they have done already comes again, and ends as stale.
func (q *Queue) Recall(ctx context.Context, from uint64) error {
	from = max(from, 1)
	err := q.moveConsumers(ctx, func(info *jetstream.ConsumerInfo) uint64 {
		if info.Delivered.Stream < from {
			return 0
		}
		return from
	})
	if err != nil {
		return fmt.Errorf("recall consumers: %w", err)
	}
	return nil
}

// Again lets the consumers named, or all, begin again behind the last message that
// was answered, if they wait for an answer. The broker counts the wait by the wall clock: after one
// that was ahead has been put right, what was handed out meanwhile would not come
// again before that time. What is being worked on comes twice, and one of the two
// ends as stale.
func (q *Queue) Again(ctx context.Context, named ...string) error {
	err := q.moveConsumers(ctx, func(info *jetstream.ConsumerInfo) uint64 {
		if info.NumAckPending == 0 || len(named) > 0 && !slices.Contains(named, info.Name) {
			return 0
		}
		return info.AckFloor.Stream + 1
	})
	if err != nil {
		return fmt.Errorf("begin consumers again: %w", err)
	}
	return nil
}

// moveConsumers lets consumers begin again at the sequence that to gives; 0: it stays.
func (q *Queue) moveConsumers(ctx context.Context, to func(*jetstream.ConsumerInfo) uint64) error {
	return q.retry(ctx, func(ctx context.Context) error {
		s, err := q.js.Stream(ctx, logStream)
		if err != nil {
			return err
		}
		consumers := s.ListConsumers(ctx)
		for info := range consumers.Info() {
			seq := to(info)
			if seq == 0 {
				continue
			}
			if _, err := s.ResetConsumerToSequence(ctx, info.Name, seq); err != nil {
				return fmt.Errorf("reset consumer %s: %w", info.Name, err)
			}
		}
		return consumers.Err()
	})
}

// retry repeats a call of the broker with the time limit of one, until it
// succeeds or ctx ends.
func (q *Queue) retry(ctx context.Context, call func(context.Context) error) error {
	wait := 10 * time.Millisecond
	for {
		try, cancel := context.WithTimeout(ctx, min(q.cfg.Timeout, time.Second))
		err := call(try)
		cancel()
		if err == nil {
			return nil
		}
		if !pause(ctx, wait) {
			return unavailable(errors.Join(err, context.Cause(ctx)))
		}
		wait = min(2*wait, time.Second)
	}
}

// pause waits for d and says whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
