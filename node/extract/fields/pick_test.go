package fields_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
	"github.com/recto-edge/recto/node/extract/types"
)

// golden is a document as lines with boxes, and what stands on it.
type golden struct {
	Type  string                     `json:"type"`
	Want  map[string]json.RawMessage `json:"want"`
	Pages []struct {
		Width  int        `json:"width"`
		Height int        `json:"height"`
		Source doc.Source `json:"source"`
		Lines  [][5]any   `json:"lines"`
	} `json:"pages"`
}

func (g golden) reading() doc.Reading {
	var r doc.Reading
	for i, p := range g.Pages {
		page := doc.Page{Number: i + 1, Width: p.Width, Height: p.Height, Source: p.Source}
		for n, l := range p.Lines {
			var box doc.Box
			for k := range box {
				box[k] = int(l[k].(float64))
			}
			page.Words = append(page.Words, words(l[4].(string), box, n)...)
		}
		r.Pages = append(r.Pages, page)
	}
	return r
}

// words places the words of a line by their share of its characters.
func words(line string, box doc.Box, n int) []doc.Word {
	total := len([]rune(line))
	var out []doc.Word
	at := 0
	for _, w := range strings.Split(line, " ") {
		size := len([]rune(w))
		if size > 0 {
			out = append(out, doc.Word{Text: w, Confidence: 1, Line: n,
				Box: doc.Box{box[0] + box.W()*at/total, box[1], box[0] + box.W()*(at+size)/total, box[3]}})
		}
		at += size + 1
	}
	return out
}

// page makes a page of lines of text, 20 pixels high and 10 a character, where
// "|" begins the next cell at a multiple of 300 pixels.
func page(lines ...string) doc.Reading {
	p := doc.Page{Number: 1, Width: 1200, Height: 1700, Source: doc.FromOCR}
	n := 0
	for y, l := range lines {
		for k, cell := range strings.Split(l, "|") {
			if cell = strings.TrimSpace(cell); cell != "" {
				x := 40 + 300*k
				p.Words = append(p.Words, words(cell, doc.Box{x, 40 + 30*y, x + 10*len([]rune(cell)), 60 + 30*y}, n)...)
				n++
			}
		}
	}
	return doc.Reading{Pages: []doc.Page{p}}
}

func shipped(t testing.TB, name string) doc.Type {
	t.Helper()
	for _, x := range types.Shipped() {
		if x.Name == name {
			return x
		}
	}
	t.Fatalf("no shipped type %q", name)
	return doc.Type{}
}

func get(fs []doc.Field, name string) *doc.Field {
	i := slices.IndexFunc(fs, func(f doc.Field) bool { return f.Name == name })
	if i < 0 {
		return &doc.Field{}
	}
	return &fs[i]
}

func TestPickGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/pick/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("golden files: %d, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var g golden
			if err := json.Unmarshal(b, &g); err != nil {
				t.Fatal(err)
			}
			typ := shipped(t, g.Type)
			reading := g.reading()
			fs := fields.Pick(reading, typ)
			for name, raw := range g.Want {
				spec, _ := typ.Field(name)
				f := get(fs, name)
				if spec.Type == doc.Table {
					wantRows(t, spec, raw, f)
					continue
				}
				var want string
				if err := json.Unmarshal(raw, &want); err != nil {
					t.Fatal(err)
				}
				if fields.CompareForm(spec.Type, f.Value) != fields.CompareForm(spec.Type, want) {
					t.Errorf("%s = %q (raw %q, method %s), want %q", name, f.Value, f.Raw, f.Method, want)
				}
			}
			for _, f := range fs {
				onPage(t, reading, f)
			}
			if name := fields.Classify(reading, types.Shipped()).Type; name != g.Type {
				t.Errorf("recognised as %q, want %q", name, g.Type)
			}
		})
	}
}

// wantRows compares the cells that the type has a column for.
func wantRows(t *testing.T, spec doc.FieldSpec, raw json.RawMessage, f *doc.Field) {
	t.Helper()
	var want []map[string]string
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if len(f.Rows) != len(want) {
		t.Errorf("%s has %d rows, want %d", spec.Name, len(f.Rows), len(want))
		return
	}
	columns := doc.Type{Fields: spec.Columns}
	for i, w := range want {
		for name, v := range w {
			col, ok := columns.Field(name)
			if got := get(f.Rows[i], name).Value; ok && fields.CompareForm(col.Type, got) != fields.CompareForm(col.Type, v) {
				t.Errorf("%s row %d: %s = %q, want %q", spec.Name, i+1, name, got, v)
			}
		}
	}
}

