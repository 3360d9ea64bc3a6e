// Package trust turns raw scores of predicted fields into probabilities, and
// reviewed predictions into thresholds of acceptance with a stated guarantee.
//
// It owns the calibration (raw score to probability of being right), the bound on
// the share of wrong values among accepted ones, the threshold that follows from
// it, and the reliability plot. It guarantees that confidence never falls where the
// score rises, that a threshold is given only where the samples prove it, and that
// the same samples give the same answer. It never reads a document,
// keeps no state, and never counts many documents of one vendor as many witnesses:
// a layout that is misread once is misread every time.
//
// # What is promised
//
// A sample belongs to a group. A promise is about a new group: draw a new group of
// which something is accepted, then one of its accepted values; with probability
// 1-Delta over the samples, that value is wrong with probability 1-Precision at
// most. It follows that
//
//   - with the vendor as group it holds for vendors never seen before, which is
//     what a shipped model meets;
//   - with the document as group, and samples predicted while the vendor was known
//     (others of its documents had been confirmed), it holds for further documents
//     of the same mix of known vendors, and of no others.
//
// Each group has one vote, the share of its accepted values that are wrong, so no
// vendor outweighs another by sending more. The bound on the mean of the votes is
// that of Clopper and Pearson (Biometrika 26, 1934), which is exact where votes are
// 0 or 1, does not ask that groups are alike (Hoeffding, Ann. Math. Stat. 27, 1956),
// and is cautious where a vote is a fraction. Thresholds are tried from the most
// careful downward until one fails, in an order fixed without looking at what was
// right: fixed-sequence testing, so that trying many costs no certainty
// (Angelopoulos, Bates, Candès, Jordan, Lei: Learn then Test, 2021). The aim is the
// selective prediction with guaranteed risk of Geifman and El-Yaniv (NeurIPS 2017),
// with groups in the place of independent samples.
//
// No method that assumes nothing about new groups asks for fewer: were a share q of
// them wrong throughout, n groups would show none with probability (1-q)^n. With a
// Delta of 0.1 and 117 vendors without a mistake q may be .0195, whatever the bound.
//
// Delta is a share of all attempts, made or not: where the target is out of reach
// almost every attempt gives no promise, and the few that are made are false ones.
//
// The promise needs new vendors to come from where the old ones came: groups are
// exchangeable. When a site's documents are of another kind, its own reviews tell,
// and [Settle] takes a refuted promise back.
package trust

import (
	"fmt"
	"math"
	"strconv"
)

// Sample is one held-back prediction with the verdict of a person: never of a
// document that trained what predicted it, and for a promise about new vendors
// never of a vendor that did.
type Sample struct {
	Group string  `json:"group,omitempty"` // the vendor, see the package comment; empty: a group of its own
	Field string  `json:"field"`
	Score float64 `json:"score"` // 0 to 1; higher is surer
	Right bool    `json:"right"`
}

// check refuses scores that are no number from 0 to 1.
func check(samples []Sample) error {
	for i, s := range samples {
		if math.IsNaN(s.Score) || s.Score < 0 || s.Score > 1 {
			return fmt.Errorf("sample %d of field %q: score %v is not between 0 and 1", i, s.Field, s.Score)
		}
	}
	return nil
}

// groups numbers the groups of samples in order of appearance.
func groups(samples []Sample) (of []int, n int) {
	of = make([]int, len(samples))
	seen := map[string]int{}
	for i, s := range samples {
		name := "g" + s.Group
		if s.Group == "" {
			name = "s" + strconv.Itoa(i)
		}
		g, ok := seen[name]
		if !ok {
			g = len(seen)
			seen[name] = g
		}
		of[i] = g
	}
	return of, len(seen)
}
