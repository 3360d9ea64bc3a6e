package split_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/split"
)

// pages makes pages of a string a page: words; "" is blank, "#T" a patch, "@…" a
// code with that text, and "#T …" a patch on a page of many words.
func pages(texts ...string) []doc.Page {
	var out []doc.Page
	for i, text := range texts {
		p := doc.Page{Number: i + 1, Width: 1000, Height: 1400}
		words := 0
		switch {
		case text == "":
			p.Blank = true
		case text[0] == '#':
			p.Symbols = []doc.Symbol{{Format: split.PatchFormat + text[1:2], Text: text[1:2]}}
			if len(text) > 2 {
				words = split.SheetWords + 1
			}
			p.Blank = words == 0
		case text[0] == '@':
			p.Symbols = []doc.Symbol{{Format: "code_128", Text: text[1:]}}
			words = 5
		default:
			words = 30
		}
		for range words {
			p.Words = append(p.Words, doc.Word{Text: "word", Box: doc.Box{10, 10, 50, 20}})
		}
		out = append(out, p)
	}
	return out
}

func TestFindAtSeparators(t *testing.T) {
	type d = split.Document
	for name, tc := range map[string]struct {
		pages []doc.Page
		want  split.Plan
	}{
		"three documents": {pages("a", "#t", "b", "b", "@RECTO-SEPARATOR", "c"), split.Plan{
			Documents: []d{{Pages: []int{1}, Confidence: 1}, {Pages: []int{3, 4}, Confidence: 1}, {Pages: []int{6}, Confidence: 1}}, Sheets: []int{2, 5}}},
		"a sheet first and last": {pages("#t", "a", "@PATCHT"), split.Plan{Documents: []d{{Pages: []int{2}, Confidence: 1}}, Sheets: []int{1, 3}}},
		"a type for what follows": {pages("@RECTO-SEPARATOR type=invoice", "a", "#2", "b"), split.Plan{
			Documents: []d{{Pages: []int{2}, Type: "invoice", Confidence: 1}, {Pages: []int{4}, Confidence: 1}}, Sheets: []int{1, 3}}},
		"two sheets in a row, the first with a type": {pages("a", "@recto-separator TYPE=Order x", "#t", "b"), split.Plan{
			Documents: []d{{Pages: []int{1}, Confidence: 1}, {Pages: []int{4}, Type: "order", Confidence: 1}}, Sheets: []int{2, 3}}},
		"blank backs stay":                {pages("a", "", "#t", "", "b", ""), split.Plan{Documents: []d{{Pages: []int{1, 2}, Confidence: 1}, {Pages: []int{4, 5, 6}, Confidence: 1}}, Sheets: []int{3}}},
		"blank pages are no document":     {pages("", "#t", "a", "#t", "", "#t", "b"), split.Plan{Documents: []d{{Pages: []int{1, 3, 5}, Confidence: 1}, {Pages: []int{7}, Confidence: 1}}, Sheets: []int{2, 4, 6}}},
		"a code on a document's own page": {pages("a", "#2 many words", "b"), split.Plan{Documents: []d{{Pages: []int{1}, Confidence: 1}, {Pages: []int{2, 3}, Confidence: 1}}}},
		"other codes mean nothing":        {pages("a", "@4006381333931", "#1", "b"), split.Plan{Documents: []d{{Pages: []int{1, 2, 3, 4}, Confidence: 1}}}},
		"nothing but sheets":              {pages("#t", "#t"), split.Plan{Sheets: []int{1, 2}}},
	} {
		got := split.Find(tc.pages)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if whole := got.Whole(); whole != (name == "other codes mean nothing" || name == "nothing but sheets") {
			t.Errorf("%s: whole is %v", name, whole)
		}
	}
}

func TestSheetRefusesWhatNoScannerReads(t *testing.T) {
	if _, err := split.Sheet("a_type_with_a_name_that_is_longer_than_any_bar_code"); doc.CodeOf(err) != doc.Invalid {
		t.Errorf("a long name: %v, want code invalid", err)
	}
	if _, err := split.Sheet("größe"); doc.CodeOf(err) != doc.Invalid {
		t.Errorf("a name that is no name: %v, want code invalid", err)
	}
}
