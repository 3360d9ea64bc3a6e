package node

import (
	"context"
	"time"
)

// A duty is work that one member does for all: training, and what later rests on
// a clock. It is done by the member that leads the control plane. That alone
// proves nothing, because a member that was paused believes it still leads: so
// what a duty writes carries the epoch in which it began, and a later epoch refuses
// it. What a duty does may be done twice.

// fenceKey marks a context in which writes belong to one epoch.
type fenceKey struct{}

// withFence has all writes to the control state under ctx refused once another
// member leads.
func withFence(ctx context.Context, epoch uint64) context.Context {
	return context.WithValue(ctx, fenceKey{}, epoch)
}

// fenceOf gives the epoch that writes under ctx belong to; 0: any.
func fenceOf(ctx context.Context) uint64 {
	epoch, _ := ctx.Value(fenceKey{}).(uint64)
	return epoch
}

// dutyPeriod is how often a duty looks whether it is still this member's.
const dutyPeriod = time.Second

// onDuty says whether duties are this member's now. The context it gives ends when
// that is over, and writes under it are refused then.
func (n *Node) onDuty(ctx context.Context) (duty context.Context, done func(), yes bool) {
	if !n.control.Leads() {
		return ctx, func() {}, false
	}
	epoch := n.control.Epoch()
	duty, cancel := context.WithCancel(withFence(ctx, epoch))
	watch := newCrew()
	watch.every(dutyPeriod, func(context.Context) {
		if !n.control.Leads() || n.control.Epoch() != epoch {
			cancel()
		}
	})
	return duty, func() { cancel(); watch.stop() }, true
}