// onPage wants a field's box on its page, touching words of the page, and sane
// figures.
func onPage(t *testing.T, r doc.Reading, f doc.Field) {
	t.Helper()
	if f.Confidence < 0 || f.Confidence > 1 || f.Source == "" || f.Method == "" {
		t.Errorf("%s: confidence %v, source %q, method %q", f.Name, f.Confidence, f.Source, f.Method)
	}
	if f.Box == nil {
		return
	}
	if f.Page < 1 || f.Page > len(r.Pages) {
		t.Errorf("%s: page %d of %d", f.Name, f.Page, len(r.Pages))
		return
	}
	p := r.Pages[f.Page-1]
	inside := f.Box[0] >= 0 && f.Box[1] >= 0 && f.Box[2] <= p.Width && f.Box[3] <= p.Height && !f.Box.Empty()
	touches := slices.ContainsFunc(p.Words, func(w doc.Word) bool {
		return w.Box[0] < f.Box[2] && f.Box[0] < w.Box[2] && w.Box[1] < f.Box[3] && f.Box[1] < w.Box[3]
	})
	if !inside || !touches {
		t.Errorf("%s: box %v on a page of %dx%d, touches words: %v", f.Name, *f.Box, p.Width, p.Height, touches)
	}
}

func TestPickReceipt(t *testing.T) {
	receipt := shipped(t, "receipt")
	for _, c := range []struct {
		name  string
		lines []string
		want  map[string]string
	}{
		{"German, with a tax line and change", []string{
			"Gasthaus zur Linde", "Hauptstraße 12", "04107 Leipzig", "Rechnung Nr. 4711 | | 05.03.2026 19:12", "2 x Kaffee | | 6,00", "Kuchen | | 5,90",
			"Summe EUR | | 11,90", "19% MwSt | | 1,90", "Netto | | 10,00", "Bar gegeben | | 20,00", "Rückgeld | | 8,10"},
			map[string]string{"company": "Gasthaus zur Linde", "date": "2026-03-05", "total": "11.90", "net": "10.00", "tax": "1.90", "currency": "EUR", "number": "4711", "paid": "20.00", "change": "8.10"}},
		{"US, month first", []string{
			"BLUE DOOR DINER", "12 Main Street", "Fremont, CA 94538", "Check # 881 | 02/03/2026 | 6:12 PM", "Soup | | $7.50", "Subtotal | | $7.50", "Sales Tax | | $0.70", "TOTAL | | $8.20"},
			map[string]string{"company": "BLUE DOOR DINER", "date": "2026-02-03", "total": "8.20", "net": "7.50", "tax": "0.70", "currency": "USD"}},
		{"misread labels and digits", []string{
			"KEDAI BUNGA SDN BHD (123456-X)", "NO. 4, JALAN SATU", "81100 JOHOR BAHRU", "T0TAL AM0UNT | | RM 1O.50", "DATE: l2/O1/2019"},
			map[string]string{"company": "KEDAI BUNGA SDN BHD", "total": "10.50", "date": "2019-01-12", "currency": "MYR", "address": "NO. 4, JALAN SATU, 81100 JOHOR BAHRU"}},
		{"the rounded total is what was paid", []string{
			"SHOP", "TOTAL | | 31.02", "ROUNDING ADJ | | -0.02", "TOTAL PAYABLE | | 31.00", "01/02/2019"},
			map[string]string{"total": "31.00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := fields.Pick(page(c.lines...), receipt)
			got := map[string]string{}
			for name := range c.want {
				got[name] = get(fs, name).Value
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("fields (-want +got):\n%s", d)
			}
		})
	}
}

func TestPickProvesSums(t *testing.T) {
	fs := fields.Pick(page("Net total | | 100.00", "VAT 19% | | 19.00", "Gross total | | 119.00", "Invoice No 12 | Date 01.02.2026"), shipped(t, "invoice"))
	for _, name := range []string{"net_total", "tax_total", "gross_total"} {
		if f := get(fs, name); !slices.Contains(f.Checks, "sum") || len(f.FailedChecks) > 0 {
			t.Errorf("%s = %q: checks %v, failed %v; want sum to hold", name, f.Value, f.Checks, f.FailedChecks)
		}
	}
	fs = fields.Pick(page("Net total | | 100.00", "VAT 19% | | 19.00", "Gross total | | 120.00"), shipped(t, "invoice"))
	if f := get(fs, "gross_total"); !slices.Contains(f.FailedChecks, "sum") {
		t.Errorf("a sum that does not hold is not noted: %+v", f)
	}
}

