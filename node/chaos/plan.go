//go:build linux

package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// FaultKind names one way to break something.
type FaultKind string

// The faults.
const (
	Kill       FaultKind = "kill"        // SIGKILL one member, start it again
	KillLeader FaultKind = "kill_leader" // the one that leads
	KillAll    FaultKind = "kill_all"    // all at once
	Stop       FaultKind = "stop"        // SIGSTOP one, SIGCONT later
	StopLeader FaultKind = "stop_leader"
	Restart    FaultKind = "restart"      // SIGTERM one, start it again
	CutOneWay  FaultKind = "cut_one_way"  // packets from one to another vanish
	CutBoth    FaultKind = "cut_both"     // between two, both ways
	Isolate    FaultKind = "isolate"      // one from all other members; senders still reach it
	Blackout   FaultKind = "blackout"     // one from everybody
	Deaf       FaultKind = "lost_answers" // what one answers senders vanishes
	Delay      FaultKind = "delay"        // all packets of one take longer
	Stall      FaultKind = "stall"        // all packets of one wait, then come
	Lossy      FaultKind = "lossy"        // a share of the packets of one vanishes
	FlipLog    FaultKind = "flip_log"     // bits of one member's message blocks, while it is down
	TearLog    FaultKind = "tear_log"     // the end of one, too
	FlipBlob   FaultKind = "flip_blob"    // bits of originals, intake records, revisions
	TearBlob   FaultKind = "tear_blob"
	FlipCache  FaultKind = "flip_cache"
	FlipRaft   FaultKind = "flip_raft" // the control plane's: the member heals, or refuses to start and is replaced
	TearRaft   FaultKind = "tear_raft"
	Full       FaultKind = "disk_full"  // one member's disk, for a while
	Power      FaultKind = "power"      // one loses its power: what was not synced is gone
	PowerAll   FaultKind = "power_all"  // all at once
	Clock      FaultKind = "clock_jump" // one is started again with a clock that is wrong
	Replace    FaultKind = "replace"    // one dies for good; removed, and a new one joins
	Exchange   FaultKind = "exchange"   // a new one joins, then another leaves in order
)

// weights say how often each fault is chosen. Those that take long are rare, so
// that a thousand runs stay affordable; the report counts each.
var weights = []struct {
	kind   FaultKind
	weight int
}{
	{Kill, 14}, {KillLeader, 10}, {KillAll, 5}, {Stop, 9}, {StopLeader, 5}, {Restart, 8},
	{CutOneWay, 8}, {CutBoth, 8}, {Isolate, 8}, {Blackout, 5}, {Deaf, 6}, {Delay, 6}, {Stall, 6}, {Lossy, 5},
	{FlipLog, 5}, {TearLog, 5}, {FlipBlob, 4}, {TearBlob, 3}, {FlipCache, 3}, {FlipRaft, 2}, {TearRaft, 2},
	{Full, 5}, {Power, 6}, {PowerAll, 5}, {Clock, 3}, {Replace, 2}, {Exchange, 2},
}

// Fault is one thing that is broken, for a while.
type Fault struct {
	Kind   FaultKind     `json:"kind"`
	At     time.Duration `json:"at"`              // after the begin of the load
	For    time.Duration `json:"for"`             // until it is healed
	Victim int           `json:"victim"`          // by position among the members
	Other  int           `json:"other,omitempty"` // the other end of a link
	Amount float64       `json:"amount,omitempty"`
}

// damages says whether a fault costs the victim data for good. One run damages
// one member only: more than one is more than any cluster promises to survive.
func (k FaultKind) damages() bool {
	return slices.Contains([]FaultKind{FlipLog, TearLog, FlipBlob, TearBlob, FlipCache, FlipRaft, TearRaft, Replace}, k)
}

// Plan is all of a run that is decided before it begins.
type Plan struct {
	Seed   uint64        `json:"seed"`
	Rate   float64       `json:"rate"` // documents a second
	Least  time.Duration `json:"least"`
	Again  float64       `json:"again"` // share of documents that are sent twice
	Faults []Fault       `json:"faults"`
}

// afterwards is how long full load goes on behind the planned end of the last fault,
// to meet what follows from it.
const afterwards = 10 * time.Second

// burst is the time of full load.
func (p Plan) burst() time.Duration {
	end := p.Least
	for _, f := range p.Faults {
		end = max(end, f.At+f.For)
	}
	return end + afterwards
}

// NewPlan makes the plan of a seed for a cluster of so many members: one to three
// faults within the first seconds of a load of a few documents a second.
func NewPlan(seed uint64, members int) Plan {
	r := rand.New(rand.NewPCG(seed, 0x7265_6374_6f))
	p := Plan{Seed: seed, Rate: 4 + 4*r.Float64(), Least: 3 * time.Second, Again: 0.1}
	damaged := -1
	for range 1 + r.IntN(3) {
		f := Fault{Kind: fit(pick(r), members), At: time.Duration(300+r.IntN(2500)) * time.Millisecond, Victim: r.IntN(members)}
		f.Other = (f.Victim + 1 + r.IntN(max(1, members-1))) % members
		f.For, f.Amount = extent(r, f.Kind)
		if f.Kind.damages() {
			if damaged < 0 {
				damaged = f.Victim
			}
			f.Victim = damaged
		}
		p.Faults = append(p.Faults, f)
	}
	slices.SortStableFunc(p.Faults, func(a, b Fault) int { return int(a.At - b.At) })
	return p
}

// fit gives a fault that a cluster of so many members has to survive: a lone one
// has nothing to heal its files from, and nobody to exchange it with.
func fit(k FaultKind, members int) FaultKind {
	switch k {
	case FlipBlob, TearBlob, FlipRaft, TearRaft:
		if members == 1 {
			return Kill
		}
	case Replace, Exchange:
		if members < 3 {
			return Kill
		}
	}
	return k
}

// Only is the plan of a seed with faults of one kind.
func Only(seed uint64, members int, kind FaultKind) Plan {
	p := NewPlan(seed, members)
	r := rand.New(rand.NewPCG(seed, 1))
	f := p.Faults[0]
	f.Kind = kind
	f.For, f.Amount = extent(r, kind)
	p.Faults = []Fault{f}
	return p
}

func pick(r *rand.Rand) FaultKind {
	sum := 0
	for _, w := range weights {
		sum += w.weight
	}
	n := r.IntN(sum)
	for _, w := range weights {
		if n -= w.weight; n < 0 {
			return w.kind
		}
	}
	panic(fmt.Sprintf("no fault for %d", n))
}

// extent is how long and how strong a fault is.
func extent(r *rand.Rand, k FaultKind) (time.Duration, float64) {
	ms := func(from, to int) time.Duration { return time.Duration(from+r.IntN(to-from)) * time.Millisecond }
	switch k {
	case Stop, StopLeader:
		if r.IntN(8) == 0 {
			return ms(6000, 20000), 0 // longer than leases and elections
		}
		return ms(1000, 6000), 0
	case CutOneWay, CutBoth, Isolate, Blackout, Stall:
		return ms(1000, 7000), 0
	case Deaf:
		return ms(500, 3000), 0
	case Delay:
		return ms(2000, 5000), 0.02 + 0.3*r.Float64() // seconds
	case Lossy:
		return ms(2000, 5000), 0.05 + 0.3*r.Float64()
	case Full:
		return ms(2000, 6000), 0
	case Clock:
		return ms(2000, 5000), []float64{-86400, -600, 600, 86400}[r.IntN(4)] // seconds
	default:
		return ms(0, 2500), 0
	}
}
