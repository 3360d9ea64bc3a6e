package trust

import (
	"fmt"
	"math"
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
	// Apart gives each field of a group its own vote. A promise over several fields
	// then needs fewer groups, and rests on one thing more: that a new vendor whose
	// one field is misread is not misread in all. How much one goes with the other
	// in the samples, where the score does not tell, is measured and paid for, but a
	// kind of vendor that is not among them can break it. Simulated with 1 to 3 in 100
	// of 120 vendors misread as a whole, a Delta of 0.1 came out as 0.03 to 0.06,
	// since such vendors among the samples show. Off, nothing of the sort is assumed,
	// and no simulated world broke Delta.
	Apart bool `json:"apart,omitempty"`
	// Unit is what groups are called in Why, in the plural; empty means vendors.
	Unit string `json:"unit,omitempty"`
}

func (t Target) defaults() Target {
	if t.Delta == 0 {
		t.Delta = 0.1
	}
	if t.MinGroups == 0 {
		t.MinGroups = 20
	}
	if t.Unit == "" {
		t.Unit = "vendors"
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
	stairs := descend(samples, t.Apart)
	best := Promise{Threshold: Never, Bound: 1}
	var failed *Promise
	for _, p := range tried(stairs, t) {
		p.Bound = upperShare(p.against, p.votes, t.Delta)
		p.Coverage = float64(p.Accepted) / float64(len(samples))
		if p.Bound > 1-t.Precision || float64(p.Wrong) > (1-t.Precision)*float64(p.Accepted) {
			failed = &p.Promise
			break
		}
		best = p.Promise
		best.Holds = true
	}
	best.Why, best.Missing = explain(best, failed, stairs, t)
	return best
}

// Each threshold that is tried takes in so much more than the one before: in steps
// of single samples a wrong one among few would end the search where a few more
// right ones carry on.
const stride = 1.05

// maxSpare bounds how many votes against it a promise survives at the first
// threshold tried.
const maxSpare = 8

// tried picks the thresholds to test, in order. It looks at scores and groups only,
// never at what is right: that is what makes the first failure the only price. (With
// Apart the weight of votes is measured on what is right: a small breach of that.) A
// start with nothing to spare ends most searches at once, so it begins where the
// promise survives as many votes against it as half of all votes allow.
func tried(stairs []stair, t Target) []stair {
	if len(stairs) == 0 {
		return nil
	}
	total := stairs[len(stairs)-1].votes
	first := needed(0, 1-t.Precision, t.Delta)
	for spare := 1; spare <= maxSpare; spare++ {
		n := needed(spare, 1-t.Precision, t.Delta)
		if float64(n) > total || spare > 1 && float64(n) > total/2 {
			break
		}
		first = n
	}
	var out []stair
	next := 0.0
	for i, s := range stairs {
		if s.votes < float64(first) || s.Groups < t.MinGroups {
			continue
		}
		if float64(s.Accepted) >= next || i+1 == len(stairs) {
			out = append(out, s)
			next = float64(s.Accepted) * stride
		}
	}
	return out
}

// explain says in words what best is, or why there is none, and how many more
// groups it takes at least.
func explain(best Promise, failed *Promise, stairs []stair, t Target) (string, int) {
	aim := fmt.Sprintf("at most %s wrong in 100 accepted", number(100*(1-t.Precision)))
	if best.Holds {
		return fmt.Sprintf("Holds: of %d accepted values of %d %s %d were wrong; with %s %% certainty no more than %s in 100 are.",
			best.Accepted, best.Groups, t.Unit, best.Wrong, number(100*(1-t.Delta)), number(100*best.Bound)), 0
	}
	if len(stairs) == 0 {
		n := max(needed(0, 1-t.Precision, t.Delta), t.MinGroups)
		return fmt.Sprintf("Nothing is accepted yet: no document has been reviewed. To promise %s, reviews of about %d %s are needed, if every value is right.", aim, n, t.Unit), n
	}
	whole := stairs[len(stairs)-1]
	least := float64(needed(0, 1-t.Precision, t.Delta)) * float64(whole.Groups) / whole.votes // in groups
	if more := max(int(math.Ceil(least-1e-9)), t.MinGroups) - whole.Groups; more > 0 {
		return fmt.Sprintf("Nothing is accepted yet: to promise %s, reviews of at least %d %s are needed, even if every value was right. There are %d: review %d more, or ask for less.",
			aim, whole.Groups+more, t.Unit, whole.Groups, more), more
	}
	if failed != nil {
		return fmt.Sprintf("Nothing is accepted: among the surest %d values, of %d %s, %d were wrong, which is too many to promise %s. Review more documents, or ask for less.",
			failed.Accepted, failed.Groups, t.Unit, failed.Wrong, aim), 0
	}
	return fmt.Sprintf("Nothing is accepted: no part of the samples could be tested to promise %s.", aim), 0
}

// number writes a figure with as many digits as it needs, two at most.
func number(x float64) string {
	return fmt.Sprintf("%g", math.Round(100*x)/100)
}