func TestPickNewTypeByLabels(t *testing.T) {
	typ := doc.Type{Name: "lab", Fields: []doc.FieldSpec{
		{Name: "sample", Type: doc.Identifier, Labels: []string{"sample id"}},
		{Name: "taken", Type: doc.Date, Labels: []string{"taken on"}},
		{Name: "analyst", Type: doc.Name, Labels: []string{"analyst"}},
	}}
	fs := fields.Pick(page("Sample ID | Taken on | Analyst", "LX-2231/7 | 4 May 2026 | Dr. Ada Byron"), typ)
	got := map[string]string{"sample": get(fs, "sample").Value, "taken": get(fs, "taken").Value, "analyst": get(fs, "analyst").Value}
	if d := cmp.Diff(map[string]string{"sample": "LX-2231/7", "taken": "2026-05-04", "analyst": "Dr. Ada Byron"}, got); d != "" {
		t.Errorf("fields (-want +got):\n%s", d)
	}
}

// A label is not the end or the beginning of a longer one that means something else, and
// a label to the right of it is no value.
func TestPickBesideOtherLabels(t *testing.T) {
	typ := doc.Type{Name: "buy", Fields: []doc.FieldSpec{
		{Name: "order", Type: doc.Identifier, Labels: []string{"order #"}},
		{Name: "buyer", Type: doc.Name, Labels: []string{"advertiser"}},
	}}
	for _, c := range []struct {
		name  string
		lines []string
	}{
		{"cells of other labels", []string{"Advertiser Code | 508", "Advertiser Ref | AB 12", "Advertiser | Blue Gum Ltd", "Alt Order # | 9982", "Order # | 4711"}},
		{"the rest of the label", []string{"Advertiser Name | Blue Gum Ltd", "Order / Rev: | 4711"}},
		{"labels over values", []string{"Advertiser | Original Date / Revision", "Blue Gum Ltd | 03/24/20", "Order #", "4711"}},
		{"a share", []string{"Order %", "100%", "Advertiser | Blue Gum Ltd", "Order # | 4711"}},
	} {
		fs := fields.Pick(page(c.lines...), typ)
		if o, b := get(fs, "order").Value, get(fs, "buyer").Value; o != "4711" || b != "Blue Gum Ltd" {
			t.Errorf("%s: order %q, advertiser %q", c.name, o, b)
		}
	}
}

func TestPickEmptyReadings(t *testing.T) {
	for _, r := range []doc.Reading{{}, {Pages: []doc.Page{{}}}, {Pages: []doc.Page{{Number: 1, Words: []doc.Word{{Text: " "}, {Text: "", Box: doc.Box{5, 5, 5, 5}}}}}}} {
		for _, typ := range types.Shipped() {
			if fs := fields.Pick(r, typ); len(fs) != 0 {
				t.Errorf("%s: %d fields from nothing: %+v", typ.Name, len(fs), fs)
			}
		}
	}
}

// FuzzPick: whatever the words, no panic, and every box on its page.
func FuzzPick(f *testing.F) {
	f.Add("Total: 12.00\nDate|01/02/2019\nIBAN DE88 2008 0000 0970 3757 00", uint8(20))
	f.Add("Menge|Preis|Betrag\n1|2,00|2,00\n(((", uint8(1))
	f.Add("\xff:\n:=:\n#1\n$$$$\n-.,", uint8(255))
	all := types.Shipped()
	f.Fuzz(func(t *testing.T, text string, height uint8) {
		if len(text) > 2000 {
			return
		}
		r := page(strings.Split(text, "\n")...)
		for i := range r.Pages[0].Words {
			r.Pages[0].Words[i].Box[3] = r.Pages[0].Words[i].Box[1] + int(height)
		}
		for _, typ := range all {
			for _, x := range fields.Pick(r, typ) {
				if x.Value == "" && x.Type != doc.Table || x.Confidence < 0 || x.Confidence > 1 {
					t.Fatalf("%s.%s: %+v", typ.Name, x.Name, x)
				}
			}
		}
		fields.Classify(r, all)
		fields.KeyValues(r)
	})
}
