package eval_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
)

// form is a stand-in for the canonical form: letters in upper case, and money
// with two digits.
func form(ft doc.FieldType, s string) string {
	s = strings.ToUpper(strings.Join(strings.Fields(s), " "))
	if ft == doc.Money && !strings.Contains(s, ".") {
		return s + ".00"
	}
	return s
}

var slip = doc.Type{Name: "slip", Fields: []doc.FieldSpec{
	{Name: "company", Type: doc.Name, Aliases: []string{"seller_name"}},
	{Name: "total", Type: doc.Money},
	{Name: "note", Type: doc.Text},
	{Name: "items", Type: doc.Table, Columns: []doc.FieldSpec{{Name: "text", Type: doc.Text}, {Name: "price", Type: doc.Money, Aliases: []string{"cost"}}}},
}}

func labels(t *testing.T, lines ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"a.pdf", "b.pdf", "c.pdf", "f.png"} { // documents that labels may name
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, eval.LabelFile), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func field(name, value string, ft doc.FieldType, confidence float64, accepted bool) doc.Field {
	return doc.Field{Name: name, Value: value, Raw: value, Type: ft, Confidence: confidence, Accepted: accepted, Page: 1}
}

// TestScoreByHand scores three documents whose counts were worked out on paper.
//
//	           seller_name        total
//	a          right (0.9)        right in canonical form only (0.8, accepted)
//	b          wrong (0.7)        missing
//	c          no label, no value found without a label (0.6, accepted: silent error)
func TestScoreByHand(t *testing.T) {
	dir := labels(t,
		`{"id":"a","file":"a.pdf","fields":{"seller_name":"Blue  Door","total":12}}`,
		`{"id":"b","file":"b.pdf","fields":{"seller_name":"Red Door","total":"7.00"}}`,
		`{"id":"c","file":"c.pdf","fields":{}}`,
		`{"id":"d","file":null,"fields":{"total":"1.00"}}`,
	)
	cases, err := eval.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string][]doc.Field{
		"a.pdf": {field("company", "BLUE DOOR", doc.Name, 0.9, false), field("total", "12.00", doc.Money, 0.8, true), field("note", "x", doc.Text, 1, true)},
		"b.pdf": {field("company", "Red Floor", doc.Name, 0.7, false)},
		"c.pdf": {field("total", "3.00", doc.Money, 0.6, true)},
	}
	steps, of := 0, 0
	outcomes := eval.Run(context.Background(), cases, func(_ context.Context, c eval.Case) (eval.Answer, error) {
		return answer(answers[filepath.Base(c.Path)]...), nil
	}, eval.RunOptions{Workers: 2, Progress: func(_ string, done, total int) { steps = steps*10 + done; of = total }})
	if steps != 123 || of != 3 {
		t.Errorf("progress went %d of %d, want 1, 2, 3 of 3 documents", steps, of)
	}
	r := eval.Score(cases, outcomes, eval.Options{Types: []doc.Type{slip}, Form: form, Precisions: []float64{0.66, 0.99}})

	want := []eval.Tally{
		{Name: "seller_name", Labelled: 2, Predicted: 2, Right: 1, RightStrict: 1, Precision: 0.5, Recall: 0.5, F1: 0.5, StrictF1: 0.5},
		{Name: "total", Labelled: 2, Predicted: 2, Right: 1, RightStrict: 0, Precision: 0.5, Recall: 0.5, F1: 0.5, StrictF1: 0},
	}
	if d := cmp.Diff(want, r.Fields); d != "" {
		t.Errorf("fields (-want +got):\n%s", d)
	}
	if m := r.Micro; m.Labelled != 4 || m.Predicted != 4 || m.Right != 2 || m.F1 != 0.5 || m.StrictF1 != 0.25 {
		t.Errorf("micro = %+v", m)
	}
	// surest first: 0.9 right, 0.8 right, 0.7 wrong, 0.6 wrong; 2 of 3 is 0.667
	if c := r.Coverage[0]; c.Fields != 3 || c.Share != 0.75 || c.Threshold != 0.7 {
		t.Errorf("coverage at 0.66 = %+v", c)
	}
	if c := r.Coverage[1]; c.Fields != 2 || c.Share != 0.5 || c.Threshold != 0.8 {
		t.Errorf("coverage at 0.99 = %+v", c)
	}
	// each guess is alone in its bin: |0.9-1| + |0.8-1| + |0.7-0| + |0.6-0| over 4
	if math.Abs(r.ECE-0.4) > 1e-9 {
		t.Errorf("ECE = %v, want 0.4", r.ECE)
	}
	if r.Documents != 3 || r.Accepted != 2 || r.SilentErrors != 1 {
		t.Errorf("documents %d, accepted %d, silent errors %d; want 3, 2, 1", r.Documents, r.Accepted, r.SilentErrors)
	}
	wantMisses := []eval.Miss{
		{ID: "b", Field: "seller_name", Label: "Red Door", Got: "Red Floor", Confidence: 0.7, Page: 1, Link: filepath.Join(dir, "b.pdf") + "#page=1"},
		{ID: "b", Field: "total", Label: "7.00", Link: filepath.Join(dir, "b.pdf")},
		{ID: "c", Field: "total", Got: "3.00", Confidence: 0.6, Accepted: true, Page: 1, Link: filepath.Join(dir, "c.pdf") + "#page=1"},
	}
	if d := cmp.Diff(wantMisses, r.Misses); d != "" {
		t.Errorf("misses (-want +got):\n%s", d)
	}
}

