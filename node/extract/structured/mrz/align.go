package mrz

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// maxGap is by how many characters a line may be too short or too long: OCR
// loses count in runs of fillers, hardly ever elsewhere.
const maxGap = 14

// aligned is one way of bringing a line to its width.
type aligned struct {
	text   string
	score  float64
	edited bool // a character was put in or taken out that is no filler of a run
}

// strayLetters are letters between fillers, which are mostly fillers misread.
var strayLetters = regexp.MustCompile(`<[KCXELS]{1,3}<`)

// align gives the most plausible ways, best first, of bringing text to the
// width of a line of l, as judged by that line's check digits.
func align(text string, l layout, line int) []aligned {
	if gap := len(text) - l.width; gap < -maxGap || gap > maxGap {
		return nil
	}
	var out []aligned
	seen := map[string]bool{}
	edited := false
	try := func(s string, penalty float64) {
		if len(s) == l.width && !seen[s] {
			seen[s] = true
			out = append(out, aligned{s, lineScore(s, l, line) - penalty, edited})
		}
	}
	bases := []string{text, withoutStrays(text)}
	for _, base := range bases {
		if line == l.names.line && l.prefix == "" && !l.hasDigits(line) {
			oneEdit(base, 6, func(s string) { try(fit(s, l.width), 0.8) })
			try(fit(base, l.width), 0.1)
			continue
		}
		resizeRuns(base, l.width-len(base), func(s string, run int) { try(s, runPenalty(run)) })
		for i := 1; i < len(base); i++ { // a character read twice
			if base[i] == base[i-1] && base[i] != '<' {
				try(base[:i]+base[i+1:], 0.5)
			}
		}
	}
	edited = true
	for _, base := range bases {
		if line == l.names.line && !l.hasDigits(line) {
			continue
		}
		most := 1.5
		if len(base) == l.width {
			most = 3.5 // it has its width already
		}
		oneEdit(base, len(base), func(s string) {
			resizeRuns(s, l.width-len(s), func(s string, run int) { try(s, most+runPenalty(run)) })
		})
	}
	slices.SortStableFunc(out, func(a, b aligned) int { return cmp.Compare(b.score, a.score) })
	return out[:min(len(out), 6)]
}

// runPenalty is for resizing a run of fillers: OCR loses count in long ones.
func runPenalty(run int) float64 {
	switch {
	case run > 25:
		return 0 // nothing was resized
	case run >= 4:
		return 0.2
	}
	return 0.6
}

func withoutStrays(s string) string {
	for {
		t := strayLetters.ReplaceAllStringFunc(s, func(m string) string { return strings.Repeat("<", len(m)) })
		if t == s {
			return s
		}
		s = t
	}
}

// resizeRuns makes by more (or fewer, when negative) fillers in one run of
// them or at the end, once for every run; run is how long that one was.
func resizeRuns(s string, by int, yield func(s string, run int)) {
	if by == 0 {
		yield(s, len(s))
		return
	}
	if by > 0 {
		yield(s+strings.Repeat("<", by), 0)
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '<' {
			continue
		}
		end := i
		for end < len(s) && s[end] == '<' {
			end++
		}
		if by > 0 {
			yield(s[:i]+strings.Repeat("<", by)+s[i:], end-i)
		} else if end-i >= -by {
			yield(s[:i]+s[i-by:], end-i)
		}
		i = end
	}
}

// oneEdit yields s with one filler put in or one character taken out, within
// its first n characters.
func oneEdit(s string, n int, yield func(string)) {
	for i := 1; i < n && i < len(s); i++ {
		yield(s[:i] + "<" + s[i:])
		yield(s[:i] + s[i+1:])
	}
}

// fit cuts or fills a line of names.
func fit(s string, width int) string {
	if len(s) >= width {
		return s[:width]
	}
	return s + strings.Repeat("<", width-len(s))
}

// lineScore says how well an aligned line fits: what check digits hold, and
// whether codes are known.
func lineScore(s string, l layout, line int) float64 {
	score := 0.0
	if line == 0 {
		if !strings.HasPrefix(s, l.prefix) {
			score -= 10
		}
		if code, ok := country(s[2:5]); ok {
			score++
			if code != strings.TrimRight(s[2:5], "<") {
				score -= 0.5
			}
		} else if strings.Contains(code, "<") {
			score-- // fillers stand behind a code
		}
	}
	for _, p := range l.parts {
		if p.line != line {
			continue
		}
		raw := s[p.from:p.to]
		switch {
		case p.digit > 0:
			if c := p.check(s); c.ok {
				score += 3 - 0.7*float64(c.repairs)
				if strings.Contains(strings.TrimRight(c.value, "<"), "<") {
					score -= 1.5 // a filler inside a number is rare, an alignment gone wrong is not
				}
			}
		case p.code:
			if code, ok := country(raw); ok && code == strings.TrimRight(raw, "<") {
				score++
			} else if ok {
				score += 0.5
			}
		case p.name == "sex" && strings.Contains("MFX<", raw):
			score++
		}
	}
	return score
}

// check reads one field with its check digit from its line.
func (p part) check(line string) checked {
	value, digit := line[p.from:p.to], line[p.digit]
	if p.date {
		return checkDate(value, digit)
	}
	if p.numeric {
		value = digits(value)
	}
	if p.name == "number" && digit == '<' && p.digit+1 < len(line) && line[p.digit+1] != '<' && p.line == 0 {
		// A number too long for its place goes on behind a filler, its check
		// digit last.
		rest, _, _ := strings.Cut(line[p.digit+1:], "<")
		if len(rest) >= 2 {
			return checkNumber(value+rest[:len(rest)-1], rest[len(rest)-1])
		}
	}
	return checkNumber(value, digit)
}
