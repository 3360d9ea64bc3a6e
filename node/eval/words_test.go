package eval_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
)

// page makes a page of lines of words; each word is ten pixels a character wide.
func page(n int, lines ...[]string) doc.Page {
	p := doc.Page{Number: n, Width: 600, Height: 800}
	for i, line := range lines {
		x := 10
		for _, w := range line {
			p.Words = append(p.Words, doc.Word{Text: w, Line: i, Box: doc.Box{x, 30 * i, x + 10*len(w), 30*i + 20}})
			x += 10*len(w) + 10
		}
	}
	return p
}

func TestCompareWordsByHand(t *testing.T) {
	truth := doc.Reading{Pages: []doc.Page{page(2, []string{"Blue", "Door"}, []string{"Total", "12.00"}, []string{"12.00"})}}
	read := doc.Reading{Pages: []doc.Page{
		page(1, []string{"not", "compared"}),
		page(2, []string{"TOTAL", "12.00"}, []string{"BlueDoor"}, []string{"noise", "total"}),
	}}
	got := eval.CompareWords(truth, read)
	// right: one TOTAL of two read, and one 12.00 of two true. Lines: one blank lost, and the second 12.00.
	want := eval.Words{Documents: 1, True: 5, Read: 5, Right: 2, Recall: 0.4, Precision: 0.4, F1: 0.4, Chars: 25, Errors: 6, CER: 6.0 / 25, Ink: 23, InkErrors: 5, InkCER: 5.0 / 23}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("words (-want +got):\n%s", d)
	}
	none := eval.CompareWords(truth, doc.Reading{})
	if none.Recall != 0 || none.CER != 1 || none.Read != 0 {
		t.Errorf("a page that was not read: %+v", none)
	}
}

// TestCompareWordsLeavesOutRules: rows of dots are no words, and a wide gap ends a
// line, since what stands beside it may be read much later.
func TestCompareWordsLeavesOutRules(t *testing.T) {
	left, right := page(1, []string{"Total", "......", "****1"}), page(1, []string{"12.00"})
	for i := range right.Words {
		right.Words[i].Box[0] += 400
		right.Words[i].Box[2] += 400
	}
	truth := page(1)
	truth.Words = append(left.Words, right.Words...)
	read := page(1, []string{"TOTAL", "****1"}, []string{"between"}, []string{"12.00", "-----"})
	got := eval.CompareWords(doc.Reading{Pages: []doc.Page{truth}}, doc.Reading{Pages: []doc.Page{read}})
	if got.True != 3 || got.Read != 4 || got.Right != 3 || got.Errors != 0 || got.Chars != 16 {
		t.Errorf("words: %+v", got)
	}
}

func TestTranscript(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) eval.Case {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return eval.Case{ID: name, Boxes: path}
	}
	type word struct {
		Text string
		Box  doc.Box
		Line int
	}
	want := []word{{"Blue", doc.Box{10, 20, 50, 40}, 0}, {"Door,", doc.Box{60, 20, 110, 40}, 0}, {"12", doc.Box{10, 50, 30, 70}, 1}}
	for name, c := range map[string]eval.Case{
		"boxes":       write("a.txt", "\ufeff10,20,110,20,110,40,10,40,Blue Door,\r\n\n10,50,30,50,30,70,10,70,12\n"),
		"annotations": write("b.json", `{"annotations":[{"box":[10,20,110,20,110,40,10,40],"text":"Blue Door,"},{"box":[10.0,50,30,50,30,70,10,70],"text":"12"}]}`),
		"form":        write("c.json", `{"form":[{"words":[{"box":[10,20,50,40],"text":"Blue"},{"box":[60,20,110,40],"text":"Door,"},{"box":[10,50,30,70],"text":"12"},{"box":[40,50,50,70],"text":" "}]}]}`),
	} {
		r, err := eval.Transcript(c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []word
		first := r.Pages[0].Words[0].Line
		for _, w := range r.Pages[0].Words {
			got = append(got, word{w.Text, w.Box, w.Line - first})
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	for name, c := range map[string]eval.Case{
		"too few":   write("d.txt", "1,2,3,4,text\n"),
		"no number": write("e.txt", "1,2,3,4,5,6,7,x,text\n"),
		"no JSON":   write("f.json", "{"),
	} {
		if _, err := eval.Transcript(c); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("%s: error %v, want code invalid", name, err)
		}
	}
	if r, err := eval.Transcript(eval.Case{ID: "x"}); r != nil || err != nil {
		t.Errorf("a case without a file of words: %v, %v", r, err)
	}
}

// TestDoubts: labels that the document does not show are doubted, those that it
// shows in another form or misread are not, and all count as they stand.
func TestDoubts(t *testing.T) {
	read := doc.Reading{Pages: []doc.Page{page(1,
		[]string{"B1ue", "Door", "Company"}, []string{"Total:", "12"}, []string{"noise", "98.00"})}}
	cases := []eval.Case{{ID: "a", Path: "a.pdf", Line: 7, Labels: raw(`{"company":"Blue Door Company","total":"12.00","note":"nowhere on it"}`)}}
	score := func(truth *doc.Reading) eval.Report {
		a := answer(field("total", "98.00", doc.Money, 0.9, false))
		a.Reading, a.Truth = read, truth
		return eval.Score(cases, []eval.Outcome{{ID: "a", Answer: a}}, eval.Options{Types: []doc.Type{slip}, Form: form})
	}
	r := score(nil)
	want := []eval.Doubt{{ID: "a", Line: 7, Field: "note", Label: "nowhere on it"}}
	if d := cmp.Diff(want, r.Doubts); d != "" {
		t.Errorf("doubts (-want +got):\n%s", d)
	}
	if r.Micro.Labelled != 3 || r.Micro.Right != 0 || len(r.Misses) != 3 {
		t.Errorf("a doubted label does not count: %+v", r.Micro)
	}
	places := map[string]*doc.Box{}
	for _, m := range r.Misses {
		places[m.Field] = m.LabelBox
	}
	wantPlaces := map[string]*doc.Box{"company": {10, 0, 180, 20}, "total": {80, 30, 100, 50}, "note": nil}
	if d := cmp.Diff(wantPlaces, places); d != "" {
		t.Errorf("places of labels (-want +got):\n%s", d)
	}
	// The true words say that no 12 stands there: it was misread.
	truth := doc.Reading{Pages: []doc.Page{page(1, []string{"Blue", "Door", "Company"}, []string{"Total:", "17"}, []string{"98.00"})}}
	var fields []string
	for _, d := range score(&truth).Doubts {
		fields = append(fields, d.Field)
	}
	if d := cmp.Diff([]string{"note", "total"}, fields); d != "" {
		t.Errorf("doubts with true words (-want +got):\n%s", d)
	}
}
