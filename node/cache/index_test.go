package cache

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func openTest(t testing.TB) *DB {
	t.Helper()
	d, err := Open(filepath.Join(t.TempDir(), "cache.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func docID(n int) doc.ID {
	return doc.IDFromDigest(sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n))))
}

// record is document n as of its first revision, received n seconds after noon.
func record(n int) doc.Record {
	return doc.First(doc.Arrival{
		ID: docID(n), SHA256: fmt.Sprintf("%064x", n), Size: int64(n), Name: fmt.Sprintf("Scan %d.pdf", n),
		Channel: "http", Priority: doc.Normal, ReceivedAt: noon.Add(time.Duration(n) * time.Second),
	})
}

func done(t testing.TB, r doc.Record, at time.Time, fields ...doc.Field) doc.Record {
	t.Helper()
	r, err := r.Next(doc.StateReading, "worker", at)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = r.Next(doc.StateDone, "worker", at); err != nil {
		t.Fatal(err)
	}
	r.Result = &doc.Result{Type: "receipt", Pages: 1, Fields: fields, Route: doc.RouteLocal}
	return r
}

func ids(l doc.List) []doc.ID {
	var out []doc.ID
	for _, s := range l.Documents {
		out = append(out, s.ID)
	}
	return out
}

func TestApplyIsIdempotent(t *testing.T) {
	t.Parallel()
	x := openTest(t).Index()
	first := record(1)
	second := done(t, first, noon.Add(time.Minute))
	for range 3 { // delivered again, also after a later one
		for i, r := range []doc.Record{first, second} {
			if err := x.Apply(uint64(10+i), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if x.Applied() != 11 {
		t.Errorf("Applied = %d; want 11", x.Applied())
	}
	got, ok := x.Get(first.ID)
	if d := gocmp.Diff(second, got); !ok || d != "" {
		t.Errorf("Get (-want +got):\n%s", d)
	}
	o, err := x.Overview(noon.Add(2 * time.Minute))
	if err != nil || o.Total != 1 || o.ByState[doc.StateDone] != 1 || o.LastHour != 1 || o.Today != 1 || o.PerHour[23] != 1 {
		t.Errorf("Overview = %+v, %v", o, err)
	}
	if err := x.Apply(12, first); err != nil { // a log that repeats an old revision
		t.Fatal(err)
	}
	if got, _ := x.Get(first.ID); got.State != doc.StateDone || x.Applied() != 12 {
		t.Errorf("an old revision replaced a newer one: %s, applied %d", got.State, x.Applied())
	}
}

func TestApplyAllIsAllOrNothing(t *testing.T) {
	t.Parallel()
	x := openTest(t).Index()
	bad := record(2)
	bad.ID = "../etc"
	if err := x.ApplyAll([]Change{{1, record(1)}, {2, bad}}); doc.CodeOf(err) != doc.Invalid {
		t.Errorf("ApplyAll: %v; want invalid", err)
	}
	if _, ok := x.Get(docID(1)); ok || x.Applied() != 0 {
		t.Errorf("half of a batch is there; applied %d", x.Applied())
	}
}

func TestIndexSurvivesReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	for n := 1; n <= 3; n++ {
		d, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if d.Index().Applied() != uint64(n-1) {
			t.Errorf("open %d: applied %d", n, d.Index().Applied())
		}
		if err := d.Index().Apply(uint64(n), record(n)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Index().Apply(99, record(1)); doc.CodeOf(err) != doc.Unavailable {
			t.Errorf("Apply after Close: %v; want unavailable", err)
		}
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	x := openTest(t).Index()
	errs := make(chan error)
	for range 10 {
		go func() { errs <- x.Wait(t.Context(), 2) }()
	}
	for seq := uint64(1); seq <= 2; seq++ {
		if err := x.Apply(seq, record(int(seq))); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if err := x.Wait(t.Context(), 1); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.Wait(ctx, 3); err == nil {
		t.Error("Wait for what never came gives nil")
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	d := openTest(t)
	x := d.Index()
	if err := x.Apply(5, record(1)); err != nil {
		t.Fatal(err)
	}
	if err := x.SetSwept("2026-11-21"); err != nil || x.Swept() != "2026-11-21" {
		t.Fatalf("Swept = %q, %v", x.Swept(), err)
	}
	if err := d.Values().Put(Results, "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	if err := x.Reset(); err != nil {
		t.Fatal(err)
	}
	l, err := x.List(doc.Query{})
	if err != nil || len(l.Documents) != 0 || l.Matched != 0 || x.Applied() != 0 || x.Swept() != "" {
		t.Errorf("after Reset: %+v, applied %d, swept %q, %v", l, x.Applied(), x.Swept(), err)
	}
	if _, ok := d.Values().Get(Results, "k"); !ok {
		t.Error("Reset of the index dropped a cached value")
	}
	if err := x.Apply(1, record(1)); err != nil || x.Applied() != 1 {
		t.Errorf("Apply after Reset: %v", err)
	}
}

func TestListAndOverviewAgreeWithAModel(t *testing.T) {
	t.Parallel()
	x := openTest(t).Index()
	rng := rand.New(rand.NewPCG(1, 2))
	model := map[doc.ID]doc.Record{}
	channels, names := []string{"http", "folder", "cli"}, []string{"Müller GmbH", "ACME Corp", "Ärzte-Haus", "Café Olé"}
	now := noon
	for seq := uint64(1); seq <= 600; seq++ {
		now = now.Add(time.Duration(rng.IntN(400)) * time.Second)
		n := rng.IntN(200)
		r, known := model[docID(n)]
		if !known {
			r = record(n)
			r.ReceivedAt, r.UpdatedAt, r.Channel = now, now, channels[rng.IntN(3)]
		} else {
			next := doc.States[rng.IntN(len(doc.States))]
			moved, err := r.Next(next, "test", now)
			if err != nil {
				continue
			}
			r = moved
			r.Result = &doc.Result{Type: []string{"receipt", "invoice"}[rng.IntN(2)], Fields: []doc.Field{
				{Name: "company", Type: doc.Name, Value: names[rng.IntN(4)], Confidence: 0.9},
				{Name: "total", Type: doc.Money, Value: fmt.Sprintf("%d.50", rng.IntN(100)), Raw: "EUR x", Confidence: 0.5},
			}}
		}
		model[r.ID] = r
		if err := x.Apply(seq, r); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []doc.Query{
		{}, {State: doc.StateDone}, {State: doc.StateQueued}, {Type: "invoice"}, {Channel: "cli"}, {Text: "MÜLLER"},
		{Text: "scan .50"}, {Text: "olé café"}, {Text: "eur x", Type: "receipt", State: doc.StateReview}, {Text: "nowhere"},
		{Text: string(docID(3))}, {State: doc.StateErased, Channel: "folder"},
	} {
		compareWithModel(t, x, model, q)
	}
	var want doc.Overview
	want.ByState = map[doc.State]int{}
	for _, r := range model {
		want.ByState[r.State]++
		want.Total++
		if r.State.Settled() && r.UpdatedAt.Unix()/60 > now.Unix()/60-60 {
			want.LastHour++
		}
		if r.ReceivedAt.Truncate(24 * time.Hour).Equal(now.Truncate(24 * time.Hour)) {
			want.Today++
		}
		if ago := now.Unix()/3600 - r.ReceivedAt.Unix()/3600; ago < 24 {
			want.PerHour[23-ago]++
		}
	}
	got, err := x.Overview(now)
	if d := gocmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("Overview: %v (-want +got):\n%s", err, d)
	}
}

// compareWithModel pages through the answer of q and compares it with a sort and
// a search over plain records.
func compareWithModel(t *testing.T, x *Index, model map[doc.ID]doc.Record, q doc.Query) {
	t.Helper()
	var want []doc.Record
	for _, r := range model {
		text := strings.ToLower(r.Name + " " + string(r.ID))
		kind := r.Type
		if r.Result != nil {
			kind = r.Result.Type
			for _, f := range r.Result.Fields {
				text += "\n" + strings.ToLower(f.Value) + "\n" + strings.ToLower(f.Raw)
			}
		}
		match := (q.State == "" || q.State == r.State) && (q.Type == "" || q.Type == kind) && (q.Channel == "" || q.Channel == r.Channel)
		for _, w := range strings.Fields(strings.ToLower(q.Text)) {
			match = match && strings.Contains(text, w)
		}
		if match {
			want = append(want, r)
		}
	}
	slices.SortFunc(want, func(a, b doc.Record) int {
		return -cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), cmp.Compare(a.ID, b.ID))
	})
	var wantIDs, got []doc.ID
	for _, r := range want {
		wantIDs = append(wantIDs, r.ID)
	}
	q.Limit = 7
	for {
		l, err := x.List(q)
		if err != nil || l.Matched != len(want) {
			t.Fatalf("List(%+v): matched %d, %v; want %d", q, l.Matched, err, len(want))
		}
		got = append(got, ids(l)...)
		if l.Next == "" {
			break
		}
		q.Cursor = l.Next
	}
	if d := gocmp.Diff(wantIDs, got); d != "" {
		t.Errorf("List(%+v) (-want +got):\n%s", q, d)
	}
}

func TestListRefusesBadQueries(t *testing.T) {
	t.Parallel()
	x := openTest(t).Index()
	for _, q := range []doc.Query{{State: "nonsense"}, {Cursor: "%%%"}, {Cursor: "AAAA"}, {Cursor: strings.Repeat("A", 60)}} {
		if _, err := x.List(q); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("List(%+v): %v; want invalid", q, err)
		}
	}
}

func TestRowSaysWhatAPersonKnowsTheDocumentBy(t *testing.T) {
	t.Parallel()
	x := openTest(t).Index()
	r := done(t, record(1), noon,
		doc.Field{Name: "company", Type: doc.Name, Value: "ACME", Confidence: 0.9},
		doc.Field{Name: "net", Type: doc.Money, Value: "10.00", Currency: "EUR", Confidence: 0.8},
		doc.Field{Name: "total", Type: doc.Money, Value: "11.90", Currency: "EUR", Confidence: 0.7},
		doc.Field{Name: "items", Type: doc.Table, Confidence: 0.95, Rows: [][]doc.Field{{{Name: "text", Value: "Blue Widget"}}}})
	if err := x.Apply(1, r); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"widget", "acme 11.90", "SCAN"} {
		l, err := x.List(doc.Query{Text: text})
		if err != nil || len(l.Documents) != 1 {
			t.Fatalf("List(%q) = %+v, %v", text, l, err)
		}
		if s := l.Documents[0]; s.Headline != "ACME · 11.90 EUR" || s.Lowest != 0.7 || s.Type != "receipt" || s.Pages != 1 {
			t.Errorf("summary = %+v", s)
		}
	}
	r = done(t, record(2), noon, doc.Field{Name: "party", Type: doc.Name, Value: "Oak Ltd"}, doc.Field{Name: "party", Type: doc.Name, Value: "Elm Inc"}, doc.Field{Name: "witness", Type: doc.Name, Value: "Ash"})
	if err := x.Apply(2, r); err != nil {
		t.Fatal(err)
	}
	if l, err := x.List(doc.Query{Text: "elm"}); err != nil || len(l.Documents) != 1 || l.Documents[0].Headline != "Oak Ltd, Elm Inc" {
		t.Errorf("a contract is known by its parties: %+v, %v", l.Documents, err)
	}
}

func TestChildren(t *testing.T) {
	t.Parallel()
	x := openTest(t).Index()
	parent := record(1)
	changes := []Change{{1, parent}}
	for n := 2; n <= 4; n++ {
		r := record(n)
		r.Parent = parent.ID
		changes = append(changes, Change{uint64(n), r}, Change{uint64(n + 10), done(t, r, noon)})
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Seq, b.Seq) })
	if err := x.ApplyAll(changes); err != nil {
		t.Fatal(err)
	}
	kids, err := x.Children(parent.ID)
	if err != nil || len(kids) != 3 || kids[0].State != doc.StateDone {
		t.Errorf("Children = %+v, %v", kids, err)
	}
	if kids, err := x.Children(docID(2)); err != nil || len(kids) != 0 {
		t.Errorf("Children of a leaf = %+v, %v", kids, err)
	}
}

