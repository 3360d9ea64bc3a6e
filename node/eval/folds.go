package eval

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
)

// Vendor gives the vendor of a case as its set names it, in letters and digits of
// upper case; "" when the set does not say.
func Vendor(c Case) string { return groupKey(c.Vendor) }

// GroupBy gives a function that tells cases apart by what their record says under
// name: a member of the record itself, or else the label of that name. It is for
// sets that do not name a vendor but something that stands for one: a template, an
// issuer.
func GroupBy(name string) func(Case) string {
	return func(c Case) string {
		if v := groupKey(c.Notes[name]); v != "" {
			return v
		}
		var label string
		if json.Unmarshal(c.Labels[name], &label) != nil {
			return ""
		}
		return groupKey(label)
	}
}

// Saying gives a function that picks the cases whose record says value under member,
// given as "member=value" and compared as GroupBy tells them apart; all for "".
func Saying(only string) (func(Case) bool, error) {
	if only == "" {
		return func(Case) bool { return true }, nil
	}
	member, value, ok := strings.Cut(only, "=")
	if !ok || member == "" || groupKey(value) == "" {
		return nil, doc.Errorf(doc.Invalid, "%q names no documents: give a member of the records and what it says, as layout=letter", only)
	}
	of := GroupBy(member)
	return func(c Case) bool { return of(c) == groupKey(value) }, nil
}

// groupKey keeps letters and digits, in upper case: vendors are written in many ways.
func groupKey(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, s)
}

// Folds parts cases into k folds, given as indices of cases, so that no group has
// cases in two of them and the folds are of much the same size; the same cases
// and seed give the same folds. A case without a group is a group of its own. It
// refuses with Invalid what it cannot part: fewer than k groups, or a set of which
// no group is known. groupOf nil means Vendor.
func Folds(cases []Case, k int, seed uint64, groupOf func(Case) string) ([][]int, error) {
	if groupOf == nil {
		groupOf = Vendor
	}
	members := map[string][]int{}
	known := 0
	for i, c := range cases {
		g := groupOf(c)
		if g != "" {
			known++
			g = "v" + g
		} else {
			g = fmt.Sprintf("?%d", i) // no group of its own name begins so
		}
		members[g] = append(members[g], i)
	}
	switch {
	case k < 2:
		return nil, doc.Errorf(doc.Invalid, "%d folds: two are the least, one to train and one to test", k)
	case known == 0:
		return nil, doc.Errorf(doc.Invalid, "no vendor is known for any of %d cases, so folds cannot be kept apart by vendor: name what stands for one, or part by document", len(cases))
	case len(members) == 1:
		return nil, doc.Errorf(doc.Invalid, "all %d cases are of one vendor: what is learned from a vendor says nothing about others; add documents of at least %d vendors", len(cases), k)
	case len(members) < k:
		return nil, doc.Errorf(doc.Invalid, "%d vendors cannot be parted into %d folds: add documents of other vendors, or take fewer folds", len(members), k)
	}
	names := make([]string, 0, len(members))
	for g := range members {
		names = append(names, g)
	}
	slices.Sort(names)
	rng := rand.New(rand.NewPCG(seed, seed))
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(len(members[b]), len(members[a])) })
	folds := make([][]int, k)
	for _, g := range names { // largest first, each to the smallest fold
		least := 0
		for f := range folds {
			if len(folds[f]) < len(folds[least]) {
				least = f
			}
		}
		folds[least] = append(folds[least], members[g]...)
	}
	for _, f := range folds {
		slices.Sort(f)
	}
	return folds, nil
}

// RandomFolds parts n cases into k folds of equal size without regard to vendors:
// for the figure on vendors that are known.
func RandomFolds(n, k int, seed uint64) ([][]int, error) {
	if k < 2 || n < k {
		return nil, doc.Errorf(doc.Invalid, "%d cases cannot be parted into %d folds", n, k)
	}
	rng := rand.New(rand.NewPCG(seed, seed))
	folds := make([][]int, k)
	for i, at := range rng.Perm(n) {
		folds[i%k] = append(folds[i%k], at)
	}
	for _, f := range folds {
		slices.Sort(f)
	}
	return folds, nil
}

// Fit trains on cases and gives the reading that came of it. What it does must
// not depend on any case but these.
type Fit func(ctx context.Context, train []Case) (Read, error)

// CrossValidate trains once a fold on the cases of all other folds and reads the
// cases of that fold. Outcomes come in the order of folds, each with its fold and
// whether its vendor, as groupOf tells it (nil: Vendor), was among those that
// trained. It stops at the first error of fit, and early when ctx ends.
func CrossValidate(ctx context.Context, cases []Case, folds [][]int, groupOf func(Case) string, fit Fit, o RunOptions) ([]Outcome, error) {
	if groupOf == nil {
		groupOf = Vendor
	}
	total := len(withDocument(cases))
	var out []Outcome
	for f, test := range folds {
		test = slices.Sorted(slices.Values(test))
		if err := ctx.Err(); err != nil {
			return out, context.Cause(ctx)
		}
		train, seen := []Case{}, map[string]bool{}
		for i, c := range cases {
			if _, inTest := slices.BinarySearch(test, i); !inTest {
				train = append(train, c)
				seen[groupOf(c)] = true
			}
		}
		read, err := fit(ctx, train)
		if err != nil {
			return out, fmt.Errorf("fold %d of %d: %w", f+1, len(folds), err)
		}
		var held []Case
		groups := map[string]string{}
		for _, i := range test {
			held = append(held, cases[i])
			groups[cases[i].ID] = groupOf(cases[i])
		}
		before := len(out)
		step := RunOptions{Workers: o.Workers}
		if o.Progress != nil {
			step.Progress = func(id string, done, _ int) { o.Progress(id, before+done, total) }
		}
		for _, got := range Run(ctx, held, read, step) {
			g := groups[got.ID]
			got.Fold, got.Known = f+1, g != "" && seen[g]
			out = append(out, got)
		}
	}
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	return out, nil
}
