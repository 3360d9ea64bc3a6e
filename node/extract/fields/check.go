package fields

import (
	"regexp"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Check runs the checks of t over fields, wherever they come from, and notes in
// each field which held and which failed. A failed check speaks against each value
// that it speaks of, and the wrong one is seldom known: it divides the odds of each by
// failedOdds. None of them is accepted, however sure. It changes no value, and running
// it twice gives the same as running it once.
func Check(t doc.Type, fs []doc.Field) []doc.Field {
	out := slices.Clone(fs)
	for i := range out {
		f := &out[i]
		f.Checks, f.FailedChecks = slices.Clone(f.Checks), slices.Clone(f.FailedChecks)
		switch f.Type {
		case doc.IBAN:
			note(f, "iban", ibanHolds(compact(f.Value)))
		case doc.VATID:
			if holds, known := vatCheck(f.Value); known {
				note(f, "vat", holds)
			} else if vatForms[f.Value[:min(2, len(f.Value))]] != nil && !vatFormed(f.Value) {
				note(f, "vat", false)
			}
		}
		if spec, ok := t.Field(f.Name); ok && spec.Pattern != "" {
			if re, err := regexp.Compile(spec.Pattern); err == nil {
				note(f, "pattern", re.MatchString(f.Value))
			}
		}
	}
	for _, c := range t.Checks {
		if terms, ok := parseSum(t, c); ok {
			checkSum(t, terms, out, strings.Contains(c, "~="))
		}
	}
	for i := range out {
		if out[i].Type == doc.Table {
			checkRows(&out[i])
		}
	}
	return out
}

// failedOdds is by how much a failed check divides the odds that a value is right. Half
// of the confidence would be far from what is seen: of the receipts' totals whose sum did
// not come out, 23 of 23 were right.
const failedOdds = 4

// note adds a check to those that held or those that failed, once.
func note(f *doc.Field, name string, holds bool) {
	if slices.Contains(f.Checks, name) || slices.Contains(f.FailedChecks, name) {
		return
	}
	if holds {
		f.Checks = append(f.Checks, name)
		return
	}
	f.FailedChecks = append(f.FailedChecks, name)
	f.Confidence = Rounded(f.Confidence / (f.Confidence + failedOdds*(1-f.Confidence)))
}

// cashStep and cashOff are the least coin of a till, in hundredths, and by how much a sum is
// rounded to it at most: to five in Malaysia, the Netherlands, Finland or Switzerland.
const (
	cashStep = 5
	cashOff  = 2
)

// forCash says whether two sides of a sum differ by what one of them was rounded for cash.
func forCash(left, right int64) bool {
	return abs(left-right) <= cashOff && (left%cashStep == 0 || right%cashStep == 0)
}

// checkSum notes on all its terms whether a sum holds, when all of it was found. Where it may
// have been rounded for cash, such a difference says nothing; and what was handed over counts
// without the minus that some tills print.
func checkSum(t doc.Type, terms []term, fs []doc.Field, cash bool) {
	var sum, right int64
	var found []int
	for _, x := range terms {
		i := slices.IndexFunc(fs, func(f doc.Field) bool { return f.Name == t.Fields[x.field].Name })
		if i < 0 {
			if x.maybe {
				continue
			}
			return
		}
		n, ok := minor(fs[i].Value)
		if !ok {
			return
		}
		if cash {
			n = abs(n)
		}
		sum += x.sign * n
		right = n
		found = append(found, i)
	}
	if len(found) < 2 || cash && sum != 0 && forCash(right+sum, right) {
		return
	}
	for _, i := range found {
		if sum == 0 {
			note(&fs[i], "sum", true)
		} else if !slices.Contains(fs[i].Checks, "sum") {
			note(&fs[i], "sum", false)
		}
	}
}
