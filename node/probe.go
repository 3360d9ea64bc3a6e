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
	note(partBroker, n.broker.Health())
	q := n.queue.Load()
	if q == nil {
		return
	}
	err := q.Healthy(ctx)
	note(partLog, err)
	n.cure(ctx, err)
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
		n.ailing = 0
		return
	}
	if n.ailing++; n.ailing < cureAfter || n.diskLow() {
		return
	}
	n.ailing = 0
	n.log.Warn("the broker does not work: starting it again", "error", err)
	restart, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := n.broker.Restart(restart); err != nil {
		n.log.Error("the broker did not start again, will be tried again", "error", err)
	}
}
