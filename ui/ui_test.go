package ui

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"
)

// example gives a full view model of each page.
func example() map[string]any {
	frame := Frame{User: "anna", Role: "admin", Urgent: 2, May: May{true, true, true, true, true, true, true}, Types: []Option{{Value: "receipt", Text: "Receipt"}}}
	cell := Field{Key: "f1r0c0", Name: "amount", Title: "Amount", Kind: "money", Value: "1.00", Failed: []string{"product"}, Page: 1}
	row := Row{ID: "x", Name: "a.pdf", State: "failed", Reason: "it is damaged", Channel: "http", Lowest: 0.5, HasLowest: true, ReceivedAt: time.Now()}
	return map[string]any{
		PageSetup: Setup{Token: "t", Error: "no", Mismatch: true}, PageLogin: Login{Next: "/", Error: "no", NeedsSetup: true},
		PageOverview:  Overview{Frame: frame, Missing: []string{"broker"}, Total: 2, PerHour: make([]int, 24), Latest: []Row{row}},
		PageDocuments: Documents{Frame: frame, Query: Query{Text: "a", Cursor: "c"}, Rows: []Row{row}, Next: "n"},
		PageDocument: Document{
			Frame: frame, ID: "x", Name: "a.pdf", State: "held", Settled: true, Reason: &Reason{Detail: "password", Message: "locked"},
			Parent: &Link{ID: "p", Name: "p.zip"}, Children: []Link{{ID: "c", Name: "c.pdf", State: "done"}}, Warnings: []string{"odd"},
			Pages:   []Page{{Number: 1, Width: 10, Height: 20, Turned: 90, Blank: true, Boxes: []Box{NewBox("f0", "Total: 1", [4]int{5, 5, 8, 8}, 0.9, false)}}, {Number: 2}},
			Fields:  []Field{{Key: "f0", Title: "Total", Kind: "money", Value: "1.00", Raw: "one", Currency: "EUR", Checks: []string{"sum"}, Failed: []string{"net+tax=total"}, Alternatives: []Alternative{{"2.00", 0.1}}}},
			Tables:  []Table{{Name: "items", Title: "Items", Columns: []Column{{"amount", "Amount", true}, {"text", "Text", false}}, Rows: [][]Field{{cell, {}}}}},
			ToCheck: 1, Missing: []string{"Date"}, History: []Revision{{Number: 1, State: "queued", Reason: "x", Changed: "Total"}}, Timings: []Timing{{"ocr", 1200}}, Models: []string{"m"}, Route: "local",
		},
		PageTypes: Types{Frame: frame, List: []Type{{Name: "receipt", Caption: "Receipt", Fields: make([]Spec, 12)}}},
		PageType: Type{
			Frame: frame, Name: "receipt", Caption: "Receipt", Revision: "sha256:abc", Checks: []string{"a=b"}, Keywords: []string{"cash"},
			Fields: []Spec{{Name: "total", Title: "Total", Kind: "money", Required: true, Repeated: true, Labels: []string{"total"}, Avoid: []string{"subtotal"}, Pattern: "x", Columns: []Spec{{Name: "c", Kind: "text"}}}},
		},
		PageStatus: Status{Frame: frame, Engines: []Engine{{"broker", "1", "down", "gone"}}, Models: []string{"m"}, Missing: []string{"broker"}},
		PageCluster: Cluster{
			Frame: frame, ID: "c1", Advice: "Any one may fail.", Goal: "Three copies.", Level: 1, LevelUp: 2,
			Alarms: []Alarm{{true, "attic", "It is away."}, {false, "", "Odd."}}, Steps: []Step{{"copying", "", 0.4}, {"waiting", "no room", -1}, {"joining", "", -1}},
			Members: []Member{
				{ID: "n1", Name: "cellar", State: "active", Role: "leader", Self: true, Up: true, Ready: true, Workers: 4, Busy: 1, DiskUsed: 1, DiskFree: 3, Skew: 3, Peer: "10.0.0.5:8421", CertUntil: time.Now(), Skills: []string{"ocr"}},
				{ID: "n2", Name: "attic", State: "draining", LogBehind: 4, IndexBehind: 1, CopiesDue: 2, Missing: []string{"broker"}, Note: "odd"},
				{ID: "n3", Name: "shed", State: "leaving", Role: "standby", Up: true, Workers: 99, SeenAt: time.Now()},
			},
			Removed: []Member{{ID: "n4", Name: "barn"}}, Copies: CopiesState{Kind: "files", Want: 3, Due: 1, Checked: 7, Healed: 1, Round: time.Now()}, Log: LogState{Leader: "cellar"},
		},
		PageInvite:  Invite{Frame: frame, Command: "recto up", Error: "no"},
		PageConfirm: Confirm{Frame: frame, What: "remove", Name: "attic", Self: true, Down: true, Left: 2, Error: "no"},
		PageError:   Error{Frame: frame, Status: 500, Message: "oops", RequestID: "id"},
	}
}

// inline finds what the content security policy forbids.
var inline = regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+=|javascript:|https?://`)

