package fields

import (
	"regexp"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// variants judges a value and, for names and short texts, the other forms in
// which it may be meant: with the lines that it runs on to, and without a code in
// brackets behind it.
func (r *reader) variants(m labelMatch, spec doc.FieldSpec, c Candidate, f Features) []scored {
	out := []scored{r.judge(spec, c, f)}
	if spec.Type != doc.Name && spec.Type != doc.Text {
		return out
	}
	if long, sure := r.runsOn(m, spec, c); long.Value != "" {
		s := r.judge(spec, long, f)
		if s.score += wrapDoubt; sure {
			s.score += wrapSure
		}
		s.score = clamp(s.score)
		out = append(out, s)
	}
	if loc := codeBehind.FindStringIndex(c.Value); loc != nil && loc[0] > 3 {
		bare := c
		bare.Value = strings.TrimSpace(c.Value[:loc[0]])
		s := r.judge(spec, bare, f)
		s.score = clamp(s.score + wrapDoubt)
		out = append(out, s)
	}
	return out
}

const (
	wrapDoubt = -0.03 // a variant against the value as it stands on its line
	wrapSure  = 0.06  // a line that cannot be the end of a value
	maxWrap   = 2     // lines that a value may run on to
)

var (
	codeBehind = regexp.MustCompile(`\s*[\[(][^\])]*\d[^\])]*[\])]?$`)
	unfinished = regexp.MustCompile(`(?i)([,&/+\-–]|\b(for|of|and|the|in|to|at|by|on|für|und|der|die|das|von|de|du|des|la|le|et|pour|di|e|y|del|van|voor|en))$`)
)

// runsOn joins the lines right under a value that begin where it begins and
// belong to no other label; sure says that the value's own line is unfinished.
func (r *reader) runsOn(m labelMatch, spec doc.FieldSpec, c Candidate) (long Candidate, sure bool) {
	last, left := c.Box, c.Box[0]
	h := max(last.H(), 1)
	raw := c.Raw
	sure = unfinished.MatchString(strings.TrimSpace(raw)) || strings.Count(raw, "(") > strings.Count(raw, ")") && !codeBehind.MatchString(raw)
	lines := 0
	for _, b := range r.layout.below(r.layout.rows[c.Row], maxWrap+2) {
		at, ok := r.cellAt(b, left, h/2)
		if b.box[1]-last[3] > h || lines == maxWrap {
			break
		}
		if !ok {
			continue
		}
		box := b.boxOf(at)
		if gap := box[1] - last[3]; gap > h*9/10 || gap < -h/2 || box.H() > last.H()*3/2 {
			break
		}
		text := b.textOf(at)
		if r.beforeLabel(b, at.from, at.to) != at.to || strings.Contains(text, ":") || r.labelAt(m, b, at) {
			break
		}
		if _, l := counts(text); l < 2 {
			break
		}
		raw, last, lines = raw+" "+text, box, lines+1
		c.Box, c.Conf = c.Box.Union(box), min(c.Conf, b.confOf(at))
		if !unfinished.MatchString(text) {
			break
		}
	}
	if lines == 0 {
		return Candidate{}, false
	}
	c.Raw = raw
	c.Value, _ = Canonical(spec.Type, raw, r.hints)
	return c, sure
}

// cellAt gives the cell of a row that begins at x, give or take slack pixels.
func (r *reader) cellAt(rw *row, x, slack int) (span, bool) {
	for _, c := range rw.cells {
		if b := rw.boxOf(c); abs(int64(b[0]-x)) <= int64(slack) {
			return c, true
		}
	}
	return span{}, false
}

// labelAt says whether something stands before a span that may be its own label:
// one of the type, or what begins where the label m does.
func (r *reader) labelAt(m labelMatch, rw *row, at span) bool {
	for _, o := range r.onLabels(rw) {
		if o.at.to <= at.from {
			return true
		}
	}
	c, ok := r.cellAt(rw, m.row.boxOf(m.at)[0], m.row.box.H())
	return ok && c.to <= at.from
}
