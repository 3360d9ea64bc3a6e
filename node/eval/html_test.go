package eval_test

import (
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
)

var update = flag.Bool("update", false, "write golden files")

// measured makes a report with one of everything; text is put wherever text goes.
func measured(t *testing.T, text string) eval.Report {
	t.Helper()
	cases := vendors(2, 2)
	for i := range cases {
		cases[i].ID += text
		cases[i].Labels = raw(`{"total":"1.00"}`)
		cases[i].Labels["note"+text] = raw(`{"x":` + quoted(text+" on it") + `}`)["x"]
	}
	at := func(f doc.Field, b doc.Box) doc.Field { f.Box = &b; return f }
	reading := doc.Reading{Pages: []doc.Page{page(1, []string{"Total", "1.00", "or", "7.00"}, []string{"nothing", "else"})}}
	outcomes := []eval.Outcome{
		{ID: cases[0].ID, Fold: 1, Known: true, Answer: answer(field("total", "1.00", doc.Money, 0.95, true))},
		{ID: cases[1].ID, Fold: 1, Answer: answer(at(field("total", "7.00", doc.Money, 0.9, true), doc.Box{150, 0, 190, 20}), field("note"+text, text+" got", doc.Text, 0.4, false))},
		{ID: cases[2].ID, Fold: 2, Answer: answer()},
		{ID: cases[3].ID, Fold: 2, Err: doc.Unreadable(doc.DetailDamaged, "the file is damaged "+text, nil)},
	}
	for i := range outcomes[:3] {
		outcomes[i].Reading, outcomes[i].Truth = reading, &reading
	}
	r := eval.Score(cases, outcomes, eval.Options{Types: []doc.Type{slip}, Form: form})
	earlier := eval.Score(cases, outcomes[1:], eval.Options{Types: []doc.Type{slip}, Form: form})
	c, err := eval.Compare(earlier, r)
	if err != nil {
		t.Fatal(err)
	}
	c.Broken = append(c.Broken, eval.Turn{ID: cases[1].ID, Field: "note" + text})
	r.Comparison = &c
	return r
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

func whole(_ context.Context, _ string, _ int, region doc.Box) ([]byte, doc.Box, error) {
	return []byte("a picture"), region, nil
}

func written(t *testing.T, r eval.Report, o eval.PageOptions) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteHTML(context.Background(), &b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPageGolden keeps the structure of the page: everything but its style.
func TestPageGolden(t *testing.T) {
	got := written(t, measured(t, ""), eval.PageOptions{Title: "slips", How: "as slip", Made: "today", Picture: whole})
	got = regexp.MustCompile(`(?s)<style>.*</style>`).ReplaceAllString(got, "")
	path := filepath.Join("testdata", "page.golden.html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("page (-want +got; go test -update writes it):\n%s", d)
	}
}

func TestPageHasItsParts(t *testing.T) {
	got := written(t, measured(t, ""), eval.PageOptions{Title: "slips", Picture: whole})
	for _, id := range []string{"headline", "vendors", "comparison", "fields", "reliability", "coverage", "costs", "calibration", "pictures", "misses", "doubts", "failures"} {
		if strings.Count(got, `id="`+id+`"`) != 1 {
			t.Errorf("the page has no part %s, or two", id)
		}
	}
	if strings.Contains(got, "<script") || strings.Contains(got, "http://") || strings.Contains(got, "https://") {
		t.Error("the page needs a script or something from outside")
	}
	drawings := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(got, -1)
	if len(drawings) < 3+2+2+1 { // charts, a bar and a small one a field, a picture
		t.Errorf("%d drawings on the page", len(drawings))
	}
	for _, d := range drawings {
		dec := xml.NewDecoder(strings.NewReader(d))
		var err error
		for err == nil {
			_, err = dec.Token()
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("a drawing is not well-formed: %v\n%s", err, d)
		}
		if strings.Contains(d, "NaN") || strings.Contains(d, "Inf") {
			t.Errorf("a drawing has no numbers:\n%s", d)
		}
	}
	// the box of what was got, moved by where the picture begins
	if !strings.Contains(got, `class="box-got"`) || !strings.Contains(got, `class="box-label"`) || !strings.Contains(got, "data:image/jpeg;base64,YSBwaWN0dXJl") {
		t.Error("the picture of a miss lacks itself or a box")
	}
}

// TestPageOfNothing: a report without a label, a prediction or a document is a page
// all the same.
func TestPageOfNothing(t *testing.T) {
	for name, r := range map[string]eval.Report{
		"no documents":   eval.Score(nil, nil, eval.Options{Form: form}),
		"no predictions": eval.Score(vendors(1), []eval.Outcome{{ID: "v0-0"}}, eval.Options{Form: form}),
	} {
		got := written(t, r, eval.PageOptions{Title: name, Picture: whole})
		if !strings.HasSuffix(strings.TrimSpace(got), "</html>") || strings.Contains(got, "NaN") {
			t.Errorf("%s: the page is not whole", name)
		}
	}
}

func TestPageEscapesEverything(t *testing.T) {
	hostile := `"'><script>alert(1)</script><img src=x onerror=alert(1)></title></style></text></svg>{{.}}` + "\n]]>"
	got := written(t, measured(t, hostile), eval.PageOptions{Title: hostile, How: hostile, Made: hostile, Picture: whole})
	for _, bad := range []string{"<script", "<img", "</style></text>", "</title></style>", "alert(1)</script>"} {
		if strings.Contains(got, bad) {
			at := strings.Index(got, bad)
			t.Errorf("the page holds %s: …%s…", bad, got[max(0, at-80):at+40])
		}
	}
	if n := strings.Count(got, "&lt;script&gt;"); n < 12 {
		t.Errorf("the text is there %d times only: the test tests little", n)
	}
	if plain := written(t, measured(t, ""), eval.PageOptions{Title: "x", Picture: whole}); strings.Count(plain, "<") != strings.Count(got, "<") {
		t.Error("hostile text made or hid an element")
	}
}

// TestPictures: few, the worst first, and a page without one that cannot be had.
func TestPictures(t *testing.T) {
	cases := vendors(30)
	var out []eval.Outcome
	for i, c := range cases {
		f := field("total", "2.00", doc.Money, float64(i)/30, i == 3)
		f.Box = &doc.Box{100, 100, 140, 120}
		out = append(out, eval.Outcome{ID: c.ID, Answer: answer(f)})
	}
	r := eval.Score(cases, out, eval.Options{Types: []doc.Type{slip}, Form: form})
	var asked []string
	var region doc.Box
	got := written(t, r, eval.PageOptions{Title: "x", Pictures: 4, Rows: 5, Picture: func(_ context.Context, id string, n int, b doc.Box) ([]byte, doc.Box, error) {
		asked, region = append(asked, id), b
		if id == "v0-28" {
			return nil, doc.Box{}, errors.New("no such page")
		}
		return []byte("x"), b, nil
	}})
	if d := cmp.Diff([]string{"v0-27", "v0-28", "v0-29", "v0-3"}, asked); d != "" {
		t.Errorf("pictures asked for (-want +got):\n%s", d)
	}
	if region[0] > 60 || region[1] > 80 || region[2] < 180 || region[3] < 140 {
		t.Errorf("region %v around 100,100 to 140,120 shows nothing of what is around", region)
	}
	order := regexp.MustCompile(`<p class="id">(v0-\d+)`).FindAllStringSubmatch(got, -1)
	if len(order) != 3 || order[0][1] != "v0-3" || order[1][1] != "v0-29" || !strings.Contains(got, "Pictures that could not be made: 1") || !strings.Contains(got, "And 25 more") {
		t.Errorf("pictures shown: %v", order)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err := r.WriteHTML(ctx, io.Discard, eval.PageOptions{Picture: func(context.Context, string, int, doc.Box) ([]byte, doc.Box, error) {
		cancel()
		return nil, doc.Box{}, ctx.Err()
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended: error %v", err)
	}
}
