package cluster

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// Propose brings cmd into the log and answers when it is applied here. It may be
// called on any member; the leader's word is waited for, and through an election,
// for some seconds: then the answer is ErrNoQuorum or ErrNotLeader. It fills in
// At, By and ID: by its ID a proposal that was sent twice is applied once. So an
// error of those leaves it open whether the command will be applied, as does the
// end of ctx, but it is never applied twice.
//
// ErrConflict comes with the version that the entry has, and when it comes, what
// was in the way is known here. ErrFenced means that Fence is not the current
// epoch, ErrLevel that the cluster cannot use batches yet.
func (c *Cluster) Propose(ctx context.Context, cmd Command) (Result, error) {
	name := cmd.Kind + "/" + cmd.Key
	if cmd.Op == OpBatch {
		name = "batch"
	}
	if err := cmd.check(); err != nil {
		return Result{}, fmt.Errorf("propose %s: %w", name, err)
	}
	cmd.At, cmd.By = c.now(), c.id
	out, err := c.submit(ctx, cmd)
	if err == nil && out.Index > 0 {
		err = c.fsm.wait(ctx, out.Index)
	}
	switch {
	case err != nil:
	case out.Fenced:
		err = ErrFenced
	case out.Conflict:
		err = ErrConflict
	}
	if err != nil {
		return out.Result, fmt.Errorf("propose %s: %w", name, err)
	}
	return out.Result, nil
}

// check says whether a command may be proposed.
func (cmd Command) check() error {
	parts := []Command{cmd}
	if cmd.Op == OpBatch {
		parts = cmd.Batch
	}
	if len(parts) == 0 {
		return errors.New("the batch is empty")
	}
	size := 0
	for i, p := range parts {
		switch {
		case p.Op != OpPut && p.Op != OpDelete && (p.Op != OpCheck || cmd.Op != OpBatch):
			return fmt.Errorf("command %d cannot be proposed", p.Op)
		case p.Kind == "" || p.Key == "":
			return errors.New("kind and key are needed")
		case slices.ContainsFunc(parts[:i], func(o Command) bool { return o.Kind == p.Kind && o.Key == p.Key }):
			return fmt.Errorf("%s/%s is in the batch twice", p.Kind, p.Key)
		}
		if size += len(p.Value); size > MaxValue {
			return fmt.Errorf("%w: %d bytes, over %d", ErrTooLarge, size, MaxValue)
		}
	}
	return nil
}

// outcome is the result of a command and where it stands in the log.
type outcome struct {
	Result
	Index uint64 `json:"index"`
}

// submit brings cmd to the leader, whoever that is, until it has an answer.
func (c *Cluster) submit(ctx context.Context, cmd Command) (outcome, error) {
	clustered := c.joined || c.Level() >= LevelClustered
	if clustered {
		cmd.ID = rand.Text()
	}
	limited, stop := context.WithTimeoutCause(ctx, c.cfg.timing.propose, ErrNoQuorum)
	defer stop()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		moved := c.leader.moved()
		out, err := c.attempt(limited, moved, cmd)
		switch {
		case err == nil:
			return out, nil
		case c.keptOutNow():
			return outcome{}, ErrRemoved
		case final(err):
			return outcome{}, err
		case !clustered && !errors.Is(err, raft.ErrNotLeader):
			return outcome{}, err // without an ID a repetition might be applied twice
		}
		select {
		case <-moved:
		case <-time.After(pause):
		case <-limited.Done():
			if ctx.Err() != nil {
				return outcome{}, context.Cause(ctx)
			}
			return outcome{}, fmt.Errorf("%w (%w)", context.Cause(limited), err)
		}
	}
}

