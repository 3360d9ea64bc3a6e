package ocr

import (
	"math"
	"testing"
)

// posteriors makes rows of classes: blank, a, b, space.
func posteriors(rows ...[4]float32) []float32 {
	var out []float32
	for _, r := range rows {
		out = append(out, r[:]...)
	}
	return out
}

var (
	blank = [4]float32{1, 0, 0, 0}
	a     = [4]float32{.1, .9, 0, 0}
	b     = [4]float32{.2, 0, .8, 0}
)

func TestDecode(t *testing.T) {
	t.Parallel()
	charset := []rune("ab ")
	tests := []struct {
		name string
		post []float32
		want string
	}{
		{"nothing", posteriors(blank, blank), ""},
		{"repeats collapse", posteriors(a, a, a), "a"},
		{"a blank parts equal characters", posteriors(a, blank, a), "aa"},
		{"neighbours need no blank", posteriors(a, b, a), "aba"},
		{"a winning space is no character", posteriors(a, [4]float32{.1, 0, 0, .9}, b), "ab"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got string
			for _, c := range decode(tt.post, 4, charset, 8) {
				got += string(c.r)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDecodeKeepsPeakAndPlace(t *testing.T) {
	t.Parallel()
	chars := decode(posteriors(blank, [4]float32{.4, .6, 0, 0}, a, blank), 4, []rune("ab "), 8)
	if len(chars) != 1 || math.Abs(chars[0].p-.9) > 1e-6 || chars[0].x != 2.5*8 {
		t.Errorf("got %+v, want one character with p .9 at 20", chars)
	}
}

func TestDecodeRemembersTheSpaceBetweenCharacters(t *testing.T) {
	t.Parallel()
	hint := [4]float32{.7, 0, 0, .3}
	chars := decode(posteriors(hint, a, blank, hint, b, a), 4, []rune("ab "), 8)
	want := []float64{.3, .3, 0}
	if len(chars) != len(want) {
		t.Fatalf("got %d characters, want %d", len(chars), len(want))
	}
	for i, w := range want {
		if math.Abs(chars[i].space-w) > 1e-6 {
			t.Errorf("character %d: space %.2f, want %.2f", i, chars[i].space, w)
		}
	}
}
