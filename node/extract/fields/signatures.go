package fields

import (
	"regexp"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Who signs a document is named at its end: a company over "By:", whose name under it is that of
// who signed for it, and a person beside "Name:" or a conformed "/s/" where no company stands over it.

var (
	signsFor    = regexp.MustCompile(`^By\s*:?(\s|_|$)`)
	signedBy    = regexp.MustCompile(`^(?:/s/|(?i:(?:printed |print )?name\s*:))\s*`)
	officer     = regexp.MustCompile(`(?i)^(title|its|position)\s*:|\b(president|officer|chairman|director|secretary|treasurer|counsel|manager)\b`)
	overSigning = regexp.MustCompile(`(?i)^(by|name|title|its|date|signature|signed|accepted|agreed|witness|attest|in witness|/s/|_)|:$`)
)

// signingRows is how many rows over "By:" the company's name may stand, and how many under a name its
// office.
const signingRows = 4

// signingScore is the score of who only signs.
const signingScore = 0.52

// signers gives the names of who signs, for a repeated name of which no list tells more.
func (r *reader) signers(spec doc.FieldSpec) []scored {
	var out []scored
	for _, rw := range r.layout.rows {
		for _, at := range rw.cells {
			text := rw.textOf(at)
			switch {
			case signsFor.MatchString(text):
				if over, c, ok := r.cellOver(rw, rw.boxOf(at)); ok {
					out = append(out, r.signer(spec, over, c, 0)...)
				}
			case signedBy.MatchString(text) && !r.forOther(rw, rw.boxOf(at)):
				out = append(out, r.signer(spec, rw, at, len(signedBy.FindString(text)))...)
			}
		}
	}
	return out
}

// signer gives the name that a cell says from a byte on.
func (r *reader) signer(spec doc.FieldSpec, rw *row, at span, skip int) []scored {
	text := rw.textOf(at)[skip:]
	end, ok := nameEnd(text, 0)
	name := strings.TrimRight(text[:end], ",;:"+blanks)
	if !ok || !strings.Contains(name, " ") || noName.MatchString(name) || strings.TrimSpace(text[end:]) != "" {
		return nil
	}
	for at.from < at.to-1 && !strings.HasPrefix(rw.textOf(at), text) {
		at.from++
	}
	return []scored{r.lineValue(spec.Type, rw, at, name, signingScore)}
}

// cellOver gives the nearest cell above a box, in its column, that is no part of the signing.
func (r *reader) cellOver(rw *row, b doc.Box) (*row, span, bool) {
	for i, n := rw.index-1, 0; i >= 0 && n < signingRows && r.layout.rows[i].page == rw.page; i, n = i-1, n+1 {
		over := r.layout.rows[i]
		for _, c := range over.cells {
			if o := over.boxOf(c); o[0] < b[2] && o[2] > b[0] && !overSigning.MatchString(over.textOf(c)) {
				return over, c, true
			}
		}
	}
	return nil, span{}, false
}

// forOther says whether who signs at a box signs for somebody else: "By:" stands over it, or an
// office under it.
func (r *reader) forOther(rw *row, b doc.Box) bool {
	for i := max(rw.index-signingRows, 0); i <= min(rw.index+signingRows, len(r.layout.rows)-1); i++ {
		near := r.layout.rows[i]
		if near.page != rw.page {
			continue
		}
		for _, c := range near.cells {
			if o := near.boxOf(c); o[0] >= b[2] || o[2] <= b[0] {
				continue
			}
			text := near.textOf(c)
			if i < rw.index && signsFor.MatchString(text) || i == rw.index && strings.HasPrefix(text, "By") || i > rw.index && officer.MatchString(text) {
				return true
			}
		}
	}
	return false
}
