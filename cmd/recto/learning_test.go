package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
)

func TestCorrects(t *testing.T) {
	var in doc.Correction
	if bad := corrects(&in, []string{"total=1=2", "net=", "party+=A Ltd", "party+=B = C"}); bad != "" {
		t.Fatalf("%q is refused", bad)
	}
	value := "1=2"
	want := doc.Correction{Fields: map[string]*string{"total": &value, "net": nil}, Values: map[string][]string{"party": {"A Ltd", "B = C"}}}
	if d := cmp.Diff(want, in); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, a := range []string{"total", "=1", "party+=", "+=x"} {
		if bad := corrects(&in, []string{"net=1", a}); bad != a {
			t.Errorf("%q: %q is refused", a, bad)
		}
	}
}
