package fields_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
	"github.com/recto-edge/recto/node/extract/trust"
)

// slipType is a type of which the rules know the labels, and not which of two
// dates and two amounts its vendors mean.
var slipType = doc.Type{Name: "slip", Fields: []doc.FieldSpec{
	{Name: "vendor", Type: doc.Name, Hint: "top"},
	{Name: "when", Type: doc.Date, Hint: "first", Labels: []string{"date"}},
	{Name: "sum", Type: doc.Money, Hint: "largest", Labels: []string{"total"}},
}}

// slip is a document of vendor v whose sum is "after deposit", which stands under
// the larger amount that carries the label.
func slip(v, n int) fields.Lesson {
	total := 1000 + 37*n + 11*v
	deposit := 100 + 7*n
	money := func(c int) string { return fmt.Sprintf("%d.%02d", c/100, c%100) }
	name := []string{"Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gorse", "Hazel"}[v%8]
	day := 1 + (n+v)%27
	return fields.Lesson{
		ID: fmt.Sprintf("%d-%d", v, n), Vendor: name,
		Reading: page(name+" Trading Ltd", fmt.Sprintf("%d Long Road", 10+v), "Date|"+fmt.Sprintf("%02d.03.2026", day),
			"Article|"+money(total-300), "Article|3.00", "Total|"+money(total), "Deposit|"+money(deposit), "To pay now|"+money(total-deposit)),
		Labels: map[string]string{"vendor": name + " Trading Ltd", "when": fmt.Sprintf("2026-03-%02d", day), "sum": money(total - deposit)},
	}
}

func slips(vendors, each int) []fields.Lesson {
	var out []fields.Lesson
	for v := range vendors {
		for n := range each {
			out = append(out, slip(v, n))
		}
	}
	return out
}

func right(t *testing.T, k fields.Knowledge, ls []fields.Lesson, field string) int {
	t.Helper()
	n := 0
	for _, l := range ls {
		f := get(fields.PickWith(l.Reading, slipType, k), field)
		if fields.CompareForm(f.Type, f.Value) == fields.CompareForm(f.Type, l.Labels[field]) && f.Value != "" {
			n++
		}
	}
	return n
}

// TestLearnFindsWhatTheRulesCannot: the rules take the labelled, larger amount;
// eight documents of others show that what is below is meant, also at a vendor
// that was never seen.
func TestLearnFindsWhatTheRulesCannot(t *testing.T) {
	t.Parallel()
	strangers := []fields.Lesson{slip(6, 3), slip(6, 4), slip(7, 5)}
	if n := right(t, fields.Knowledge{}, strangers, "sum"); n != 0 {
		t.Fatalf("the rules are right %d times: the test tests nothing", n)
	}
	m, err := fields.Learn(slipType, slips(6, 3), fields.LearnOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"vendor", "when", "sum"} {
		if n := right(t, fields.Knowledge{Model: m}, strangers, field); n != len(strangers) {
			t.Errorf("%s: %d of %d right", field, n, len(strangers))
		}
	}
	f := get(fields.PickWith(strangers[0].Reading, slipType, fields.Knowledge{Model: m}), "sum")
	if f.Model != m.Digest() || f.Confidence <= 0 || f.Confidence > 1 || f.Box == nil || f.Method != "scorer" {
		t.Errorf("%+v: want the model's name, a confidence and a place", f)
	}
}

