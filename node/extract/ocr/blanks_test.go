package ocr

import "testing"

func TestPartedFollowsThePeak(t *testing.T) {
	t.Parallel()
	cols := make([]int, 100)
	for x := range cols {
		if x < 22 || x > 26 {
			cols[x] = 20
		}
	}
	l := layout{cols: cols, pitch: 18, gap: 0.05}
	a := char{r: 'a', p: 1, x: 12}
	if l.parted(a, char{r: 'b', p: 1, x: 30, space: 1e-6}) {
		t.Error("a blank was seen where the net is sure that there is none")
	}
	if !l.parted(a, char{r: 'b', p: 1, x: 40, space: 0.9}) {
		t.Error("no blank was seen where the net is sure of one")
	}
}
