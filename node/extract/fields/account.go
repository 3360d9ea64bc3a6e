package fields

import (
	"regexp"

	"github.com/recto-edge/recto/node/doc"
)

// Hotels and others who keep an account for a guest list what was charged on which day, what
// was paid, and what is still owed: nothing, mostly. The total is what was charged then, and
// the document is of the day of the last entry.

// owed are words for what is left to be paid.
var owed = regexp.MustCompile(`(?i)\b(balance|outstanding|saldo|solde|offener betrag|restbetrag|amount due|balance due)\b`)

// ledger are words that an account has and a list of deliveries or of hours has not.
var ledger = regexp.MustCompile(`(?i)\b(charges?|credits?|debits?|belastung(en)?|zahlung(en)?|soll|haben|payments?|débit|crédit|cargos?|abonos?)\b`)

// leastEntries is of how many days the entries are that make a list of dates an account.
const leastEntries = 3

// account is what an account says of its document.
type account struct {
	settled int64          // what was charged and paid, in hundredths, where nothing is owed; else 0
	days    map[string]int // of the days of its entries: 1 the last one, -1 the others
	rows    map[int]bool   // that are entries
}

// findAccount reads the account of the document, where it has one.
func (r *reader) findAccount() account {
	a := account{days: map[string]int{}, rows: map[int]bool{}}
	times := map[int64]int{}
	cleared, kept := false, false
	last, n := "", 0
	for _, rw := range r.layout.rows {
		kept = kept || owed.MatchString(rw.text) || ledger.MatchString(rw.text)
	}
	for _, c := range r.all {
		rw := r.layout.rows[c.Row]
		switch {
		case c.Type == doc.Money && c.Decimals == 2:
			m, _ := minor(c.Value)
			times[abs(m)]++
			cleared = cleared || m == 0 && owed.MatchString(rw.text)
		case c.Type == doc.Date && c.at.from == 0 && len(rw.cells) > 1 && c.Value >= last:
			if c.Value > last {
				n++
			}
			last, a.days[c.Value], a.rows[c.Row] = c.Value, -1, true
		}
	}
	if n < leastEntries || !kept {
		clear(a.days)
		clear(a.rows)
	} else {
		a.days[last] = 1
	}
	if cleared {
		for m, k := range times {
			if k > 1 {
				a.settled = max(a.settled, m)
			}
		}
	}
	return a
}

// says tells what an amount, in hundredths, is by the account: 1 what was charged and paid,
// -1 something else, 0 when there is no telling.
func (a account) says(n int64) int {
	switch {
	case a.settled == 0:
		return 0
	case n == a.settled:
		return 1
	case len(a.days) > 0:
		return -1
	}
	return 0
}

// charged gives what was charged where it is printed as a payment alone, with its minus.
func (r *reader) charged(spec doc.FieldSpec) []scored {
	var out []scored
	for _, c := range r.all {
		if n, ok := minor(c.Value); ok && c.Type == doc.Money && n < 0 && -n == r.account.settled {
			c.Value = negate(c.Value)
			out = append(out, r.judge(spec, c, r.place(c)))
		}
	}
	return out
}
