package node

import (
	"fmt"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/eval"
)

// TestCompanions: each document of a vendor is confirmed for as many others as any other, none
// for itself, and vendors with too few, or that nobody named, have none.
func TestCompanions(t *testing.T) {
	t.Parallel()
	var cases []eval.Case
	for _, id := range strings.Fields("a1 b1 a2 ?1 c1 a3 b2 ?2") {
		cases = append(cases, eval.Case{ID: id, Vendor: strings.Trim(id[:1], "?")})
	}
	for n, want := range map[int]string{
		0: "map[]",
		1: "map[a1:[a2] a2:[a3] a3:[a1] b1:[b2] b2:[b1]]",
		2: "map[a1:[a2 a3] a2:[a3 a1] a3:[a1 a2]]",
	} {
		got := map[string][]string{}
		for id, cs := range companionsOf(cases, n, eval.Vendor) {
			for _, c := range cs {
				got[id] = append(got[id], c.ID)
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%d confirmed: %v, want %s", n, got, want)
		}
	}
}
