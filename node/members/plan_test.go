package members_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/members"
)

func member(id string, state doc.MemberState) members.Fact {
	f := members.Fact{ID: id, Name: id, State: state, Up: true, Vote: members.Voter, Broker: members.Current, HoldsLog: true, Safe: 1}
	if state == doc.MemberJoining {
		f.Vote, f.Broker, f.HoldsLog = members.NoVote, members.NoBroker, false
	}
	return f
}

func three() members.Facts {
	return members.Facts{Self: "a", Replicas: 3, Settled: true, Members: []members.Fact{
		member("a", doc.MemberActive), member("b", doc.MemberActive), member("c", doc.MemberActive),
	}}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(f *members.Facts)
		want   *members.Action
		says   string // in the last step
	}{
		{name: "all is well", change: func(*members.Facts) {}},
		{name: "one is down", change: func(f *members.Facts) { f.Members[2].Up, f.Members[2].Broker = false, members.Behind }},
		{name: "no majority", change: func(f *members.Facts) {
			f.Members[1].Up, f.Members[2].Up = false, false
			f.Members[2].State = doc.MemberLeaving
		}, says: "majority"},
		{name: "a new one", change: func(f *members.Facts) { f.Members = append(f.Members, member("d", doc.MemberJoining)) },
			want: &members.Action{Kind: members.AddStandby, Member: "d"}},
		{name: "a new one whose broker catches up", change: func(f *members.Facts) {
			d := member("d", doc.MemberJoining)
			d.Vote, d.Broker = members.Standby, members.Behind
			f.Members = append(f.Members, d)
		}, says: "catches up"},
		{name: "a new one that went away does not hold up a removal", change: func(f *members.Facts) {
			d := member("d", doc.MemberJoining)
			d.Up = false
			f.Members[2].State, f.Members[2].Up, f.Members[2].Broker = doc.MemberLeaving, false, members.Behind
			f.Members = append(f.Members, d)
		}, want: &members.Action{Kind: members.Replicate, N: 1}},
		{name: "one leaves: first the copies", change: func(f *members.Facts) {
			f.Members[2].State, f.Members[2].Safe = doc.MemberLeaving, 0.5
			f.Replicas = 1
		}, says: "copied"},
		{name: "the leader leaves: another one leads", change: func(f *members.Facts) {
			f.Members[0].State, f.Members[0].Broker, f.Members[0].HoldsLog = doc.MemberLeaving, members.NoBroker, false
			f.Replicas = 1
		}, want: &members.Action{Kind: members.HandOver, Member: "a"}},
		{name: "the last but one that answers stays", change: func(f *members.Facts) {
			f.Members[2].Up = false
			f.Members[1].State = doc.MemberLeaving
			f.Replicas = 1
		}, says: "majority without it"},
		{name: "a removed one comes back", change: func(f *members.Facts) { f.Members[2].State = doc.MemberRemoved },
			want: &members.Action{Kind: members.DropBroker, Member: "c"}},
		{name: "a bad replica", change: func(f *members.Facts) { f.Members[2].Bad = true },
			want: &members.Action{Kind: members.Reset, Member: "c"}},
		{name: "a bad replica while another one is away", change: func(f *members.Facts) {
			f.Members[2].Bad, f.Members[1].Broker = true, members.Behind
		}, says: "waits to be replaced"},
		{name: "the broker does not answer", change: func(f *members.Facts) { f.Replicas = 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := three()
			c.change(&f)
			plan := members.Make(f)
			if diff := cmp.Diff(c.want, plan.Next); diff != "" {
				t.Errorf("next action (-want +got):\n%s\nsteps: %v", diff, plan.Steps)
			}
			var last string
			if len(plan.Steps) > 0 {
				last = plan.Steps[len(plan.Steps)-1].Text
			}
			if c.says != "" && !strings.Contains(last, c.says) {
				t.Errorf("the last step says %q, not %q", last, c.says)
			}
		})
	}
}

// world is a cluster as the actions change it, with steps of its own in between.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	facts members.Facts
}

