package ocr_test

import (
	"context"
	"os"
	"strings"
	"testing"
)

// TestMarkedLetters reads words of twelve languages with their marks, in two
// faces of 28 and 34 pixels. Marks above capitals reach into the margin of a
// line: a reader that saves time on margins loses them first, and no receipt
// or English form shows it.
func TestMarkedLetters(t *testing.T) {
	t.Parallel()
	printed, err := os.ReadFile("testdata/marks.txt")
	if err != nil {
		t.Fatal(err)
	}
	words, _, err := engine(t).Read(context.Background(), picture(t, "testdata/marks.png"))
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]int{}
	for _, w := range words {
		read[w.Text]++
	}
	const atLeast = 127 // 129 as it is, 127 to 131 with the page moved by one to five pixels; 123 to 125 without the outer rows
	var lost []string
	all := 0
	for _, w := range strings.Fields(string(printed)) {
		for range 2 { // each stands there in both faces
			all++
			if read[w]--; read[w] < 0 {
				lost = append(lost, w)
			}
		}
	}
	if right := all - len(lost); right < atLeast {
		t.Errorf("%d of %d words are right, want at least %d; lost: %q", right, all, atLeast, lost)
	}
}
