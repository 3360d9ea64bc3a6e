package eval_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
)

// marked makes a report of one field from its marks by document; the vendor is
// what stands before the dash of an id.
func marked(marks map[string]string) eval.Report {
	r := eval.Report{Version: eval.ReportVersion, Marks: eval.Marks{Fields: []string{"total"}, Documents: map[string]eval.Mark{}}}
	for id, m := range marks {
		vendor, _, _ := strings.Cut(id, "-")
		r.Marks.Documents[id] = eval.Mark{Vendor: vendor, Marks: m}
	}
	return r
}

// many makes marks: vendors v0 to v9 with n documents each, mark(vendor) for all.
func many(n int, mark func(vendor int) string) map[string]string {
	out := map[string]string{}
	for v := range 10 {
		for i := range n {
			out[fmt.Sprintf("v%d-%d", v, i)] = mark(v)
		}
	}
	return out
}

func TestCompareByHand(t *testing.T) {
	before := marked(map[string]string{"a-1": "r", "a-2": "w", "b-1": "m", "b-2": "x", "c-1": "R", "only-1": "r"})
	after := marked(map[string]string{"a-1": "W", "a-2": "R", "b-1": "r", "b-2": "-", "c-1": "r", "new-1": "w", "new-2": "w"})
	c, err := eval.Compare(before, after)
	if err != nil {
		t.Fatal(err)
	}
	if c.Common != 5 || c.OnlyBefore != 1 || c.OnlyAfter != 2 {
		t.Errorf("documents: %d in both, %d, %d", c.Common, c.OnlyBefore, c.OnlyAfter)
	}
	f := c.Fields[0]
	// before: 4 labelled, 4 predicted, 2 right; after: 4, 4, 3
	if f.Before != 0.5 || f.After != 0.75 || f.Difference != 0.25 || f.Fixed != 2 || f.Broken != 1 || f.P != 1 {
		t.Errorf("change = %+v", f)
	}
	if f.Low > f.Difference || f.High < f.Difference || f.Sure() {
		t.Errorf("interval %v to %v for %v over three vendors", f.Low, f.High, f.Difference)
	}
	if d := cmp.Diff([]eval.Turn{{ID: "a-2", Field: "total"}, {ID: "b-1", Field: "total"}}, c.Fixed); d != "" {
		t.Errorf("fixed (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]eval.Turn{{ID: "a-1", Field: "total"}}, c.Broken); d != "" {
		t.Errorf("broken (-want +got):\n%s", d)
	}
	var b strings.Builder
	after.Comparison = &c
	if err := after.WriteText(&b, 0); err != nil || !strings.Contains(b.String(), "fixed: a-2 total") || !strings.Contains(b.String(), "broken: a-1 total") {
		t.Errorf("text: %v\n%s", err, b.String())
	}
}

// TestCompareDrawsVendors: the same gain is sure when it is spread over vendors,
// and not when it is one vendor's.
func TestCompareDrawsVendors(t *testing.T) {
	before := marked(many(10, func(int) string { return "w" }))
	one := many(10, func(v int) string {
		if v == 3 {
			return "r"
		}
		return "w"
	})
	spread := many(10, func(int) string { return "w" })
	for v := range 10 {
		spread[fmt.Sprintf("v%d-0", v)] = "r"
	}
	for name, c := range map[string]struct {
		after map[string]string
		sure  bool
	}{"one vendor": {one, false}, "all vendors": {spread, true}} {
		got, err := eval.Compare(before, marked(c.after))
		if err != nil {
			t.Fatal(err)
		}
		f := got.Fields[0]
		if math.Abs(f.Difference-0.1) > 1e-9 || f.Fixed != 10 || f.Sure() != c.sure {
			t.Errorf("%s: %+v, sure %v, want %v", name, f, f.Sure(), c.sure)
		}
		if f.P > 0.01 {
			t.Errorf("%s: ten fixed and none broken by chance with %v", name, f.P)
		}
	}
	worse, err := eval.Compare(marked(spread), before)
	if err != nil || !worse.Micro.Sure() || worse.Micro.High >= 0 {
		t.Errorf("the other way round: %+v, %v", worse.Micro, err)
	}
}

// TestReportComesBack: a report written as JSON compares with the run it came from
// without a difference.
func TestReportComesBack(t *testing.T) {
	cases := vendors(2, 2, 2)
	var out []eval.Outcome
	for i, c := range cases {
		value := "1.00"
		if i%3 == 0 {
			value = "2.00"
		}
		out = append(out, eval.Outcome{ID: c.ID, Answer: answer(field("total", value, doc.Money, 0.9, i%2 == 0))})
	}
	r := eval.Score(cases, out, eval.Options{Types: []doc.Type{slip}, Form: form})
	if d := cmp.Diff(eval.Mark{Vendor: "VENDOR0LTD", Marks: "W"}, r.Marks.Documents["v0-0"]); d != "" {
		t.Errorf("mark (-want +got):\n%s", d)
	}
	if r.Accepted != 3 || r.SilentErrors != 1 || r.AcceptedPrecision != 2.0/3 || r.AcceptedLower != eval.Lower(2, 3) || r.AcceptedShare != 0.5 {
		t.Errorf("accepted: %+v", r.Part)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	back, err := eval.LoadReport(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, back); d != "" {
		t.Errorf("report changed on its way (-written +read):\n%s", d)
	}
	c, err := eval.Compare(back, r)
	if err != nil || c.Common != 6 || c.Micro.Difference != 0 || c.Micro.Sure() || len(c.Fixed)+len(c.Broken) != 0 || c.Micro.P != 1 {
		t.Errorf("compared with itself: %+v, %v", c, err)
	}
}

func TestCompareRefuses(t *testing.T) {
	one := marked(map[string]string{"a-1": "r"})
	other := marked(map[string]string{"b-1": "r"})
	renamed := marked(map[string]string{"a-1": "r"})
	renamed.Marks.Fields = []string{"date"}
	for name, r := range map[string]eval.Report{"no document": other, "no field": renamed, "empty": {}} {
		if _, err := eval.Compare(one, r); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("%s in common: error %v, want code invalid", name, err)
		}
	}
	for name, text := range map[string]string{
		"no JSON":       "%PDF",
		"another form":  `{"version":1}`,
		"none":          `{"documents":3}`,
		"damaged marks": `{"version":2,"marks":{"fields":["a","b"],"documents":{"x":{"marks":"r"}}}}`,
	} {
		if _, err := eval.LoadReport(strings.NewReader(text)); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("%s: error %v, want code invalid", name, err)
		}
	}
}
