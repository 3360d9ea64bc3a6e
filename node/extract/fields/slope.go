package fields

import (
	"cmp"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// Bounds of what counts as the slope of a page.
const (
	slopeOver  = 6 // word heights from the first to the last word of a line that tells
	slopeLines = 7 // lines of a page that make it worth asking
	slopeNear  = 3 // lines above and below a place that are asked
)

// slope is by how many pixels the line at y falls in one pixel to the right.
type slope struct{ y, fall float64 }

// slopes is what the lines of a page say, top to bottom: on a crooked or curved page a label
// and its amount are off by half a line soon.
type slopes []slope

// slopesOf takes the slopes of the lines of the source that are long enough to tell.
func slopesOf(words []doc.Word, h int) slopes {
	first, last := map[int]doc.Word{}, map[int]doc.Word{}
	for _, w := range words {
		if f, ok := first[w.Line]; !ok || w.Box[0] < f.Box[0] {
			first[w.Line] = w
		}
		if l, ok := last[w.Line]; !ok || w.Box[0] > l.Box[0] {
			last[w.Line] = w
		}
	}
	var out slopes
	for n, f := range first {
		ax, ay := middle(f.Box)
		bx, by := middle(last[n].Box)
		if bx-ax >= float64(slopeOver*h) {
			out = append(out, slope{ay, (by - ay) / (bx - ax)})
		}
	}
	slices.SortFunc(out, func(a, b slope) int { return cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.fall, b.fall)) })
	return out
}

// at gives the middle slope of the lines nearest to y, above and below; 0 where a page has too
// few. At the ends of a page, where a curved one falls most, only those on one side tell.
func (s slopes) at(y float64) float64 {
	if len(s) < slopeLines {
		return 0
	}
	i, _ := slices.BinarySearchFunc(s, y, func(l slope, y float64) int { return cmp.Compare(l.y, y) })
	var near []float64
	for _, l := range s[max(0, i-slopeNear):min(len(s), i+slopeNear+1)] {
		near = append(near, l.fall)
	}
	slices.Sort(near)
	return near[len(near)/2]
}

func middle(b doc.Box) (x, y float64) { return float64(b[0]+b[2]) / 2, float64(b[1]+b[3]) / 2 }

// lowered is a box as it would stand dx pixels farther to the right on a page of that slope.
func lowered(b doc.Box, fall float64, dx int) doc.Box {
	dy := int(fall * float64(dx))
	return doc.Box{b[0], b[1] + dy, b[2], b[3] + dy}
}
