package fields

import (
	"github.com/recto-edge/recto/node/doc"
)

// Relation says how a candidate stands to a label of the field.
type Relation int

// The relations, NoLabel for a candidate that no label points at.
const (
	NoLabel Relation = iota
	RightOf
	Below
)

// Features is how a candidate stands to a field's labels and to its page: what a
// scorer judges by.
type Features struct {
	Relation  Relation
	Label     float64 // how well the label is matched, 0..1
	Strength  float64 // 1 for the field's first label, towards 0 for its last
	LabelLen  int     // letters of the label: long ones are less likely chance
	Edge      bool    // the label ends its cell or has a colon
	Gap       float64 // blank between label and candidate, in word heights
	Between   int     // candidates of the same type between label and candidate
	X, Y      float64 // centre on the page, 0..1
	PageIndex int     // 0 for the first page
	Pages     int
	Height    float64 // against the page's median word
	Largest   bool    // no other amount on the document is larger
	Last      bool    // no other candidate of the type comes later
	First     bool    // none comes earlier
	Repeats   int     // how often the same value stands on the document
	WordConf  float64 // the reader's own confidence of its words
	Cents     int     // digits behind the mark for money, of the year for a date
	Clock     bool    // a time of day stands on its row
	BesideID  bool    // the document's number stands before it on its row
	Rounded   bool    // another amount and a printed rounding add up to it
	Tender    int     // 1: what was to be paid, -1: what was handed over for it
	Settled   int     // 1: what was charged on an account and paid, -1: another amount of one
	Entry     int     // day of an account's entry: 1 the last, -1 another
	OnEntry   bool    // it is of one entry of an account
	HasSign   bool    // a currency stands beside it
}

// ruleScore says how likely a candidate is a field's value, 0..1, by weights set
// by hand for label, place and form. It needs no training, and is what a learned
// scorer begins from.
func ruleScore(spec doc.FieldSpec, c Candidate, f Features) float64 {
	s := labelScore(f)
	switch c.Type {
	case doc.Money:
		s = moneyScore(spec, c, f, s)
	case doc.Date:
		s = dateScore(spec, c, f, s)
	case doc.IBAN:
		if s = max(s, 0.55) + 0.2; !ibanHolds(c.Value) {
			s = 0.25
		}
	case doc.VATID:
		if s = max(s, 0.3) + 0.15; !vatFormed(c.Value) {
			s = 0.4
		}
	case doc.Email:
		s = max(s, 0.3)
	default:
		if f.Relation == NoLabel {
			return 0
		}
	}
	return clamp(s * (0.7 + 0.3*f.WordConf))
}

func labelScore(f Features) float64 {
	if f.Relation == NoLabel {
		return 0
	}
	s := 0.45*f.Label*f.Label + 0.3*f.Strength
	if f.Edge {
		s += 0.08
	}
	if f.Relation == Below {
		s -= 0.08
	}
	s -= min(0.15, 0.008*f.Gap)
	s -= 0.1 * float64(min(f.Between, 3))
	if f.PageIndex > 0 && f.PageIndex < f.Pages-1 {
		s -= 0.02
	}
	return s
}

func moneyScore(spec doc.FieldSpec, c Candidate, f Features, s float64) float64 {
	if f.Relation == NoLabel {
		if spec.Hint != "largest" {
			return 0
		}
		s = 0.05
		if f.Largest {
			s += 0.1
		}
	}
	switch {
	case c.Decimals == 2:
		s += 0.12
	case !f.HasSign:
		s -= 0.2
	}
	if f.HasSign {
		s += 0.03
	}
	if f.OnEntry {
		s -= 0.5 // a tax of one day is none of the whole
	}
	if f.Repeats > 1 {
		s += min(0.06, 0.02*float64(f.Repeats-1))
	}
	if spec.Hint == "largest" {
		s += 0.05*f.Y + 0.03*(f.Height-1)
		if f.Largest {
			s += largestBonus
		}
		if f.Rounded {
			s = max(s, 0.5) + 0.3
		}
		switch f.Tender {
		case 1:
			s = max(s, 0.5) + 0.2
		case -1:
			s -= 0.3
		}
		switch f.Settled {
		case 1:
			s = max(s, 0.5) + 0.2
		case -1:
			s -= 0.3
		}
		if c.Value == "0.00" || c.Value[0] == '-' {
			s -= 0.25
		}
	}
	return s
}

func dateScore(spec doc.FieldSpec, c Candidate, f Features, s float64) float64 {
	if f.Relation == NoLabel {
		if spec.Hint != "first" {
			return 0
		}
		s = 0.3
		if f.First {
			s += 0.06
		}
	}
	switch {
	case f.Cents == 0: // eight digits in a row are a date only where a label says so
		s -= 0.25
	case f.Cents == 1, f.Cents == 2 && (c.Value < "1995" || c.Value > "2035"):
		s -= 0.3
	case f.Cents == 4:
		s += 0.05
	}
	if f.Clock {
		s += 0.06
	}
	if spec.Hint == "first" && f.BesideID {
		s = max(s, 0.5) + 0.2
	}
	if spec.Hint == "first" && f.Entry != 0 {
		if f.Relation == Below {
			s = 0.3 // the head of the column says so of all entries
		}
		s += entryBonus * float64(f.Entry)
	}
	switch {
	case spec.Hint == "range-start" && c.Range == 1, spec.Hint == "range-end" && c.Range == 2:
		s += 0.1
	case spec.Hint == "range-start" && c.Range == 2, spec.Hint == "range-end" && c.Range == 1:
		s -= 0.1
	}
	if spec.Hint == "first" && f.Repeats > 1 {
		s += min(0.09, 0.03*float64(f.Repeats-1))
	}
	return s
}

// largestBonus is what being the document's largest amount adds to a total.
const largestBonus = 0.08

// entryBonus is what being the day of an account's last entry adds to a document's date, and
// that of another one takes off.
const entryBonus = 0.15

func clamp(x float64) float64 { return max(0, min(1, x)) }