// do takes an action and checks that it was allowed to be taken.
func (w *world) do(a members.Action) {
	at := func() *members.Fact {
		for i := range w.facts.Members {
			if w.facts.Members[i].ID == a.Member {
				return &w.facts.Members[i]
			}
		}
		w.t.Fatalf("%v: no such member", a)
		return nil
	}
	switch a.Kind {
	case members.AddStandby:
		at().Vote = members.Standby
	case members.AddVoter:
		if at().Broker != members.Current {
			w.t.Fatalf("%v: a vote before its broker is current", a)
		}
		at().Vote = members.Voter
	case members.Activate:
		at().State = doc.MemberActive
	case members.Replicate:
		w.facts.Replicas, w.facts.Settled = a.N, false
		w.place()
	case members.Evacuate:
		at().HoldsLog = false
	case members.DropBroker:
		if m := at(); m.State == doc.MemberLeaving && m.Safe < 1 {
			w.t.Fatalf("%v: what it keeps is nowhere else", a)
		}
		at().Broker, at().HoldsLog = members.NoBroker, false
		w.place()
	case members.HandOver:
		for _, m := range w.facts.Members {
			if m.ID != w.facts.Self && m.Up && m.Vote == members.Voter {
				w.facts.Self = m.ID
				return
			}
		}
		w.t.Fatalf("%v: nobody to hand over to", a)
	case members.DropVoter:
		at().Vote = members.NoVote
	case members.Forget:
		at().State = doc.MemberRemoved
	default:
		w.t.Fatalf("unexpected action %v", a)
	}
	w.check(a)
}

// place gives the log to as many members as it has copies.
func (w *world) place() {
	n := 0
	for i := range w.facts.Members {
		m := &w.facts.Members[i]
		m.HoldsLog = m.Broker != members.NoBroker && n < w.facts.Replicas
		if m.HoldsLog {
			n++
		}
	}
}

// check holds after every action: a majority of the votes answers.
func (w *world) check(a members.Action) {
	voters, up := 0, 0
	for _, m := range w.facts.Members {
		if m.Vote == members.Voter {
			voters++
			if m.Up {
				up++
			}
		}
	}
	if up*2 <= voters {
		w.t.Fatalf("%v left %d of %d votes", a, up, voters)
	}
}

// move lets the world go on by itself: brokers catch up, copies are made.
func (w *world) move() {
	for i := range w.facts.Members {
		m := &w.facts.Members[i]
		if m.Up && m.Vote != members.NoVote && m.State == doc.MemberJoining {
			m.Broker = min(members.Current, m.Broker+1)
		}
		if m.State == doc.MemberLeaving {
			m.Safe = min(1, m.Safe+0.5)
		}
	}
	w.facts.Settled = w.rng.IntN(3) > 0
}

// Whatever is asked for, in whatever order, with a leader that forgets everything
// after each action: the cluster comes to its goal and never loses its majority.
func TestEveryChangeComesToItsGoal(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 1)), facts: members.Facts{Self: "m0", Replicas: 1, Settled: true, Members: []members.Fact{member("m0", doc.MemberActive)}}}
		next := 1
		for range 6 {
			switch w.rng.IntN(3) {
			case 0, 1:
				m := member(fmt.Sprintf("m%d", next), doc.MemberJoining)
				m.Safe = 0
				w.facts.Members = append(w.facts.Members, m)
				next++
			case 2:
				w.askToLeave()
			}
			w.settle(seed)
		}
	}
}

// askToLeave has an active member leave when two others stay.
func (w *world) askToLeave() {
	var active []int
	for i, m := range w.facts.Members {
		if m.State == doc.MemberActive {
			active = append(active, i)
		}
	}
	if len(active) < 3 {
		return
	}
	m := &w.facts.Members[active[w.rng.IntN(len(active))]]
	m.State, m.Safe = doc.MemberLeaving, 0
	m.Up = len(active) < 4 || m.ID == w.facts.Self || w.rng.IntN(2) == 0
	if !m.Up {
		m.Broker = members.Behind
	}
}

func (w *world) settle(seed uint64) {
	for range 100 {
		plan := members.Make(w.facts)
		if plan.Next != nil {
			w.do(*plan.Next)
		} else if w.done() {
			return
		}
		w.move()
	}
	w.t.Fatalf("seed %d: no end: %+v, plan %+v", seed, w.facts, members.Make(w.facts))
}

// done says whether everybody is where they should be.
func (w *world) done() bool {
	stay := 0
	for _, m := range w.facts.Members {
		switch m.State {
		case doc.MemberActive:
			stay++
		case doc.MemberRemoved:
			if m.Vote != members.NoVote || m.Broker != members.NoBroker {
				return false
			}
		default:
			return false
		}
	}
	return w.facts.Replicas == members.WantReplicas(stay)
}