// final says whether asking again would bring the same answer.
func final(err error) bool {
	for _, e := range []error{ErrClosed, ErrRemoved, ErrLevel, ErrTooLarge} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// attempt brings cmd to the leader once. It gives up when moved is closed: then
// another one leads.
func (c *Cluster) attempt(ctx context.Context, moved <-chan struct{}, cmd Command) (out outcome, err error) {
	if c.life.Err() != nil {
		return outcome{}, ErrClosed
	}
	if c.raft.State() == raft.Leader {
		return c.applyHere(ctx, cmd)
	}
	return out, c.askLeader(ctx, moved, "/cluster/propose", cmd, &out)
}

// askLeader sends a request to the leader, as long as it is the leader.
func (c *Cluster) askLeader(ctx context.Context, moved <-chan struct{}, path string, in, out any) error {
	_, leader := c.raft.LeaderWithID()
	if leader == "" || string(leader) == c.id {
		return fmt.Errorf("%w: %w", ErrNotLeader, raft.ErrNotLeader)
	}
	ctx, stop := context.WithTimeout(ctx, c.cfg.timing.propose/2)
	defer stop()
	if !c.spawn(func() {
		select {
		case <-moved:
			stop()
		case <-ctx.Done():
		}
	}) {
		return ErrClosed
	}
	return c.call(ctx, string(leader), path, in, out)
}

// applyHere applies a command of this or another member on this one, the leader.
func (c *Cluster) applyHere(ctx context.Context, cmd Command) (outcome, error) {
	if c.Level() < LevelClustered {
		if cmd.Op == OpBatch {
			return outcome{}, fmt.Errorf("%w: %s", ErrLevel, finishFirst)
		}
		// One member alone, so only it can begin an epoch.
		if cmd.Fence != 0 && cmd.Fence != c.Epoch() {
			return outcome{Result: Result{Fenced: true}}, nil
		}
		cmd.ID, cmd.Fence = "", 0
	}
	c.change.RLock()
	defer c.change.RUnlock()
	result, index, err := c.apply(ctx, cmd)
	return outcome{result, index}, err
}

// apply puts a command into raft's log and waits until it is applied here.
func (c *Cluster) apply(ctx context.Context, cmd Command) (Result, uint64, error) {
	if cmd.By == "" {
		cmd.At, cmd.By = c.now(), c.id
	}
	data, err := json.Marshal(cmd)
	if err != nil {
		return Result{}, 0, fmt.Errorf("encode command: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Result{}, 0, context.Cause(ctx)
	}
	var future raft.ApplyFuture
	err = c.askRaft(ctx, func() error {
		future = c.raft.Apply(data, 0)
		return future.Error()
	})
	c.handing.note(err, time.Now())
	if err != nil {
		return Result{}, 0, err
	}
	return future.Response().(Result), future.Index(), nil
}

// proposed answers a proposal of another member.
func (c *Cluster) proposed(ctx context.Context, cmd Command) (outcome, error) {
	if err := cmd.check(); err != nil {
		return outcome{}, err
	}
	if cmd.ID == "" || cmd.By == "" {
		return outcome{}, errors.New("a proposal of another member needs ID and By")
	}
	if c.raft.State() != raft.Leader {
		return outcome{}, ErrNotLeader
	}
	ctx, stop := context.WithTimeoutCause(ctx, c.cfg.timing.propose/2, ErrNoQuorum)
	defer stop()
	return c.applyHere(ctx, cmd)
}

// Barrier answers when everything that was committed before the call is visible
// here. It costs the leader a round of heartbeats and no write.
func (c *Cluster) Barrier(ctx context.Context) error {
	limited, stop := context.WithTimeoutCause(ctx, c.cfg.timing.propose, ErrNoQuorum)
	defer stop()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		moved := c.leader.moved()
		index, err := c.askIndex(limited, moved)
		if err == nil {
			if err = c.fsm.wait(limited, index); err == nil {
				return nil
			}
		}
		if c.keptOutNow() {
			return fmt.Errorf("barrier: %w", ErrRemoved)
		}
		if final(err) {
			return fmt.Errorf("barrier: %w", err)
		}
		select {
		case <-moved:
		case <-time.After(pause):
		case <-limited.Done():
			if ctx.Err() != nil {
				return fmt.Errorf("barrier: %w", context.Cause(ctx))
			}
			return fmt.Errorf("barrier: %w (%w)", context.Cause(limited), err)
		}
	}
}

func (c *Cluster) askIndex(ctx context.Context, moved <-chan struct{}) (index uint64, err error) {
	if c.life.Err() != nil {
		return 0, ErrClosed
	}
	if c.raft.State() == raft.Leader {
		return c.readIndex(ctx, struct{}{})
	}
	return index, c.askLeader(ctx, moved, "/cluster/index", struct{}{}, &index)
}

// readIndex gives the index up to which a member must be to have seen all that was
// answered to anybody before now. A leader answers a proposal when it is applied
// here, and what earlier leaders answered came before its epoch: so it is enough
// to be where this state is, if this is still the leader.
func (c *Cluster) readIndex(ctx context.Context, _ struct{}) (uint64, error) {
	if !c.Leads() {
		return 0, ErrNotLeader
	}
	term, index := c.led.Load(), c.fsm.at()
	if err := c.verify(ctx); err != nil {
		return 0, err
	}
	if !c.Leads() || c.led.Load() != term {
		return 0, ErrNotLeader
	}
	return index, nil
}

// verify makes sure that this member still leads a quorum.
func (c *Cluster) verify(ctx context.Context) error {
	return c.askRaft(ctx, func() error { return c.raft.VerifyLeader().Error() })
}