// Every page renders in full, with no script or style in it and no other host.
func TestPagesKeepThePolicy(t *testing.T) {
	t.Parallel()
	u, err := New()
	if err != nil {
		t.Fatal(err)
	}
	views := example()
	for _, page := range pages {
		var out strings.Builder
		if err := u.Render(&out, page, views[page]); err != nil {
			t.Error(err)
			continue
		}
		if found := inline.FindString(out.String()); found != "" {
			t.Errorf("page %s holds %q", page, found)
		}
	}
	for _, state := range []string{"received", "queued", "reading", "held", "review", "done", "failed", "erased"} {
		doc := views[PageDocument].(Document)
		doc.State, doc.Settled, doc.Reason = state, state != "received" && state != "queued" && state != "reading", nil
		var out strings.Builder
		if err := u.Render(&out, PageDocument, doc); err != nil {
			t.Errorf("document %s: %v", state, err)
		}
	}
	if err := u.Render(&strings.Builder{}, "nowhere", nil); err == nil {
		t.Error("a page that does not exist renders")
	}
}

// What a document says is text, never markup.
func TestContentIsEscaped(t *testing.T) {
	t.Parallel()
	u, err := New()
	if err != nil {
		t.Fatal(err)
	}
	const bad = `"><img src=x onerror=alert(1)>`
	doc := example()[PageDocument].(Document)
	doc.Name, doc.Fields[0].Value, doc.Fields[0].Key, doc.Warnings = bad, bad, bad, []string{bad}
	var out strings.Builder
	if err := u.Render(&out, PageDocument, doc); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "<img src=x") {
		t.Error("a value gets out of its place")
	}
}

// All files the layout names exist, under a name that changes with them.
func TestStaticFilesExist(t *testing.T) {
	t.Parallel()
	u, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := u.Render(&out, PageLogin, Login{}); err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`"/static/([^"]+)"`).FindAllStringSubmatch(out.String(), -1)
	if len(found) < 6 {
		t.Fatalf("found %d files in the layout", len(found))
	}
	for _, f := range found {
		if _, err := fs.ReadFile(u.Static(), f[1]); err != nil {
			t.Error(err)
		}
		_, bare, _ := strings.Cut(f[1], "/")
		if _, err := fs.ReadFile(u.Static(), bare); err == nil {
			t.Errorf("%s is served without its digest", bare)
		}
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		percent(0.99999): "99.9\u202f%", percent(1): "100\u202f%", percent(0.123): "12.3\u202f%", percent(-1): "0.0\u202f%",
		size(999): "999 B", size(1500): "1.5 kB", size(772337): "772 kB", size(512 << 20): "537 MB",
		grouped("1234567"): "1\u202f234\u202f567", grouped("12"): "12", milliseconds(1230): "1.2 s",
		groupIdentifier("iban", "GB29NWBK"): "GB29\u2009NWBK", short("sha256:0123456789abcdef"): "0123456789ab",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, n := range []int{0, 1, 4, 5, 11, 21, 99, 5000} {
		if top := roundUp(n); top < n || top%2 != 0 || (n > 4 && top > 2*n) {
			t.Errorf("a scale for %d ends at %d", n, top)
		}
	}
	if !tells("date", "1. Mai 2026", "2026-05-01") || tells("money", "€ 1.234,50", "1234.50") || tells("iban", "GB29 NWBK", "GB29NWBK") {
		t.Error("what the page says is shown when it says nothing more, or hidden when it does")
	}
}

// The scale of the chart holds every bar.
func TestChart(t *testing.T) {
	t.Parallel()
	c := Overview{PerHour: []int{0, 1, 300, 1000}}.Chart()
	if c.Sum != 1301 || c.Peak != 1000 || len(c.Bars) != 4 {
		t.Fatalf("chart %+v", c)
	}
	for _, b := range c.Bars {
		if b.Y < 0 || b.Y+b.H != c.Height || (b.Count > 0) != (b.H > 0) {
			t.Errorf("bar %+v", b)
		}
	}
}

// The drawing of the cluster has a place for every machine, and room for those
// that lack until any one may fail.
func TestPicture(t *testing.T) {
	t.Parallel()
	for n := range 8 {
		if n == 0 {
			continue
		}
		c := Cluster{Members: make([]Member, n)}
		for i := range c.Members {
			c.Members[i] = Member{Name: "warehouse-scanner-7.example", State: "active", Ready: true, Up: i != 1}
		}
		p := c.Picture()
		empty, broken := 0, 0
		for i, a := range p.Places {
			if a.X < 45 || a.X > p.Width-45 || a.Y < 35 || a.Y > p.Height-40 {
				t.Errorf("%d machines: %+v does not fit %d×%d", n, a, p.Width, p.Height)
			}
			for _, b := range p.Places[:i] {
				if dx, dy := a.X-b.X, a.Y-b.Y; dx > -58 && dx < 58 && dy > -40 && dy < 40 {
					t.Errorf("%d machines: %+v and %+v lie over each other", n, a, b)
				}
			}
			if a.Empty {
				empty++
			} else if len([]rune(a.Name)) > longestName {
				t.Errorf("name %q is too long", a.Name)
			}
		}
		for _, l := range p.Lines {
			if l.Broken {
				broken++
			}
		}
		if empty != max(0, 3-n) || len(p.Lines) != n*(n-1)/2 || broken != n-1 {
			t.Errorf("%d machines: %d empty places, %d lines, %d broken", n, empty, len(p.Lines), broken)
		}
	}
}