func TestCountersForgetThePast(t *testing.T) {
	t.Parallel()
	d := openTest(t)
	for n := range 400 {
		r := record(n)
		r.ReceivedAt = noon.Add(time.Duration(n) * time.Hour)
		if err := d.Index().Apply(uint64(n+1), done(t, r, r.ReceivedAt)); err != nil {
			t.Fatal(err)
		}
	}
	old := record(0)
	old, err := done(t, old, noon).Next(doc.StateQueued, "person", noon.Add(400*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	old.ReceivedAt = noon
	if err := d.Index().Apply(500, old); err != nil {
		t.Fatal(err)
	}
	o, err := d.Index().Overview(noon.Add(399 * time.Hour))
	if err != nil || o.Total != 400 || o.LastHour != 1 || o.PerHour != [24]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1} {
		t.Errorf("Overview = %+v, %v", o, err)
	}
	n := 0
	err = d.view(func(tx *bboltTx) error {
		return tx.Bucket(bucketCounts).ForEach(func(_, _ []byte) error { n++; return nil })
	})
	if err != nil || n > 2+keepHours+1+keepMinutes/60+2 {
		t.Errorf("%d counters are kept, %v", n, err)
	}
}

// What the log did not show is taken in beside it, and documents come in order of
// their IDs, page by page.
func TestIndex_AmendAndAfter(t *testing.T) {
	t.Parallel()
	x := openTest(t).Index()
	want := map[doc.ID]uint64{}
	for n := range 5 {
		if err := x.Apply(uint64(n+1), record(n)); err != nil {
			t.Fatal(err)
		}
		want[docID(n)] = 1
	}
	later, unknown := done(t, record(1), noon.Add(time.Minute)), record(7)
	for _, r := range []doc.Record{later, record(1), unknown} { // an older one changes nothing
		if err := x.Amend(r); err != nil {
			t.Fatal(err)
		}
	}
	want[later.ID], want[unknown.ID] = later.Revision, 1
	if x.Applied() != 5 {
		t.Errorf("Applied = %d, want 5", x.Applied())
	}
	o, err := x.Overview(noon.Add(2 * time.Minute))
	if err != nil || o.Total != 6 || o.ByState[doc.StateDone] != 1 {
		t.Errorf("overview %+v, %v", o, err)
	}
	got := map[doc.ID]uint64{}
	var last doc.ID
	for {
		page, err := x.After(last, 4)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			if r.ID <= last {
				t.Errorf("%s comes after %s", r.ID, last)
			}
			got[r.ID], last = r.Revision, r.ID
		}
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("in order (-want +got):\n%s", d)
	}
}
