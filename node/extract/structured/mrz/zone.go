package mrz

import (
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// zone is a machine readable zone that was found: its lines at full width,
// repaired, and what is known about them.
type zone struct {
	layout    layout
	page      int
	lines     []string // as they should read
	raw       []string // as they were read
	at        []textLine
	edited    []bool // by line: characters were put in or taken out
	checks    map[string]checked
	composite bool
	score     float64
}

// firstLooks are what OCR makes of the first character of a zone.
var firstLooks = map[byte]string{'P': "PFR", 'V': "VY", 'I': "I1LT", 'A': "A4", 'C': "CG"}

// readZone tries to read lines as a zone of layout l.
func readZone(lines []textLine, l layout, page int) (zone, bool) {
	first, ok := firstOf(l, lines[0].text)
	if !ok {
		return zone{}, false
	}
	options := make([][]aligned, l.lines)
	for i, t := range lines {
		text := t.text
		if i == 0 {
			text = string(first) + text[1:]
		}
		if i == l.names.line && !l.hasDigits(i) {
			text = cleanNames(text)
		}
		if options[i] = align(text, l, i); len(options[i]) == 0 {
			return zone{}, false
		}
	}
	best := zone{score: -1}
	pick, edited := make([]string, l.lines), make([]bool, l.lines)
	var combine func(i int, score float64)
	combine = func(i int, score float64) {
		if i == l.lines {
			z := newZone(l, pick)
			if z.score += score; z.score > best.score {
				best = z
				best.edited = slices.Clone(edited)
			}
			return
		}
		for _, o := range options[i] {
			pick[i], edited[i] = o.text, o.edited
			combine(i+1, score+o.score)
		}
	}
	combine(0, 0)
	best.page, best.at = page, lines
	return best, best.plausible()
}

func firstOf(l layout, text string) (byte, bool) {
	for _, want := range []byte(l.first) {
		if strings.IndexByte(firstLooks[want], text[0]) == 0 {
			return want, true
		}
	}
	for _, want := range []byte(l.first) {
		if strings.IndexByte(firstLooks[want], text[0]) > 0 {
			return want, true
		}
	}
	return 0, false
}

// newZone checks the aligned lines and repairs them by their check digits.
func newZone(l layout, lines []string) zone {
	z := zone{layout: l, raw: append([]string(nil), lines...), lines: append([]string(nil), lines...), checks: map[string]checked{}}
	for _, p := range l.parts {
		if p.digit == 0 {
			continue
		}
		c := p.check(lines[p.line])
		z.checks[p.name] = c
		if c.ok && len(c.value) == p.to-p.from {
			z.put(p.line, p.from, c.value+string(c.digit))
		}
	}
	if l.prefix == "IDFRA" { // its names are under the composite digit
		z.put(0, 5, letters(z.lines[0][5:30]))
		z.put(1, 13, letters(z.lines[1][13:27]))
	}
	if len(l.composite) > 0 {
		z.checkComposite()
	}
	return z
}

// put overwrites part of a line.
func (z *zone) put(line, from int, s string) {
	z.lines[line] = z.lines[line][:from] + s + z.lines[line][from+len(s):]
}

// checkComposite checks the digit over the whole zone. If it fails although
// all others hold, the fault is in the data no other digit covers: one
// lookalike there is exchanged if that settles it.
func (z *zone) checkComposite() {
	l := z.layout
	digit := digits(z.cut(l.last))[0]
	if z.composite = holds(z.covered(), digit) && digit != '<'; !z.composite && z.allHold() {
		for _, p := range l.parts {
			if p.digit == 0 && strings.HasPrefix(p.name, "optional_data") {
				z.composite = z.composite || z.repairWithin(p, digit)
			}
		}
	}
	if z.composite {
		z.put(l.last.line, l.last.from, string(digit))
		z.score += 3
	}
}

func (z *zone) repairWithin(p part, digit byte) bool {
	before := z.lines[p.line]
	for _, t := range exchange(before[p.from:p.to]) {
		if z.put(p.line, p.from, t.text); holds(z.covered(), digit) {
			return true
		}
		z.lines[p.line] = before
	}
	return false
}

func (z *zone) cut(s span) string { return z.lines[s.line][s.from:s.to] }

func (z *zone) covered() string {
	var s strings.Builder
	for _, c := range z.layout.composite {
		s.WriteString(z.cut(c))
	}
	return s.String()
}

func (z *zone) allHold() bool {
	for _, c := range z.checks {
		if !c.ok {
			return false
		}
	}
	return true
}

// plausible says whether enough holds to take this for a zone at all. A number
// that needed repairs proves nothing, dates with their digits do.
func (z *zone) plausible() bool {
	proofs := 0
	for name, c := range z.checks {
		switch {
		case !c.ok:
		case strings.HasSuffix(name, "_date") && strings.Trim(c.value, "<") != "":
			proofs += 2
		case c.repairs == 0 && strings.Trim(c.value, "<") != "":
			proofs++
		}
	}
	if z.composite {
		proofs += 2
	}
	return proofs >= 3
}

// box is where columns from..to of a line stand: all characters are as wide.
func (z *zone) box(s span) doc.Box {
	b := z.at[s.line].box
	w := float64(b.W()) / float64(z.layout.width)
	return doc.Box{b[0] + int(w*float64(s.from)), b[1], b[0] + int(w*float64(s.to)+0.999), b[3]}
}
