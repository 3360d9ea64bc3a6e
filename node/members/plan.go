// Package members owns the way from the members a cluster has to those it should
// have: what is to be done next, in which order, and what keeps it from being done.
// The plan is pure: facts in, at most one action out. It is made anew after each
// action from what is then the case, so that whoever leads goes on where another
// one died, and repeating an action is harmless. It also knows which facts should
// worry an admin. It talks to nobody: that is what Hands is for.
package members

import (
	"fmt"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Vote is a member's part in the control plane.
type Vote int

// The votes.
const (
	NoVote  Vote = iota
	Standby      // receives the log of the control plane, does not count
	Voter
)

// Link is how a member's broker stands to those of the others.
type Link int

// The links.
const (
	NoBroker Link = iota // not a peer
	Behind               // a peer that is away or catches up
	Current
)

// Fact is what the leader knows about one member.
type Fact struct {
	ID, Name string
	State    doc.MemberState
	Up       bool // answered a moment ago
	Vote     Vote
	Broker   Link
	HoldsLog bool    // has a replica of the document log
	Bad      bool    // its replica is not what it claims to be
	Safe     float64 // share of what it keeps that others keep too, 0..1; asked for while it leaves
	Why      string  // what is missing while Safe is below 1
}

// Facts is what the leader of the control plane sees now.
type Facts struct {
	Self     string // who leads and looks
	Members  []Fact // that are not removed, or still take part
	Replicas int    // that the log is configured to have; 0: not known, the broker does not answer
	Settled  bool   // every replica of the log is current
}

// Kind says what is to be done.
type Kind string

// The actions, all of them harmless when repeated.
const (
	AddStandby Kind = "add-standby" // to the control plane
	AddVoter   Kind = "add-voter"
	Activate   Kind = "activate"  // joining → active
	Replicate  Kind = "replicate" // the log, to N copies
	Reset      Kind = "reset"     // throw a bad replica away and copy it again
	Evacuate   Kind = "evacuate"  // move replicas off a member that leaves
	DropBroker Kind = "drop-broker"
	HandOver   Kind = "hand-over" // let another voter lead
	DropVoter  Kind = "drop-voter"
	Forget     Kind = "forget" // leaving → removed
)

// Action is one step towards the goal.
type Action struct {
	Kind   Kind
	Member string // node ID; empty for Replicate
	N      int    // copies, for Replicate
}

// Plan is what the facts call for.
type Plan struct {
	Goal  string
	Next  *Action           // nil: nothing to do, or nothing that can be done now
	Steps []doc.ClusterStep // what is under way or waited for
}

// WantReplicas is how many copies of the log a cluster of n members keeps. Two
// would need both members for every append and save nothing that the files do not.
func WantReplicas(n int) int {
	if n >= 3 {
		return 3
	}
	return 1
}

// Make gives the plan for f.
func Make(f Facts) Plan {
	m := maker{f: f}
	for _, x := range f.Members {
		if counts(x.State) {
			m.stay++
		}
		if x.Vote == Voter {
			m.voters++
			if x.Up {
				m.upVoters++
			}
		}
	}
	m.plan.Goal = m.goal()
	for _, rule := range []func() bool{m.quorum, m.clear, m.join, m.heal, m.replicate, m.leave} {
		if rule() {
			break
		}
	}
	return m.plan
}

// counts says whether a member is one of those the goal counts on.
func counts(s doc.MemberState) bool { return s == doc.MemberActive || s == doc.MemberDraining }

type maker struct {
	f        Facts
	plan     Plan
	stay     int // members that stay
	voters   int
	upVoters int
}

func (m *maker) goal() string {
	var joining, leaving []string
	for _, x := range m.f.Members {
		switch x.State {
		case doc.MemberJoining:
			joining = append(joining, x.Name)
		case doc.MemberLeaving:
			leaving = append(leaving, x.Name)
		}
	}
	n := m.stay + len(joining)
	text := fmt.Sprintf("%s, the document log on %d of them", count(n, "member"), WantReplicas(n))
	if n == 1 {
		text = "one member, which keeps everything itself"
	}
	if len(joining) > 0 {
		text += "; " + strings.Join(joining, ", ") + " joins"
	}
	if len(leaving) > 0 {
		text += "; " + strings.Join(leaving, ", ") + " leaves"
	}
	return text
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// say notes a step and, with an action, takes it; it ends the search for one.
func (m *maker) say(a *Action, done float64, problem, text string, args ...any) bool {
	m.plan.Next = a
	m.plan.Steps = append(m.plan.Steps, doc.ClusterStep{Text: fmt.Sprintf(text, args...), Done: done, Error: problem})
	return true
}

const unknown = -1 // progress of a step

// quorum holds everything back while one more failure would stop the cluster:
// changing members is when it is most easily lost.
func (m *maker) quorum() bool {
	if m.upVoters*2 > m.voters {
		return false
	}
	return m.say(nil, unknown, "most members do not answer", "waiting for a majority of %s: %d answer", count(m.voters, "voting member"), m.upVoters)
}

// clear finishes with members that are removed already.
func (m *maker) clear() bool {
	for _, x := range m.f.Members {
		if x.State == doc.MemberRemoved && (x.Broker != NoBroker || x.Vote != NoVote) {
			return m.drop(x)
		}
	}
	return false
}

func (m *maker) join() bool {
	i := slices.IndexFunc(m.f.Members, func(x Fact) bool { return x.State == doc.MemberJoining })
	if i < 0 {
		return false
	}
	x := m.f.Members[i]
	switch {
	case !x.Up:
		m.say(nil, unknown, "waiting for it to answer: start it if it does not run, or remove it", "%s joins", x.Name)
		return false // others must not wait for it
	case x.Vote == NoVote:
		return m.say(&Action{Kind: AddStandby, Member: x.ID}, 0.1, "", "%s joins: it receives the settings", x.Name)
	case x.Broker != Current:
		return m.say(nil, 0.4, "", "%s joins: its broker catches up", x.Name)
	case x.Vote == Standby:
		return m.say(&Action{Kind: AddVoter, Member: x.ID}, 0.7, "", "%s joins: it gets a vote", x.Name)
	}
	return m.say(&Action{Kind: Activate, Member: x.ID}, 0.9, "", "%s joins: it takes up work", x.Name)
}

// heal replaces a bad replica, one at a time and only while all others are good:
// what is thrown away must be elsewhere.
func (m *maker) heal() bool {
	i := slices.IndexFunc(m.f.Members, func(x Fact) bool { return x.Bad && x.Up })
	if i < 0 {
		return false
	}
	bad := m.f.Members[i]
	for j, x := range m.f.Members {
		if j != i && counts(x.State) && (!x.Up || x.Broker != Current || x.Bad) {
			m.say(nil, unknown, x.Name+" is not whole itself", "the copy of the document log on %s is damaged and waits to be replaced", bad.Name)
			return false
		}
	}
	return m.say(&Action{Kind: Reset, Member: bad.ID}, unknown, "", "the copy of the document log on %s is damaged: it is copied again", bad.Name)
}

func (m *maker) replicate() bool {
	want := WantReplicas(m.stay)
	if m.f.Replicas == 0 || m.f.Replicas == want {
		if m.f.Replicas > 1 && !m.f.Settled {
			m.say(nil, unknown, "", "copies of the document log catch up")
		}
		return false
	}
	if m.f.Replicas < want {
		for _, x := range m.f.Members {
			if counts(x.State) && (!x.Up || x.Broker != Current) {
				m.say(nil, unknown, x.Name+" is not there", "the document log waits to be copied to %d members", want)
				return false
			}
		}
	}
	return m.say(&Action{Kind: Replicate, N: want}, unknown, "", "the document log gets %s", copies(want))
}

func copies(n int) string {
	if n == 1 {
		return "1 copy"
	}
	return fmt.Sprintf("%d copies", n)
}

func (m *maker) leave() bool {
	for _, x := range m.f.Members {
		if x.State == doc.MemberLeaving {
			return m.leaves(x)
		}
	}
	return false
}

func (m *maker) leaves(x Fact) bool {
	voters, up := m.voters, m.upVoters
	if x.Vote == Voter {
		voters--
		if x.Up {
			up--
		}
	}
	switch {
	case up*2 <= voters:
		return m.say(nil, unknown, "too few of the others answer", "%s leaves: the others must be a majority without it", x.Name)
	case x.Safe < 1:
		return m.say(nil, x.Safe*0.7, x.Why, "%s leaves: what it keeps is copied to others", x.Name)
	case x.Up && x.HoldsLog:
		return m.say(&Action{Kind: Evacuate, Member: x.ID}, 0.7, "", "%s leaves: its copy of the document log moves", x.Name)
	}
	return m.drop(x)
}

// drop takes a member out of broker and control plane.
func (m *maker) drop(x Fact) bool {
	switch {
	case x.Broker != NoBroker:
		return m.say(&Action{Kind: DropBroker, Member: x.ID}, 0.8, "", "%s leaves: its broker is taken out", x.Name)
	case x.Vote != NoVote && x.ID == m.f.Self:
		return m.say(&Action{Kind: HandOver, Member: x.ID}, 0.9, "", "%s leaves: another member takes the lead", x.Name)
	case x.Vote != NoVote:
		return m.say(&Action{Kind: DropVoter, Member: x.ID}, 0.9, "", "%s leaves: its vote ends", x.Name)
	case x.State == doc.MemberLeaving:
		return m.say(&Action{Kind: Forget, Member: x.ID}, 1, "", "%s has left", x.Name)
	}
	return false
}