// TestScoreTiesAreTakenTogether: no threshold parts two fields of one confidence.
func TestScoreTiesAreTakenTogether(t *testing.T) {
	cases := []eval.Case{{ID: "a", Labels: raw(`{"company":"x","total":"1.00"}`)}}
	out := []eval.Outcome{{ID: "a", Answer: answer(
		field("company", "X", doc.Name, 0.9, false), field("total", "2.00", doc.Money, 0.9, false))}}
	r := eval.Score(cases, out, eval.Options{Types: []doc.Type{slip}, Form: form, Precisions: []float64{0.99}})
	if c := r.Coverage[0]; c.Fields != 0 || c.Share != 0 {
		t.Errorf("coverage = %+v, want none", c)
	}
}

// TestScoreTables: two labelled rows, three predicted; the order differs, one
// cell is wrong and one row is made up.
func TestScoreTables(t *testing.T) {
	cases := []eval.Case{{ID: "a", Labels: raw(`{"items":[{"text":"Tea","cost":"2"},{"text":"Cake","cost":"4.50"}]}`)}}
	row := func(text, price string) []doc.Field {
		return []doc.Field{field("text", text, doc.Text, 1, false), field("price", price, doc.Money, 1, false)}
	}
	table := doc.Field{Name: "items", Type: doc.Table, Rows: [][]doc.Field{row("CAKE", "4.50"), row("Rug", "9.00"), row("tea", "3.00")}}
	r := eval.Score(cases, []eval.Outcome{{ID: "a", Answer: answer(table)}},
		eval.Options{Types: []doc.Type{slip}, Form: form})
	got := map[string][3]int{}
	for _, x := range r.Tables {
		got[x.Name] = [3]int{x.Labelled, x.Predicted, x.Right}
	}
	want := map[string][3]int{"items (rows)": {2, 3, 1}, "items (cells)": {4, 6, 3}, "items.text": {2, 3, 2}, "items.cost": {2, 3, 1}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("tables (-want +got):\n%s", d)
	}
	dear := eval.RowRule{Name: "prices alike", Alike: []func(doc.Field, string) bool{func(c doc.Field, label string) bool { return c.Type == doc.Money }}}
	texts := eval.RowRule{Name: "texts", Columns: []string{"text"}}
	other := eval.RowRule{Name: "others", Columns: []string{"colour"}}
	r = eval.Score(cases, []eval.Outcome{{ID: "a", Answer: answer(table)}},
		eval.Options{Types: []doc.Type{slip}, Form: form, Rows: []eval.RowRule{dear, texts, other}})
	for _, x := range r.Tables {
		if strings.Contains(x.Name, "(rows, ") {
			got[x.Name] = [3]int{x.Labelled, x.Predicted, x.Right}
		}
	}
	// No figure by the rule for a table of other columns.
	want["items (rows, prices alike)"], want["items (rows, texts)"] = [3]int{2, 3, 2}, [3]int{2, 3, 2}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("tables by a rule (-want +got):\n%s", d)
	}
	if r.Micro.Labelled != 0 {
		t.Errorf("tables count among the fields: %+v", r.Micro)
	}
}

