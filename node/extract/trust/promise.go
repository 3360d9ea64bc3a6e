package trust

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Target is what an admin asks for.
type Target struct {
	// Precision is the least share right among accepted values, as 0.99 for at
	// most 1 wrong in 100.
	Precision float64 `json:"precision"`
	// Delta is the chance, over the reviewed documents, that the promise is false
	// all the same; 0 means 0.1. With 0.5 the threshold is a best guess, no promise.
	Delta float64 `json:"delta,omitempty"`
	// MinGroups is the least number of groups of which something must be accepted,
	// however sure the figures are; 0 means 20.
	MinGroups int `json:"min_groups,omitempty"`
}

func (t Target) defaults() Target {
	if t.Delta == 0 {
		t.Delta = 0.1
	}
	if t.MinGroups == 0 {
		t.MinGroups = 20
	}
	return t
}

func (t Target) check() error {
	switch {
	case !(t.Precision > 0 && t.Precision < 1):
		return fmt.Errorf("a target of %v is none: it lies between 0 and 1, as 0.99 for 1 wrong in 100", t.Precision)
	case !(t.Delta > 0 && t.Delta < 1):
		return fmt.Errorf("a chance of failing of %v is none: it lies between 0 and 1, as 0.1", t.Delta)
	case t.MinGroups < 0:
		return fmt.Errorf("the least number of groups cannot be %d", t.MinGroups)
	}
	return nil
}

// Never is a threshold that no score reaches.
const Never = 2.0

// Promise is a threshold and what the samples say about it.
type Promise struct {
	Threshold float64 `json:"threshold"` // accept scores from here on; Never when nothing may be accepted
	Accepted  int     `json:"accepted"`  // samples at or above it
	Wrong     int     `json:"wrong"`     // of these
	Groups    int     `json:"groups"`    // of which something is accepted
	// Bound is the upper confidence bound of the share wrong, for a new group; 1
	// when nothing is accepted.
	Bound    float64 `json:"bound"`
	Coverage float64 `json:"coverage"` // accepted among all samples
	Holds    bool    `json:"holds"`
	// Missing is how many more reviewed groups it takes at least until the promise
	// can hold, were all right; 0 when it holds or more would not help by themselves.
	Missing int    `json:"missing,omitempty"`
	Why     string `json:"why"` // in words for an admin
}

// Promised gives the lowest threshold for which the samples prove the target, for
// a new group (see the package comment), over all fields of the samples: for a
// promise about one field hand in its samples alone. Scores may be raw or, over
// several fields, confidences from [Cross]. Where the samples prove nothing, or the
// target or a score is no such thing, Threshold is [Never] and Why says so.
func Promised(samples []Sample, t Target) Promise {
	t = t.defaults()
	err := t.check()
	if err == nil {
		err = check(samples)
	}
	if err != nil {
		return Promise{Threshold: Never, Bound: 1, Why: "Nothing is accepted: " + err.Error() + "."}
	}
	stairs := descend(samples)
	best := Promise{Threshold: Never, Bound: 1}
	var failed *Promise
	for _, p := range tried(stairs, t) {
		p.Bound = upperShare(p.votes, float64(p.Groups), t.Delta)
		now := p.promise(len(samples))
		if p.Bound > 1-t.Precision || float64(p.Wrong) > (1-t.Precision)*float64(p.Accepted) {
			failed = &now
			break
		}
		now.Holds = true
		best = now
	}
	best.Why, best.Missing = explain(best, failed, stairs, t)
	return best
}

// stair is a threshold that parts the samples, and what lies at or above it.
type stair struct {
	Promise
	votes float64 // sum over groups of the share wrong among what is accepted
}

func (s stair) promise(total int) Promise {
	s.Coverage = float64(s.Accepted) / float64(total)
	return s.Promise
}

// descend gives all thresholds that part the samples, the highest first. Equal
// scores stay together.
func descend(samples []Sample) []stair {
	of, n := groups(samples)
	order := make([]int, len(samples))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(samples[b].Score, samples[a].Score) })
	accepted, wrong := make([]float64, n), make([]float64, n)
	var out []stair
	var now stair
	for k, i := range order {
		g := of[i]
		if accepted[g] == 0 {
			now.Groups++
		} else {
			now.votes -= wrong[g] / accepted[g]
		}
		accepted[g]++
		now.Accepted++
		if !samples[i].Right {
			wrong[g]++
			now.Wrong++
		}
		now.votes += wrong[g] / accepted[g]
		if k+1 == len(order) || samples[order[k+1]].Score != samples[i].Score {
			now.Threshold = samples[i].Score
			out = append(out, now)
		}
	}
	return out
}

// Each threshold that is tried takes in so much more than the one before: in steps
// of single samples a wrong one among few would end the search where a few more
// right ones carry on.
const stride = 1.1

// tried picks the thresholds to test, in order. It looks at scores and groups only,
// never at what is right: that is what makes the first failure the only price. It
// begins where the promise survives one vote against it, if there are enough groups
// for that, since a start with nothing to spare ends most searches at once.
func tried(stairs []stair, t Target) []stair {
	if len(stairs) == 0 {
		return nil
	}
	total := stairs[len(stairs)-1].Groups
	first := max(needed(0, 1-t.Precision, t.Delta), t.MinGroups)
	if spare := needed(1, 1-t.Precision, t.Delta); spare <= total && spare > first {
		first = spare
	}
	var out []stair
	next := float64(first)
	for i, s := range stairs {
		last := i+1 == len(stairs)
		if float64(s.Groups) >= next || last && s.Groups >= first {
			out = append(out, s)
			next = max(next, float64(s.Groups)) * stride
		}
	}
	return out
}

// explain says in words what best is, or why there is none, and how many more
// groups it takes at least.
func explain(best Promise, failed *Promise, stairs []stair, t Target) (string, int) {
	aim := fmt.Sprintf("at most %s wrong in 100 accepted", number(100*(1-t.Precision)))
	if best.Holds {
		return fmt.Sprintf("Holds: of %d accepted values of %d vendors %d were wrong; with %s %% certainty no more than %s in 100 are.",
			best.Accepted, best.Groups, best.Wrong, number(100*(1-t.Delta)), number(100*best.Bound)), 0
	}
	have := 0
	if len(stairs) > 0 {
		have = stairs[len(stairs)-1].Groups
	}
	least := max(needed(0, 1-t.Precision, t.Delta), t.MinGroups)
	if have < least {
		return fmt.Sprintf("Nothing is accepted yet: to promise %s, reviewed documents of at least %d vendors are needed, even if every value was right. There are %d: review documents of %d more vendors, or ask for less.",
			aim, least, have, least-have), least - have
	}
	if failed != nil {
		return fmt.Sprintf("Nothing is accepted: among the surest %d values, of %d vendors, %d were wrong, which is too many to promise %s. Review more documents, or ask for less.",
			failed.Accepted, failed.Groups, failed.Wrong, aim), 0
	}
	return fmt.Sprintf("Nothing is accepted: no threshold could be tested to promise %s.", aim), 0
}

// number writes a figure with as many digits as it needs, two at most.
func number(x float64) string {
	return fmt.Sprintf("%g", math.Round(100*x)/100)
}
