package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Progress is how far SetReplicas is with one stream.
type Progress struct {
	Stream string
	Want   int    // copies
	Have   int    // copies that are current, the leader's included
	Lag    uint64 // messages the slowest one is behind
	Note   string // what the broker is doing or waiting for; may be empty
}

// copiesPoll is how often the broker is asked how far it is.
const copiesPoll = 100 * time.Millisecond

// SetReplicas brings the log, and what belongs to it, to n copies, each on another
// member, and waits until they are current; consumers follow their stream. It may be
// repeated, by any member, and goes on where an earlier call broke off. Appends go
// on meanwhile. progress may be nil; it is called for every change. Without enough
// members it waits for them until ctx ends, and answers Unavailable then.
func (q *Queue) SetReplicas(ctx context.Context, n int, progress func(Progress)) error {
	if progress == nil {
		progress = func(Progress) {}
	}
	for _, stream := range []string{logStream, stateStream} {
		if err := q.setReplicas(ctx, stream, n, progress); err != nil {
			return fmt.Errorf("set copies of %s to %d: %w", stream, n, err)
		}
	}
	return nil
}

func (q *Queue) setReplicas(ctx context.Context, stream string, n int, progress func(Progress)) error {
	if err := q.retry(ctx, func(ctx context.Context) error { return q.looseConsumers(ctx, stream) }); err != nil {
		return err
	}
	var last Progress
	return repeat(ctx, q.cfg.Timeout, func(ctx context.Context) error {
		s, err := q.js.Stream(ctx, stream)
		if err != nil {
			return err
		}
		if cfg := s.CachedInfo().Config; cfg.Replicas != n {
			cfg.Replicas = n
			if _, err := q.js.UpdateStream(ctx, cfg); err != nil {
				return err
			}
		}
		p, err := q.copies(ctx, stream, n)
		if err != nil {
			return err
		}
		if p != last {
			last = p
			progress(p)
		}
		if p.Have != n || p.Note != "" {
			return errNotYet
		}
		return nil
	})
}

// looseConsumers lets consumers that were given a number of copies of their own
// have as many as their stream.
func (q *Queue) looseConsumers(ctx context.Context, stream string) error {
	s, err := q.js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	list := s.ListConsumers(ctx)
	for info := range list.Info() {
		if info.Config.Replicas == 0 {
			continue
		}
		cfg := info.Config
		cfg.Replicas = 0
		if _, err := s.UpdateConsumer(ctx, cfg); err != nil {
			return fmt.Errorf("consumer %s: %w", info.Name, err)
		}
	}
	return list.Err()
}

// copies says how many copies of a stream and of its consumers are current.
func (q *Queue) copies(ctx context.Context, stream string, n int) (Progress, error) {
	var s streamAnswer
	if err := ask(ctx, q.nc, "$JS.API.STREAM.INFO."+stream, struct{}{}, &s); err != nil {
		return Progress{}, err
	}
	p := Progress{Stream: stream, Want: n, Note: s.Cluster.moving()}
	p.Have, p.Lag = s.Cluster.current()
	var list struct {
		Consumers []struct {
			Name    string        `json:"name"`
			Cluster clusterAnswer `json:"cluster"`
		} `json:"consumers"`
	}
	if err := ask(ctx, q.nc, "$JS.API.CONSUMER.LIST."+stream, struct{}{}, &list); err != nil {
		return Progress{}, err
	}
	for _, c := range list.Consumers {
		if have, _ := c.Cluster.current(); p.Note == "" && (have != n || c.Cluster.Desired != nil) {
			p.Note = "waiting for consumer " + c.Name
		}
	}
	return p, nil
}

// current counts the copies that are current, and gives how far the slowest one is
// behind.
func (c clusterAnswer) current() (n int, lag uint64) {
	if c.Leader == "" {
		return 0, 0
	}
	n = 1
	for _, r := range c.Replicas {
		if r.Current && !r.Offline && !r.Pending {
			n++
		}
		lag = max(lag, r.Lag)
	}
	return n, lag
}

// errNotYet says that the broker is still at it.
var errNotYet = errors.New("not yet")

// repeat calls call, with a time limit for each, until it succeeds or ctx ends.
func repeat(ctx context.Context, limit time.Duration, call func(context.Context) error) error {
	for {
		try, cancel := context.WithTimeout(ctx, limit)
		err := call(try)
		cancel()
		if err == nil {
			return nil
		}
		if !pause(ctx, copiesPoll) {
			return unavailable(errors.Join(err, context.Cause(ctx)))
		}
	}
}