func TestScoreUnreadDocument(t *testing.T) {
	cases := []eval.Case{{ID: "a", Path: "a.pdf", Labels: raw(`{"total":"1.00"}`)}}
	out := []eval.Outcome{{ID: "a", Err: doc.Unreadable(doc.DetailDamaged, "the file is damaged", nil)}, {ID: "stranger", Err: errors.New("no case")}}
	r := eval.Score(cases, out, eval.Options{Form: form})
	if r.Documents != 1 || r.Unread != 1 || len(r.Failures) != 1 || r.Failures[0].Code != doc.Invalid || r.Micro.Labelled != 1 || r.Micro.Recall != 0 {
		t.Errorf("report = %+v", r)
	}
	var b strings.Builder
	if err := r.WriteText(&b, -1); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 could not be read", "the file is damaged", `miss: a total: label "1.00"`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("text lacks %q:\n%s", want, b.String())
		}
	}
	if _, err := json.Marshal(r); err != nil {
		t.Errorf("report as JSON: %v", err)
	}
}

func TestLoadKeyValuePairs(t *testing.T) {
	cases, err := eval.Load(labels(t, `{"id":"f","file":"f.png","fields":{"kv":[{"key":"Date of Birth:","value":"May 1"},{"key":"Empty","value":""},`+
		`{"key":"Tel","value":"2","key_box":[5,90,9,99]},{"key":"Tel:","value":"1","key_box":[5,20,9,29]}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]json.RawMessage{"date_of_birth": json.RawMessage(`"May 1"`), "tel": json.RawMessage(`"1"`), "tel_2": json.RawMessage(`"2"`)}
	if d := cmp.Diff(want, cases[0].Labels); d != "" {
		t.Errorf("labels (-want +got):\n%s", d)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ lines, want string }{
		"no JSON":           {`{"id":`, "line 1"},
		"no id":             {`{"fields":{}}`, "line 1: there is no id"},
		"outside file":      {`{"id":"a","file":"../../etc/passwd","fields":{}}`, "not below the folder"},
		"file away":         {"{\"id\":\"a\"}\n\n{\"id\":\"b\",\"file\":\"gone.pdf\"}", `line 3: file "gone.pdf" is not there`},
		"boxes away":        {`{"id":"a","boxes":"gone.txt"}`, `line 1: boxes "gone.txt" is not there`},
		"the same id twice": {"{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"a\"}", `line 3: id "a" stands in line 1 already`},
		"a field twice":     {`{"id":"a","fields":{"x":[{"k":1},{"k":2}],"total":"1","date":"2","total":"3"}}`, `line 1: the name "total" stands twice`},
		"a cell twice":      {`{"id":"a","fields":{"items":[{"qty":"1","qty":"2"}]}}`, `the name "qty" stands twice`},
	} {
		_, err := eval.Load(labels(t, c.lines))
		if doc.CodeOf(err) != doc.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want code invalid and %q", name, err, c.want)
		}
	}
	if _, err := eval.Load(t.TempDir()); doc.CodeOf(err) != doc.NotFound {
		t.Errorf("no label file: error %v, want code not_found", err)
	}
	same, err := eval.Load(labels(t, `{"id":"a","fields":{"items":[{"k":"1"},{"k":"2"}],"k":"3"},"k":"4"}`))
	if err != nil || same[0].Notes["k"] != "4" || same[0].Line != 1 {
		t.Errorf("the same name in different objects: %+v, %v; want it taken", same, err)
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cases := []eval.Case{{ID: "a", Path: "a"}, {ID: "b", Path: "b"}}
	out := eval.Run(ctx, cases, func(context.Context, eval.Case) (eval.Answer, error) {
		cancel()
		return eval.Answer{}, nil
	}, eval.RunOptions{})
	if len(out) != 1 {
		t.Errorf("%d outcomes after the context ended in the first, want 1", len(out))
	}
}

// answer is a slip with fields.
func answer(fields ...doc.Field) eval.Answer {
	return eval.Answer{Result: doc.Result{Type: "slip", Fields: fields}}
}

func raw(s string) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		panic(err)
	}
	return m
}

// TestTableMisses: wrong cells, a row made up, and rows that were not found.
func TestTableMisses(t *testing.T) {
	labels := `{"items":[{"text":"Tea","cost":"2"},{"text":"Cake","cost":"4.50"}]}`
	table := doc.Field{Name: "items", Type: doc.Table, Rows: [][]doc.Field{
		{field("text", "Rug", doc.Text, 1, false), field("price", "9.00", doc.Money, 1, false)},
		{field("text", "tea", doc.Text, 1, false), field("price", "3.00", doc.Money, 1, false)},
	}}
	r := eval.Score([]eval.Case{{ID: "a", Labels: raw(labels)}, {ID: "b", Labels: raw(labels)}},
		[]eval.Outcome{{ID: "a", Answer: answer(table)}, {ID: "b", Answer: answer()}}, eval.Options{Types: []doc.Type{slip}, Form: form})
	var got []string
	for _, m := range r.Misses {
		got = append(got, m.ID+" "+m.Field+": "+m.Label+" / "+m.Got)
	}
	want := []string{
		"a items row 1 cost: 2 / 3.00", "a items row 2: 4.50 | Cake / ", "a items row:  / Rug | 9.00",
		"b items row 1: 2 | Tea / ", "b items row 2: 4.50 | Cake / ",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("misses (-want +got):\n%s", d)
	}
}

// TestScoreLists: each value of a repeated field counts, in whatever order; one that is wrong beside one
// that is missing is one mistake, and what is left over is missed or one too many.
func TestScoreLists(t *testing.T) {
	deal := doc.Type{Name: "slip", Fields: []doc.FieldSpec{{Name: "party", Type: doc.Name, Repeated: true, Aliases: []string{"parties"}}}}
	dir := labels(t,
		`{"id":"a","file":"a.pdf","fields":{"parties":["Blue Door","Red Door"]}}`,
		`{"id":"b","file":"b.pdf","fields":{"parties":["Oak Ltd","Elm Ltd","Ash Ltd"]}}`,
		`{"id":"c","file":"c.pdf","fields":{"parties":"Fir Ltd"}}`,
	)
	cases, err := eval.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	party := func(v string, accepted bool) doc.Field { return field("party", v, doc.Name, 0.9, accepted) }
	answers := map[string][]doc.Field{
		"a.pdf": {party("RED DOOR", true), party("blue door", false)},
		"b.pdf": {party("Elm Ltd", true), party("Oat Ltd", true)},
		"c.pdf": {party("Fir Ltd", false), party("Fig Ltd", false)},
	}
	outcomes := eval.Run(context.Background(), cases, func(_ context.Context, c eval.Case) (eval.Answer, error) {
		return answer(answers[filepath.Base(c.Path)]...), nil
	}, eval.RunOptions{Workers: 1})
	r := eval.Score(cases, outcomes, eval.Options{Types: []doc.Type{deal}, Form: form})
	if m := r.Micro; m.Labelled != 6 || m.Predicted != 6 || m.Right != 4 || r.SilentErrors != 1 {
		t.Errorf("%+v, %d silent errors; want 6 labelled, 6 predicted, 4 right, 1 silent error", m, r.SilentErrors)
	}
	var got []string
	for _, m := range r.Misses {
		got = append(got, m.ID+": "+m.Label+" | "+m.Got)
	}
	if d := cmp.Diff([]string{"b: Oak Ltd | Oat Ltd", "b: Ash Ltd | ", "c:  | Fig Ltd"}, got); d != "" {
		t.Errorf("misses (-want +got):\n%s", d)
	}
	for id, want := range map[string]string{"a": "r", "b": "W", "c": "x"} {
		if m := r.Marks.Documents[id].Marks; m != want {
			t.Errorf("mark of %s: %q, want %q", id, m, want)
		}
	}
}
