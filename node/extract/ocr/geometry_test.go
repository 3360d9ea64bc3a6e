package ocr

import (
	"math"
	"testing"
)

// painted is a map of probabilities with bars drawn into it.
func painted(w, h int, bars ...quad) []float32 {
	prob := make([]float32, w*h)
	for i := range prob {
		prob[i] = 0.05
		for _, q := range bars {
			s, c := math.Sincos(q.angle)
			dx, dy := float64(i%w)-q.cx, float64(i/w)-q.cy
			if math.Abs(dx*c+dy*s) <= q.w/2 && math.Abs(dy*c-dx*s) <= q.h/2 {
				prob[i] = 0.9
			}
		}
	}
	return prob
}

func TestQuadsFindsBars(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		bar  quad
	}{
		{"level", quad{cx: 100, cy: 40, w: 120, h: 8}},
		{"skewed", quad{cx: 100, cy: 60, w: 120, h: 8, angle: 0.2}},
		{"skewed the other way", quad{cx: 100, cy: 60, w: 120, h: 8, angle: -0.3}},
		{"upright", quad{cx: 30, cy: 60, w: 8, h: 90}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := quads(painted(200, 120, tt.bar), 200, 120, 2, 2)
			if len(got) != 1 {
				t.Fatalf("got %d lines, want 1", len(got))
			}
			q := got[0]
			if math.Hypot(q.cx-2*tt.bar.cx-1, q.cy-2*tt.bar.cy-1) > 2.5 {
				t.Errorf("centre %.1f,%.1f, want %.1f,%.1f", q.cx, q.cy, 2*tt.bar.cx, 2*tt.bar.cy)
			}
			if math.Abs(q.angle-tt.bar.angle) > 0.03 {
				t.Errorf("angle %.3f, want %.3f", q.angle, tt.bar.angle)
			}
			wide := unclip * tt.bar.w * tt.bar.h / (tt.bar.w + tt.bar.h)
			if want := 2 * (tt.bar.w + wide); math.Abs(q.w-want) > 8 {
				t.Errorf("width %.1f, want %.1f", q.w, want)
			}
			if q.tall() != (tt.name == "upright") {
				t.Errorf("tall = %v", q.tall())
			}
		})
	}
}

func TestQuadsIgnoresDustAndDoubt(t *testing.T) {
	t.Parallel()
	prob := painted(200, 120, quad{cx: 20, cy: 20, w: 2, h: 2})
	for i := 90 * 200; i < 96*200; i++ {
		prob[i] = 0.4 // above inkAt, below keepAt
	}
	if got := quads(prob, 200, 120, 1, 1); len(got) != 0 {
		t.Errorf("got %d lines, want none: %+v", len(got), got)
	}
}

func TestAlongMapsCorners(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		q       quad
		flipped bool
		want    point // of the upper left corner as read
	}{
		{"level", quad{cx: 50, cy: 20, w: 80, h: 10}, false, point{10, 15}},
		{"upside down", quad{cx: 50, cy: 20, w: 80, h: 10}, true, point{90, 25}},
		{"running up", quad{cx: 20, cy: 50, w: 10, h: 80}, false, point{15, 90}},
		{"running down", quad{cx: 20, cy: 50, w: 10, h: 80}, true, point{25, 10}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tt.q.along(tt.flipped).at(0, 0)
			if math.Hypot(got.x-tt.want.x, got.y-tt.want.y) > 1e-9 {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTurned180ReadsTheSame(t *testing.T) {
	t.Parallel()
	q := quad{cx: 70, cy: 30, w: 60, h: 12, angle: 0.1}
	// The upper left corner of a line read upside down is, once the page is
	// turned, where the page's own corner arithmetic puts it.
	before := q.along(true).at(0, 0)
	after := q.turned180(200, 100).along(false).at(0, 0)
	if math.Hypot(200-before.x-after.x, 100-before.y-after.y) > 1e-9 {
		t.Errorf("before %v, after %v", before, after)
	}
}

func TestRowsJoinsColumnsOnOneBaseline(t *testing.T) {
	t.Parallel()
	skew := 0.03
	at := func(text string, u, v float64) line {
		s, c := math.Sincos(skew)
		return line{quad: quad{cx: u*c - v*s, cy: u*s + v*c, w: 150, h: 30, angle: skew}, words: []word{{text: text}}}
	}
	got := rows([]line{
		at("19.90", 900, 300), at("Item", 100, 200), at("Total", 100, 300),
		at("Price", 900, 200), at("Thanks", 500, 400),
	})
	want := [][]string{{"Item", "Price"}, {"Total", "19.90"}, {"Thanks"}}
	if len(got) != len(want) {
		t.Fatalf("got %d rows, want %d", len(got), len(want))
	}
	for i, r := range got {
		for j, l := range r {
			if l.words[0].text != want[i][j] {
				t.Errorf("row %d piece %d: %q, want %q", i, j, l.words[0].text, want[i][j])
			}
		}
	}
}
