package node

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"

	"github.com/recto-edge/recto/cluster"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/members"
)

// hands does what bringing the members to their goal needs, by the engines that
// know how: the control plane, the broker's own administration, and the copies.
type hands struct{ n *Node }

func (h hands) Leads(ctx context.Context) bool {
	return h.n.control.Leads() && h.n.control.Barrier(ctx) == nil
}

// Facts implements members.Hands.
func (h hands) Facts(ctx context.Context) (members.Facts, error) {
	n := h.n
	f := members.Facts{Self: n.id.Node}
	votes := n.votes()
	state := n.brokers(ctx)
	f.Replicas, f.Settled = state.replicas, state.settled
	for _, m := range n.control.Members() {
		x := members.Fact{ID: m.ID, Name: m.Name, State: doc.MemberState(m.State), Up: n.isUp(m.ID), Vote: votes[m.ID], Safe: 1}
		if current, in := state.peers[m.ID]; in && current {
			x.Broker = members.Current
		} else if in {
			x.Broker = members.Behind
		}
		x.HoldsLog, x.Bad = state.holds[m.ID], state.bad[m.ID] != ""
		if x.State == doc.MemberLeaving {
			if x.Safe, x.Why = n.safeWithout(ctx, m.ID); m.GivenUp && !x.Up {
				x.Safe = 1
			}
		}
		if x.State == doc.MemberRemoved && x.Vote == members.NoVote && x.Broker == members.NoBroker {
			continue
		}
		f.Members = append(f.Members, x)
	}
	return f, nil
}

// votes gives everybody's part in the control plane.
func (n *Node) votes() map[string]members.Vote {
	out := map[string]members.Vote{}
	for _, s := range n.control.Servers() {
		out[s.ID] = members.Standby
		if s.Voter {
			out[s.ID] = members.Voter
		}
	}
	return out
}

// Do implements members.Hands.
func (h hands) Do(ctx context.Context, a members.Action) error {
	n := h.n
	switch a.Kind {
	case members.AddStandby:
		return n.control.AddNonvoter(ctx, a.Member)
	case members.AddVoter:
		return n.control.AddVoter(ctx, a.Member)
	case members.Activate:
		return n.control.Update(ctx, a.Member, func(m *cluster.Member) error {
			if m.State == cluster.Joining {
				m.State = cluster.Active
			}
			return nil
		})
	case members.Replicate:
		q := n.queue.Load()
		if q == nil {
			return errLogAway
		}
		if a.N > 1 { // a broker on a smaller disk would not take its copy
			if err := q.SetMaxBytes(ctx, n.leastRoom()); err != nil {
				return err
			}
		}
		return q.SetReplicas(ctx, a.N, nil)
	case members.Reset:
		return n.resetBroker(ctx, a.Member)
	case members.Evacuate, members.DropBroker:
		admin := n.admin.Load()
		if admin == nil {
			return errLogAway
		}
		if a.Kind == members.Evacuate {
			return admin.Evacuate(ctx, a.Member)
		}
		return admin.RemovePeer(ctx, a.Member)
	case members.HandOver:
		return n.control.HandOver(ctx)
	case members.DropVoter:
		return n.control.RemoveServer(ctx, a.Member)
	case members.Forget:
		return n.forgetMember(ctx, a.Member)
	}
	return errors.New("unknown action " + string(a.Kind))
}

// forgetMember ends a member's time. Who is alone then may have what no other has
// from now on.
func (n *Node) forgetMember(ctx context.Context, id string) error {
	left := slices.DeleteFunc(n.control.Members(), func(m cluster.Member) bool { return m.State == cluster.Removed || m.ID == id })
	if len(left) == 1 {
		if err := n.control.Update(ctx, left[0].ID, func(m *cluster.Member) error { m.Founder = true; return nil }); err != nil {
			return err
		}
	}
	return n.control.Update(ctx, id, func(m *cluster.Member) error { m.State = cluster.Removed; return nil })
}

var errLogAway = doc.Errorf(doc.Unavailable, "the document log is not up yet; try again in a moment")

// resetBroker has a member throw its copy of the log away and copy it again.
func (n *Node) resetBroker(ctx context.Context, id string) error {
	from, err := n.mayReset(ctx, id)
	if err != nil {
		return err
	}
	q := n.queue.Load()
	if q == nil {
		return errLogAway
	}
	if id == n.id.Node {
		err = n.resetOwnBroker(ctx)
	} else {
		err = n.postTo(ctx, id, "/reset", struct{}{}, 1<<16, nil)
	}
	if err != nil || from == 0 {
		return err
	}
	// While it led it may have passed over work that it lacked.
	n.doubt.Store(true)
	return q.Recall(ctx, from)
}

func (n *Node) serveReset(w http.ResponseWriter, r *http.Request) {
	if leader := n.control.Status().Leader; cluster.Caller(r) != leader {
		writeFailure(w, doc.Errorf(doc.Conflict, "only the member that leads may ask for this"))
		return
	}
	if err := n.resetOwnBroker(r.Context()); err != nil {
		writeFailure(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (n *Node) resetOwnBroker(ctx context.Context) error {
	n.tending.Lock()
	b := n.broker
	n.tending.Unlock()
	if b == nil {
		return errLogAway
	}
	n.log.Warn("the copy of the document log here is damaged: it is thrown away and copied again")
	names := []string{n.id.Node}
	for _, p := range n.brokerPeers() {
		names = append(names, p.Name)
	}
	var aside string
	if err := n.orHopeless(func() (err error) { aside, err = b.Reset(ctx, names); return err }); err != nil {
		return err
	}
	return os.RemoveAll(aside)
}
