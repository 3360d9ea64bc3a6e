package node

import (
	"context"
	"errors"
	"time"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/queue"
)

// probePeriod is how often the node looks after its own parts.
const probePeriod = 5 * time.Second

// probe looks after the parts that can fail while the node runs.
func (n *Node) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probePeriod)
	defer cancel()
	note := func(part string, err error) {
		if err != nil && errors.Is(context.Cause(ctx), context.Canceled) {
			return // the node stops
		}
		if n.parts.check(part, err) {
			n.log.Warn("part changed", "part", part, "error", err)
		}
	}
	note(partBlobs, n.checkBlobs(ctx))
	if n.control.Hangs() {
		n.end(errors.New("this member leads and takes no changes any more: it hangs while it hands over"))
	}
	health := n.broker.Health()
	q := n.queue.Load()
	if q == nil {
		note(partBroker, health)
		return
	}
	err := q.Healthy(ctx)
	note(partLog, err)
	if health != nil && err == nil && n.broker.Enabled() {
		// What the broker thinks of its copies says nothing about whether this member
		// works: that a write went through does.
		if n.parts.set(partBroker, partBehind, health.Error()) {
			n.log.Info("part changed", "part", partBroker, "behind", health)
		}
	} else {
		note(partBroker, health)
	}
	n.cure(ctx, err)
	n.unstick(ctx, health, err)
}

// checkBlobs says whether an object could be kept now.
func (n *Node) checkBlobs(ctx context.Context) error {
	if s, ok := n.store.(interface{ Check(context.Context) error }); ok {
		return s.Check(ctx)
	}
	return blob.Check(ctx, n.store)
}

// cureAfter is how many probes in a row the log must fail before the broker is
// started again: JetStream switches itself off when a write fails, and stays off
// when there is room again. With other members the log goes on without this one,
// and only its own broker knows.
const cureAfter = 3

// curable says whether starting this member's broker again may help. It does not
// when the others are away, and would only keep the brokers from electing.
func (n *Node) curable(err error) bool {
	return !n.broker.Enabled() || errors.Is(err, queue.ErrRestart) || err != nil && len(n.others()) == 0
}

// cure restarts the broker in this process when it is ill for long and there is
// room on the disk.
func (n *Node) cure(ctx context.Context, err error) {
	if !n.curable(err) || ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		n.ill.failed = 0
		return
	}
	if n.ill.failed++; n.ill.failed < cureAfter || n.diskLow() {
		return
	}
	n.ill.failed = 0
	n.log.Warn("the broker does not work: starting it again", "error", err)
	n.restartBroker(ctx)
}

// stuckAfter is how many probes in a row the broker may call something not current
// while the log works and this member's copy of it is whole. Copies of positions
// that nobody moves have been seen to stay so after a crash; with each time that
// starting again did not help, the patience doubles.
const stuckAfter = 12

// nearly is how many messages of a copy may be under way when it is compared.
const nearly = 1000

// unstick restarts a broker that says it is behind although its copy of the log is
// whole and the log works: until it is not, no other member may be stopped.
func (n *Node) unstick(ctx context.Context, health, logErr error) {
	if health == nil {
		n.ill.stuck, n.ill.restarts = 0, 0
		return
	}
	s := n.brokers(ctx)
	if own, holds := s.seq[n.id.Node]; logErr != nil || !holds || own+nearly < s.last {
		n.ill.stuck = 0
		return
	}
	if n.ill.stuck++; n.ill.stuck < stuckAfter<<min(n.ill.restarts, 6) {
		return
	}
	n.ill.stuck = 0
	n.ill.restarts++
	n.log.Warn("the broker stays behind although the log works: starting it again", "error", health)
	n.restartBroker(ctx)
}

func (n *Node) restartBroker(ctx context.Context) {
	restart, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	err := n.orHopeless(func() error { return n.broker.Restart(restart) })
	if err != nil && !errors.Is(err, errBrokerHangs) { // of that Run tells
		n.log.Error("the broker did not start again, will be tried again", "error", err)
	}
}

// brokerHangs is how long the broker may take to stop and start: it was seen to wait for
// itself for ever after a write had failed on a full disk.
const brokerHangs = time.Minute

var errBrokerHangs = errors.New("the broker hangs and cannot be started again")

// orHopeless does something that stops and starts the broker. When the broker hangs in it,
// this process ends, and the next one begins anew.
func (n *Node) orHopeless(do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-time.After(brokerHangs):
	}
	n.end(errBrokerHangs)
	return errBrokerHangs
}

// end ends this process, since only a new one can go on.
func (n *Node) end(why error) {
	select {
	case n.hopeless <- why:
	default: // it ends already
	}
}