func TestModelKeepsItsName(t *testing.T) {
	t.Parallel()
	m, err := fields.Learn(slipType, slips(4, 3), fields.LearnOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := fields.DecodeModel(b)
	if err != nil {
		t.Fatal(err)
	}
	other, err := fields.Learn(slipType, slips(4, 3), fields.LearnOptions{Card: fields.Card{MadeAt: time.Unix(1e9, 0)}})
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != m.Digest() || other.Digest() != m.Digest() {
		t.Errorf("kept: %s, trained again: %s, want %s", again.Digest(), other.Digest(), m.Digest())
	}
	l := slip(7, 1)
	if a, b := get(fields.PickWith(l.Reading, slipType, fields.Knowledge{Model: m}), "sum"), get(fields.PickWith(l.Reading, slipType, fields.Knowledge{Model: again}), "sum"); a.Confidence != b.Confidence || a.Value != b.Value {
		t.Errorf("kept and read again it says %v, not %v", b, a)
	}
}

// TestDecodeModelRefuses: a damaged file is an error with a reason, never a
// model that reads on.
func TestDecodeModelRefuses(t *testing.T) {
	t.Parallel()
	m, err := fields.Learn(slipType, slips(4, 3), fields.LearnOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	edited := func(from, to string) []byte {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(raw), from, to, 1)
		if changed == string(raw) {
			t.Fatalf("the file does not hold %s", from)
		}
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		if _, err := io.WriteString(w, changed); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	for name, c := range map[string]struct {
		file []byte
		say  string
	}{
		"empty":          {nil, "no model file"},
		"something else": {[]byte("%PDF-1.7"), "no model file"},
		"cut":            {b[:len(b)/2], "cut"},
		"one bit":        {flipped(b), ""},
		"other format":   {edited(`"format":1`, `"format":2`), "another version"},
		"other columns":  {edited(`"columns":"`, `"columns":"x`), "another version"},
		"cut tree":       {edited(`"v":[`, `"v":[1,`), "damaged"},
	} {
		if _, err := fields.DecodeModel(c.file); doc.CodeOf(err) != doc.Invalid || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: error %v, want invalid and %q", name, err, c.say)
		}
	}
}

// flipped has one bit of its middle turned: the checksum of the file notices.
func flipped(b []byte) []byte {
	b = slices.Clone(b)
	b[len(b)/2] ^= 4
	return b
}

func TestLearnRefuses(t *testing.T) {
	t.Parallel()
	blank := slip(1, 1)
	blank.Reading = doc.Reading{Pages: []doc.Page{{Number: 1}}}
	unnamed := slips(3, 2)
	for i := range unnamed {
		unnamed[i].Labels = map[string]string{"colour": "red"}
	}
	for name, c := range map[string]struct {
		lessons []fields.Lesson
		say     string
	}{
		"nothing":          {nil, "too few"},
		"too few":          {slips(2, 1), "too few"},
		"one vendor":       {slips(1, 6), "one vendor"},
		"no readable page": {append(slips(3, 2), blank), blank.ID},
		"no field":         {unnamed, "no label names a field"},
	} {
		if _, err := fields.Learn(slipType, c.lessons, fields.LearnOptions{}); doc.CodeOf(err) != doc.Invalid || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: error %v, want invalid and %q", name, err, c.say)
		}
	}
}

// TestMemoryTeachesAtOnce: one confirmed document of a vendor is enough for the
// next one of it, and says nothing about others.
func TestMemoryTeachesAtOnce(t *testing.T) {
	t.Parallel()
	k := fields.Knowledge{Memory: fields.NewMemory(slipType, []fields.Lesson{slip(2, 1)})}
	next := []fields.Lesson{slip(2, 2), slip(2, 5), slip(2, 9)}
	if n := right(t, k, next, "sum"); n != len(next) {
		t.Errorf("%d of %d right after one correction", n, len(next))
	}
	f := get(fields.PickWith(next[0].Reading, slipType, k), "sum")
	if !slices.Contains(f.Checks, "vendor") {
		t.Errorf("checks %v do not say that the vendor is known", f.Checks)
	}
	stranger := slip(5, 2)
	if f := get(fields.PickWith(stranger.Reading, slipType, k), "sum"); slices.Contains(f.Checks, "vendor") || f.Value == stranger.Labels["sum"] {
		t.Errorf("a stranger was read by what another vendor does: %+v", f)
	}
}

// TestMemoryNeverOverrulesThePage: a confirmed name is not found where it does not
// stand; a misread letter of it is put right, another number is not.
func TestMemoryNeverOverrulesThePage(t *testing.T) {
	t.Parallel()
	typ := doc.Type{Name: "slip", Fields: []doc.FieldSpec{{Name: "vendor", Type: doc.Name, Hint: "top"}, {Name: "address", Type: doc.Address, Hint: "top"}}}
	read := func(lines ...string) doc.Reading {
		r := blurred(page(append(lines, "Tel 03-6185 5688", "VAT DE123456788", "Date|01.03.2026", "Total|12.00")...))
		r.Pages[0].Source = doc.FromOCR
		return r
	}
	l := fields.Lesson{ID: "1", Vendor: "lian", Reading: read("Lian Hing Stationery Ltd", "27, Jalan Dedap 13", "81100 Johor Bahru"),
		Labels: map[string]string{"vendor": "Lian Hing Stationery Ltd", "address": "27, Jalan Dedap 13, 81100 Johor Bahru"}}
	k := fields.Knowledge{Memory: fields.NewMemory(typ, []fields.Lesson{l})}
	fs := fields.PickWith(read("Ljan Hing Statlonery Ltd", "27, Jalan Dedap 18", "81100 Johor Bahru"), typ, k)
	if f := get(fs, "vendor"); f.Value != "Lian Hing Stationery Ltd" || slices.Contains(f.Checks, "found-on-page") {
		t.Errorf("vendor %q, checks %v: want the confirmed name, and no claim that it stands there so", f.Value, f.Checks)
	}
	if f := get(fs, "address"); !strings.Contains(f.Value, "Dedap 18") {
		t.Errorf("address %q: another number is another address", f.Value)
	}
	fs = fields.PickWith(read("Quite Another Name Ltd", "27, Jalan Dedap 13", "81100 Johor Bahru"), typ, k)
	if f := get(fs, "vendor"); f.Value != "Quite Another Name Ltd" {
		t.Errorf("vendor %q: want what stands on the page", f.Value)
	}
}

