package fields

import (
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// lineFit says how well the lines of a name or address are those that a vendor's confirmed
// ones were made of, whatever they say: the branch below the address of a chain is another one
// each time and part of it.
type lineFit struct {
	known bool    // of this candidate and of a confirmed value
	ends  float64 // how usual the lines are that it stands between, 0..1 of the most usual ones
	whole float64 // the same, with how many lines it has
}

// fitOf gives the fit of a candidate to what was noted of its field.
func (r *reader) fitOf(c *scored, notes map[string]int) lineFit {
	marks := r.runMarks(c)
	if notes[runKnown] == 0 || marks == nil {
		return lineFit{}
	}
	share := func(mark string) float64 {
		return float64(timesNoted(notes, mark)) / float64(mostNoted(notes, mark))
	}
	ends := min(share(marks[1]), share(marks[2]))
	return lineFit{true, ends, ends * (1 + share(marks[3])) / 2}
}

// runKnown is counted for each document of which the lines of a field are known.
const runKnown = "documents"

// runMarks says of which lines of the head a name or address is made: the beginning of
// the line before and of the one behind it, without digits, and how many lines. Nil for
// anything else.
func (r *reader) runMarks(c *scored) []string {
	if c.Type != doc.Name && c.Type != doc.Address || c.Page > 0 {
		return nil
	}
	ls := r.headLines()
	from, to, ok := linesOf(ls, c)
	if !ok {
		return nil
	}
	return []string{runKnown, "before " + beginning(ls, from, -1), "after " + beginning(ls, to, 1), "lines " + string(rune('0'+min(to-from+1, 9)))}
}

// leastLine is of how many letters and digits a line is that is more than a speck.
const leastLine = 3

// beginning gives the first letters of the line next to line i of the head, going by step.
func beginning(ls []line, i, step int) string {
	for i += step; i >= 0 && i < len(ls); i += step {
		text := strings.ToLower(foldText(ls[i].text))
		if d, l := counts(text); d+l < leastLine {
			continue
		}
		letters := strings.Map(func(c rune) rune {
			if c >= 'a' && c <= 'z' {
				return c
			}
			return -1
		}, text)
		return letters[:min(len(letters), 8)]
	}
	return "edge"
}

// timesNoted says how often a mark was noted, its words as OCR may have read them.
func timesNoted(notes map[string]int, mark string) int {
	what, words, _ := strings.Cut(mark, " ")
	n := 0
	for k, times := range notes {
		if w, of, _ := strings.Cut(k, " "); w == what && (of == words || distance(of, words, len(words)/misreadIn) <= len(words)/misreadIn) {
			n += times
		}
	}
	return n
}

// mostNoted says how often the most usual mark of the kind of this one was noted, 1 at least.
func mostNoted(notes map[string]int, mark string) int {
	what, _, _ := strings.Cut(mark, " ")
	n := 1
	for k := range notes {
		if strings.HasPrefix(k, what+" ") {
			n = max(n, timesNoted(notes, k))
		}
	}
	return n
}

// misreadIn is of how many letters of a line's beginning one may be misread.
const misreadIn = 4
