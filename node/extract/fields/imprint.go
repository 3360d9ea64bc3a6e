package fields

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
)

// An imprint is what the law asks for on the papers of a company: its name with the legal
// form and where it is registered, mostly in small print at the foot. It names the seller
// where the head shows a brand or a branch.

var (
	register  = regexp.MustCompile(`(?i)\b(HR ?[AB] ?\d|Amtsgericht|Handelsregister|Registergericht|Firmenbuch|Geschäftsführ|Rechtsform|RCS\b|R\.C\.S|SIRE[TN]\b|au capital|KvK|Registro Mercantil|Reg(istro|\.)? (delle )?Imprese|registered (office|in (England|Scotland|Ireland))|company (registration )?number|Sitz der)`)
	operator  = regexp.MustCompile(`(?i)\b(betreiber(in)?|betrieben von|operated by|owned by|exploité par|exploitant)\b\s*:?\s*`)
	bankName  = regexp.MustCompile(`(?i)bank\b|sparkasse|banque|banca\b|banco\b|caixa|crédit|bankverbindung`)
	nameJoins = map[string]bool{"&": true, "+": true, "-": true, "–": true, "und": true, "and": true, "et": true, "e": true, "y": true, "de": true, "of": true, "für": true, "van": true}
)

const (
	imprintRows  = 2    // rows from a name to the word of a register
	imprintFrom  = 60   // where imprints begin, in hundredths of the page's height
	imprintScore = 0.85 // above what a head's line of a company gets
	imprintAside = 0.68 // above what an address gets that nothing says to be the seller's
	senderScore  = 0.82
	operatorMore = 0.05 // where the page says who runs the place
)

// senders gives the names that begin a sender's address on one line, as over the window of
// an envelope.
func (r *reader) senders(spec doc.FieldSpec) []scored {
	var out []scored
	for _, p := range r.findParties().list {
		if p.oneLine && !p.footer && p.page == 0 && hasLetters(p.name.text, 3) && hasDigit(p.street.text) {
			out = append(out, r.lineValue(spec.Type, p.name.row, p.name.at, p.name.text, senderScore))
		}
	}
	return out
}

// imprints gives the names of companies that stand beside words of a register in the lower
// part of a page, or behind a word for who runs a place; the former have this score.
func (r *reader) imprints(spec doc.FieldSpec, score float64) []scored {
	var out []scored
	for i, rw := range r.layout.rows {
		if rw.page > 0 && rw.page < len(r.layout.pages)-1 {
			continue
		}
		_, height := r.extent(r.layout.pages[rw.page])
		low := rw.box[1] > imprintFrom*height/100
		for _, c := range rw.cells {
			s, text := score, rw.textOf(c)
			if m := operator.FindStringIndex(text); m != nil {
				s += operatorMore
				c = rw.spanAt(rw.starts[c.from]+m[1], rw.starts[c.from]+len(text))
			} else if !low || !r.registerNear(i) {
				continue
			}
			if name, at := companyIn(rw, c); name != "" && !bankName.MatchString(name) {
				out = append(out, r.lineValue(spec.Type, rw, at, name, s))
			}
		}
	}
	return out
}

// registerNear says whether a word of a register stands on row i or within a few rows of it.
func (r *reader) registerNear(i int) bool {
	for k := max(0, i-imprintRows); k <= min(len(r.layout.rows)-1, i+imprintRows); k++ {
		if r.layout.rows[k].page == r.layout.rows[i].page && register.MatchString(r.layout.rows[k].text) {
			return true
		}
	}
	return false
}

// companyIn takes out of a cell the name that ends in a legal form: the words in capitals
// before it, and what hangs on it.
func companyIn(rw *row, c span) (string, span) {
	legal := func(i int) bool { // and not "sa" or "se" in a sentence
		t := rw.tokens[i].text
		return legalForm.MatchString(t) && (strings.ContainsFunc(t, unicode.IsUpper) || strings.Contains(t, "."))
	}
	end := -1
	for i := c.from; i < c.to && end < 0; i++ {
		if legal(i) && i > c.from {
			end = i
		}
	}
	if end < 0 {
		return "", span{}
	}
	at := span{end, end + 1}
	for at.from > c.from && end-at.from < 7 {
		t := rw.tokens[at.from-1].text
		first := []rune(strings.TrimLeft(t, `("'„“`))
		if strings.HasSuffix(t, ":") || strings.HasSuffix(t, ";") || strings.HasSuffix(t, "|") || len(first) == 0 {
			break
		}
		if !unicode.IsUpper(first[0]) && !unicode.IsDigit(first[0]) && !nameJoins[t] {
			break
		}
		at.from--
	}
	for at.from < end && nameJoins[rw.tokens[at.from].text] {
		at.from++
	}
	for at.to < c.to && at.to-end < 4 && (legal(at.to) || at.to+1 < c.to && nameJoins[rw.tokens[at.to].text] && legal(at.to+1)) {
		at.to++ // "& Co. KG"
	}
	if at.from == end {
		return "", span{}
	}
	name := strings.TrimRight(rw.textOf(at), ",;:·•-– ")
	if _, l := counts(legalForm.ReplaceAllString(name, "")); l < 3 {
		return "", span{}
	}
	return name, at
}