// TestAccepts: what was picked from words is accepted only by the model that the
// threshold is for, above it, found on the page and with no failed check.
func TestAccepts(t *testing.T) {
	t.Parallel()
	m, err := fields.Learn(slipType, slips(4, 3), fields.LearnOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k := fields.Knowledge{Model: m, Accept: map[string]float64{"": 0.9, "sum": 0.95}, AcceptKnown: map[string]float64{"": 0.8}}
	good := doc.Field{Name: "when", Confidence: 0.92, Model: m.Digest(), Checks: []string{"found-on-page"}}
	for name, c := range map[string]struct {
		change func(*doc.Field)
		want   bool
	}{
		"as it should be":     {func(*doc.Field) {}, true},
		"below":               {func(f *doc.Field) { f.Confidence = 0.89 }, false},
		"a stricter field":    {func(f *doc.Field) { f.Name = "sum" }, false},
		"another model":       {func(f *doc.Field) { f.Model = "rules" }, false},
		"not on the page":     {func(f *doc.Field) { f.Checks = []string{"derived"} }, false},
		"a check contradicts": {func(f *doc.Field) { f.FailedChecks = []string{"sum"} }, false},
		"known vendor":        {func(f *doc.Field) { f.Confidence, f.Checks = 0.85, append(f.Checks, "vendor") }, true},
	} {
		f := good
		f.Checks = slices.Clone(good.Checks)
		c.change(&f)
		if got := k.Accepts(f); got != c.want {
			t.Errorf("%s: accepted %v", name, got)
		}
	}
	none := fields.Know(m, nil, trust.Target{Precision: 0.99})
	good.Confidence = 1
	if none.Accepts(good) {
		t.Error("four vendors are too few for any promise, and something was accepted")
	}
}

// TestLearnStandsOnABase: a site's few documents correct the model they begin
// from, and what they do not speak of stays as it was.
func TestLearnStandsOnABase(t *testing.T) {
	t.Parallel()
	base, err := fields.Learn(slipType, slips(6, 3), fields.LearnOptions{})
	if err != nil {
		t.Fatal(err)
	}
	few := []fields.Lesson{slip(6, 1), slip(6, 2), slip(7, 1), slip(7, 2)}
	for i := range few {
		few[i].Labels = map[string]string{"when": few[i].Labels["when"]} // nobody looked at the sum
	}
	m, err := fields.Learn(slipType, few, fields.LearnOptions{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	next := []fields.Lesson{slip(7, 5), slip(5, 9)}
	for _, field := range []string{"sum", "when"} {
		if n := right(t, fields.Knowledge{Model: m}, next, field); n != len(next) {
			t.Errorf("%s: %d of %d right with the model that stands on another", field, n, len(next))
		}
	}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := fields.DecodeModel(b)
	if err != nil {
		t.Fatal(err)
	}
	if n := right(t, fields.Knowledge{Model: again}, next, "sum"); n != len(next) || again.Card.Base != base.Digest() {
		t.Errorf("kept and read again: %d right, base %s", n, again.Card.Base)
	}
}

// TestOneDoubtfulLetterIsHeard: the mean confidence of a word hides one letter of ten
// that may well be another. It is enough to make a date wrong.
func TestOneDoubtfulLetterIsHeard(t *testing.T) {
	t.Parallel()
	m, err := fields.Learn(slipType, slips(6, 3), fields.LearnOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sure := func(mean float64) float64 {
		l := slip(7, 5)
		ws := l.Reading.Pages[0].Words
		for i := range ws {
			if ws[i].Confidence = 1; strings.Contains(ws[i].Text, ".03.2026") {
				ws[i].Confidence = mean
			}
		}
		return get(fields.PickWith(l.Reading, slipType, fields.Knowledge{Model: m}), "when").Confidence
	}
	clear, doubtful := sure(1), sure(math.Pow(.5, .1)) // one of the ten as likely as not
	if doubtful > clear-.05 {
		t.Errorf("a date of which one letter is as likely wrong as right is sure by %v, a clear one by %v", doubtful, clear)
	}
}
