package learn

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var slipType = doc.Type{Name: "slip", Fields: []doc.FieldSpec{
	{Name: "company", Type: doc.Name, Hint: "top", Required: true},
	{Name: "amount", Type: doc.Money, Labels: []string{"amount"}, Required: true},
	{Name: "note", Type: doc.Text, Labels: []string{"note"}},
	{Name: "items", Type: doc.Table, Columns: []doc.FieldSpec{{Name: "what", Type: doc.Text}, {Name: "price", Type: doc.Money}}},
}}

// site is a store, a control state and documents in memory.
type site struct {
	mu      sync.Mutex
	objects map[string][]byte
	values  map[string][]byte
	records []doc.Record
	pages   map[doc.ID]doc.Reading
	waiting int
	away    bool // the store does not answer
}

func newSite() *site {
	return &site{objects: map[string][]byte{}, values: map[string][]byte{}, pages: map[doc.ID]doc.Reading{}}
}

type siteState struct{ *site }

func (s siteState) Get(kind, key string) ([]byte, uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[kind+" "+key]
	return v, 1, ok
}

func (s siteState) List(kind string) map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]byte{}
	for k, v := range s.values {
		if name, ok := strings.CutPrefix(k, kind+" "); ok {
			out[name] = v
		}
	}
	return out
}

func (s siteState) Put(_ context.Context, kind, key string, value []byte, _ uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[kind+" "+key] = value
	return nil
}

func (s siteState) Delete(_ context.Context, kind, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, kind+" "+key)
	return nil
}

type siteObjects struct{ *site }

func (s siteObjects) Put(_ context.Context, key string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return doc.Errorf(doc.Unavailable, "the store is away")
	}
	s.objects[key] = body
	return nil
}

func (s siteObjects) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, doc.Errorf(doc.Unavailable, "the store is away")
	}
	b, ok := s.objects[key]
	if !ok {
		return nil, doc.Errorf(doc.NotFound, "there is no object %s", key)
	}
	return b, nil
}

func (s siteObjects) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
	return nil
}

func (s siteObjects) Keys(_ context.Context, prefix string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, doc.Errorf(doc.Unavailable, "the store is away")
	}
	var out []string
	for _, k := range sortedNames(s.objects) {
		if strings.HasPrefix(k, prefix) {
			out = append(out, k)
		}
	}
	return out, nil
}

type siteDocuments struct{ *site }

func (s siteDocuments) Reviewed(_ context.Context, fn func(doc.Record) error) error {
	s.mu.Lock()
	records := slices.Clone(s.records)
	s.mu.Unlock()
	for _, r := range slices.Backward(records) {
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

func (s siteDocuments) Reading(_ context.Context, r doc.Record) (doc.Reading, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pages[r.ID], nil
}

func (s siteDocuments) Known(id doc.ID) (doc.Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.records, func(r doc.Record) bool { return r.ID == id })
	if i < 0 {
		return doc.Record{}, false
	}
	return s.records[i], true
}

func (s siteDocuments) Type(_ context.Context, name string) (doc.Type, error) {
	if name != slipType.Name {
		return doc.Type{}, doc.Errorf(doc.NotFound, "there is no type %s", name)
	}
	return slipType, nil
}

func (s siteDocuments) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

func (s *site) learner() *Learner {
	l := New(Config{
		State: siteState{s}, Objects: siteObjects{s}, Documents: siteDocuments{s},
		Usual: doc.Target{Precision: 0.99, Delta: 0.1}, After: 1000, Quiet: time.Hour, Patience: time.Millisecond,
	})
	l.Load(context.Background())
	return l
}

// reading makes a page of lines, a word each 8 pixels a letter.
func reading(lines ...string) doc.Reading {
	p := doc.Page{Number: 1, Width: 600, Height: 800, Source: doc.FromText}
	for n, line := range lines {
		x := 40
		for _, w := range strings.Fields(line) {
			p.Words = append(p.Words, doc.Word{Text: w, Box: doc.Box{x, 40 + 30*n, x + 8*len(w), 52 + 30*n}, Confidence: 0.99, Line: n})
			x += 8*len(w) + 6
		}
	}
	return doc.Reading{Pages: []doc.Page{p}}
}

// document is the n-th document, as picked by the rules.
func (s *site) document(n int, lines ...string) (doc.Record, doc.Reading) {
	pages := reading(lines...)
	rec := doc.First(doc.Arrival{ID: doc.IDFromDigest([32]byte{byte(n), byte(n >> 8), 1}), ReceivedAt: time.Unix(int64(n), 0)})
	rec.State, rec.Revision = doc.StateReview, 3
	rec.Result = &doc.Result{Type: slipType.Name, Fields: fields.Pick(pages, slipType), Warnings: []string{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[rec.ID] = pages
	return rec, pages
}

// review lets a person correct a document, and hands it to a learner.
func (s *site) review(t *testing.T, l *Learner, rec doc.Record, c doc.Correction) doc.Record {
	t.Helper()
	next, err := Correct(rec, slipType, s.pages[rec.ID], c, "anna", time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	s.put(next)
	if l != nil {
		l.Reviewed(t.Context(), rec, next, slipType, s.pages[rec.ID])
	}
	return next
}

func (s *site) put(r doc.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(slices.DeleteFunc(s.records, func(x doc.Record) bool { return x.ID == r.ID }), r)
}

func value(v string) *string { return &v }

func TestCorrect_BringsValuesToTheirForm(t *testing.T) {
	t.Parallel()
	s := newSite()
	rec, pages := s.document(1, "Papier GmbH", "Amount 12.50 EUR", "Other 1.234,56", "Note:", "see the", "back page of this")
	next := s.review(t, nil, rec, doc.Correction{
		Fields: map[string]*string{"amount": value("€ 1.234,56"), "note": value("see the back page of this"), "company": nil},
		Rows:   map[string][]map[string]string{"items": {{"what": "back page", "price": "12,50"}, {"what": "nowhere"}}},
	})
	f := next.Result.Field("amount")
	if f.Value != "1234.56" || f.Box == nil || f.Alternatives[0].Value != "12.50" || f.Currency != "EUR" || !f.Accepted {
		t.Errorf("amount %+v", f)
	}
	if f := next.Result.Field("note"); f.Box == nil || f.Box[3] <= f.Box[1]+30 {
		t.Errorf("a note of two lines: %+v", f)
	}
	if next.Result.Field("company") != nil || next.Review.Labels["company"] != "" || next.State != doc.StateDone {
		t.Errorf("company %+v, labels %v, %s", next.Result.Field("company"), next.Review.Labels, next.State)
	}
	items := next.Result.Field("items")
	if len(items.Rows) != 2 || items.Rows[0][1].Value != "12.50" || items.Rows[0][1].Box == nil || items.Rows[1][0].Box != nil {
		t.Errorf("items %+v", items)
	}
	if rec.Result.Field("company") == nil {
		t.Error("the revision before was changed")
	}
	if d := next.Review.Read; len(d) == 0 || d[0].Field != "company" && d[0].Field != "amount" {
		t.Errorf("what was read is not kept: %+v", d)
	}
	for name, c := range map[string]doc.Correction{
		"no such column":     {Rows: map[string][]map[string]string{"items": {{"weight": "1"}}}},
		"column of its form": {Rows: map[string][]map[string]string{"items": {{"price": "much"}}}},
		"named twice":        {Fields: map[string]*string{"items": nil}, Rows: map[string][]map[string]string{"items": {}}},
		"table as a value":   {Fields: map[string]*string{"items": value("x")}},
	} {
		if _, err := Correct(rec, slipType, pages, c, "anna", time.Now()); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	rec.State = doc.StateReading
	if _, err := Correct(rec, slipType, pages, doc.Correction{Approve: true}, "anna", time.Now()); doc.CodeOf(err) != doc.Conflict {
		t.Errorf("a document that is being read: %v", err)
	}
}

var dealType = doc.Type{Name: "deal", Fields: []doc.FieldSpec{
	{Name: "party", Type: doc.Name, Hint: "prose", Labels: []string{"between"}, Repeated: true, Required: true},
	{Name: "start", Type: doc.Date, Hint: "prose", Labels: []string{"as of"}},
}}

// TestCorrect_RepeatedFields: all values of a repeated field are said at once. Those that were read stay as
// they were, others are found on the page or not, and what was not named is gone.
func TestCorrect_RepeatedFields(t *testing.T) {
	t.Parallel()
	_, pages := newSite().document(1, "Made as of March 2, 2024 between Oak Works", "Ltd. (the first) and Elm Mill GmbH, of Ulm.", "Witness Ash Field Ltd.")
	rec := doc.Record{Arrival: doc.Arrival{ID: "d"}, State: doc.StateReview, Revision: 1, Result: &doc.Result{Type: "deal", Fields: fields.Pick(pages, dealType)}}
	for i := range rec.Result.Fields {
		rec.Result.Fields[i].Model = "m"
	}
	if got := rec.Result.Values("party"); !slices.Equal(got, []string{"Oak Works Ltd.", "Elm Mill GmbH"}) {
		t.Fatalf("read %q", got)
	}
	approved, err := Correct(rec, dealType, pages, doc.Correction{Approve: true}, "anna", time.Now())
	if err != nil || approved.State != doc.StateDone || approved.Review.Labels["party"] != "Oak Works Ltd.\nElm Mill GmbH" || len(approved.Result.Values("party")) != 2 {
		t.Fatalf("%v: %+v", err, approved.Review)
	}
	next, err := Correct(rec, dealType, pages, doc.Correction{Values: map[string][]string{"party": {"Elm Mill GmbH", "Ash  Field Ltd.", "Ash Field Ltd.", "Fir Inc."}}}, "anna", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got := next.Result.Values("party"); !slices.Equal(got, []string{"Elm Mill GmbH", "Ash Field Ltd.", "Fir Inc."}) || next.State != doc.StateReview {
		t.Errorf("%q, %s: the date is open", got, next.State)
	}
	for i, source := range []doc.Source{doc.FromText, doc.FromPerson, doc.FromPerson} {
		if f := next.Result.Fields[i]; f.Source != source || !f.Accepted || f.Confidence != 1 || (f.Box == nil) != (i == 2) {
			t.Errorf("party %d: %+v", i+1, f)
		}
	}
	if len(next.Review.Unfound) != 1 || len(next.Review.Read) != 3 {
		t.Errorf("%+v", next.Review)
	}
	right := 0
	for _, v := range verdictsOf(approved) {
		if v.sample.Right {
			right++
		}
	}
	if right != 3 {
		t.Errorf("%d of 3 values that were approved count as right", right)
	}
	none, err := Correct(next, dealType, pages, doc.Correction{Values: map[string][]string{"party": {}}}, "anna", time.Now())
	if err != nil || len(none.Result.Values("party")) != 0 {
		t.Errorf("%v: %q", err, none.Result.Values("party"))
	}
	one := "Elm Mill GmbH"
	for name, c := range map[string]doc.Correction{
		"one value":      {Fields: map[string]*string{"party": &one}},
		"named twice":    {Fields: map[string]*string{"party": nil}, Values: map[string][]string{"party": {one}}},
		"not repeated":   {Values: map[string][]string{"start": {"2024-03-02"}}},
		"an empty value": {Values: map[string][]string{"party": {one, " "}}},
		"no such field":  {Values: map[string][]string{"witness": {one}}},
	} {
		if _, err := Correct(rec, dealType, pages, c, "anna", time.Now()); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCorrect_SeveralOfOneName: what was found more than once though its type does not say so, as
// barcodes, stays, in its place, when a person approves or corrects the first.
func TestCorrect_SeveralOfOneName(t *testing.T) {
	t.Parallel()
	typ := doc.Type{Name: "any", OpenKeys: true, Fields: []doc.FieldSpec{{Name: "barcode", Type: doc.Text}}}
	_, pages := newSite().document(1, "Codes 111 222", "Key: value")
	read := func(name, value string) doc.Field {
		return doc.Field{Name: name, Value: value, Type: doc.Text, Source: doc.FromBarcode, Confidence: 0.95}
	}
	rec := doc.Record{Arrival: doc.Arrival{ID: "d"}, State: doc.StateReview, Revision: 1, Result: &doc.Result{Type: "any", Fields: []doc.Field{read("key", "value"), read("barcode", "111"), read("barcode", "222"), read("other", "x")}}}
	one, key := "333", "changed"
	for name, c := range map[string]struct {
		doc.Correction
		want []string
	}{
		"approved":  {doc.Correction{Approve: true}, []string{"key=value", "barcode=111", "barcode=222", "other=x"}},
		"corrected": {doc.Correction{Fields: map[string]*string{"barcode": &one, "key": &key}}, []string{"key=changed", "barcode=333", "barcode=222", "other=x"}},
		"none":      {doc.Correction{Fields: map[string]*string{"barcode": nil}}, []string{"key=value", "other=x"}},
	} {
		next, err := Correct(rec, typ, pages, c.Correction, "anna", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range next.Result.Fields {
			got = append(got, f.Name+"="+f.Value)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestCorrect_PartOfADocumentLeavesTheRestOpen(t *testing.T) {
	t.Parallel()
	s := newSite()
	rec, _ := s.document(1, "Papier GmbH", "Amount 12.50 EUR")
	next := s.review(t, nil, rec, doc.Correction{Fields: map[string]*string{"amount": value("12.50")}})
	if next.State != doc.StateReview || next.Result.Field("company").Accepted || !next.Result.Field("amount").Accepted {
		t.Errorf("%s: %+v", next.State, next.Result.Fields)
	}
	next = s.review(t, nil, next, doc.Correction{Approve: true})
	if next.State != doc.StateDone || next.Review.Labels["amount"] != "12.50" || next.Review.Labels["note"] != "" || len(next.Review.Read) == 0 {
		t.Errorf("%s: %+v", next.State, next.Review)
	}
}

// Memory is stored with each review, found again at the start, made up for what
// the node missed, and made anew when a document is erased or said otherwise.
func TestMemory_FollowsTheReviews(t *testing.T) {
	t.Parallel()
	s := newSite()
	l := s.learner()
	var recs []doc.Record
	for n := range 3 {
		rec, _ := s.document(n, fmt.Sprintf("Papier %c GmbH", 'A'+n), "Tel +49 30 1234567"+fmt.Sprint(n), "Amount 12.50 EUR")
		recs = append(recs, s.review(t, l, rec, doc.Correction{Approve: true}))
	}
	known := func(l *Learner) int {
		m := l.Knowledge()["slip"].Memory
		if m == nil {
			return 0
		}
		return len(m.Vendors)
	}
	if known(l) != 3 {
		t.Fatalf("%d vendors are known, want 3", known(l))
	}
	if keys, _ := (siteObjects{s}).Keys(t.Context(), memoryPrefix); len(keys) != 1 {
		t.Errorf("stored memories %v, want one", keys)
	}
	again := s.learner()
	if known(again) != 3 {
		t.Errorf("%d vendors after a start, want 3", known(again))
	}
	late, _ := s.document(9, "Papier Z GmbH", "Tel +49 30 99999999", "Amount 1.00 EUR")
	s.review(t, nil, late, doc.Correction{Approve: true}) // while this node was away
	if err := again.catchUp(t.Context()); err != nil || known(again) != 4 {
		t.Errorf("%d vendors after catching up, %v, want 4", known(again), err)
	}
	gone := recs[0]
	again.Forget(gone)
	gone.State, gone.Result, gone.Review = doc.StateErased, nil, nil
	s.put(gone)
	if err := again.catchUp(t.Context()); err != nil || known(again) != 3 {
		t.Errorf("%d vendors after an erasure, %v, want 3", known(again), err)
	}
	for key, raw := range s.objects {
		m, err := readMemory(t.Context(), siteObjects{s}, key)
		if err != nil {
			t.Fatalf("%v in %d bytes", err, len(raw))
		}
		if _, ok := m.Documents[gone.ID]; ok {
			t.Error("the stored memory names an erased document")
		}
	}
	s.objects[sortedNames(s.objects)[0]] = []byte("cut")
	fresh := s.learner()
	if err := fresh.catchUp(t.Context()); err != nil || known(fresh) != 3 {
		t.Errorf("%d vendors where the stored memory is damaged, %v, want 3", known(fresh), err)
	}
}

func TestLearner_SurvivesAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	s := newSite()
	l := s.learner()
	s.away = true
	rec, _ := s.document(1, "Papier GmbH", "Tel +49 30 1234567", "Amount 12.50 EUR")
	s.review(t, l, rec, doc.Correction{Approve: true})
	if l.Knowledge()["slip"].Memory == nil {
		t.Error("a review is not remembered because the store is away")
	}
	other := s.learner()
	s.away = false
	if err := other.catchUp(t.Context()); err != nil || other.Knowledge()["slip"].Memory == nil {
		t.Errorf("after the store came back: %v", err)
	}
}

// What is found wrong by people takes acceptance back.
func TestTargets_UseWhatPeopleSaid(t *testing.T) {
	t.Parallel()
	l := newSite().learner()
	var lessons []fields.Lesson
	for n := range 6 {
		lessons = append(lessons, fields.Lesson{ID: fmt.Sprint(n), Vendor: fmt.Sprint(n % 2), Reading: reading("Papier GmbH", "Amount 12.50 EUR"), Labels: map[string]string{"amount": "12.50"}})
	}
	model, err := fields.Learn(slipType, lessons, fields.LearnOptions{Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[doc.ID][]verdict{}
	for n := range 400 {
		rec := doc.Record{Arrival: doc.Arrival{ID: doc.ID(fmt.Sprint("d", n))}, Review: &doc.Review{
			Vendor: fmt.Sprint("v", n), Labels: map[string]string{"amount": "1.00"},
			Read: []doc.Pick{{Field: "amount", Value: "1.00", Confidence: 0.9, Model: digestOf(model)}, {Field: "amount", Value: "1.00", Confidence: 0.9, Model: "another"}, {Field: "note", Value: "x", Confidence: 0.9, Model: digestOf(model)}},
		}}
		verdicts[rec.ID] = verdictsOf(rec)
	}
	targets := doc.Targets{Default: doc.Target{Precision: 0.99}, Fields: map[string]doc.Target{"amount": {Precision: 0.98}}}
	ps := evidenceOf(model, verdicts).promises(targets, true)
	if len(ps) != 2 || ps[1].Field != "amount" || !ps[1].New.Promise.Holds || ps[1].New.Samples != 400 || ps[1].New.Promise.Accepted != 400 {
		t.Errorf("400 right of 400: %+v", ps)
	}
	// 400 right of 400 that were called .9 sure: here they are surer than that.
	k := fields.Knowledge{Model: model}
	if l.applyReviews("slip", &k, verdicts); k.Site.Confidence("amount", 0.9) < 0.97 || k.Accept["amount"] > k.Site.Confidence("amount", 0.9) {
		t.Errorf("400 right of 400 called .9 are %.3f sure, accepted from %.3f", k.Site.Confidence("amount", 0.9), k.Accept["amount"])
	}
	if ps[0].New.Promise.Holds {
		t.Errorf("a promise about fields nobody looked at: %+v", ps[0])
	}
	for id := range verdicts {
		verdicts[id][0].sample.Right = len(id)%2 == 0
	}
	if p := evidenceOf(model, verdicts).promises(targets, true)[1]; p.New.Promise.Holds || p.New.Promise.Threshold <= 1 {
		t.Errorf("90 of 400 wrong: %+v", p)
	}
	if l.applyReviews("slip", &k, verdicts); math.Abs(k.Site.Confidence("amount", 0.9)-0.775) > 0.03 {
		t.Errorf("310 of 400 right that were called .9 are %.3f sure", k.Site.Confidence("amount", 0.9))
	}
	if _, err := l.PutTargets(t.Context(), slipType, doc.Targets{Default: doc.Target{Precision: 1}}); doc.CodeOf(err) != doc.Invalid {
		t.Errorf("a precision of 1: %v", err)
	}
}

// A document may be erased after memory was compared with the reviews and before
// the training it asks for begins: the live model still goes for one without it.
func TestLearner_LeavesAModelOfAnErasedDocument(t *testing.T) {
	t.Parallel()
	s := newSite()
	l := s.learner()
	var erased doc.Record
	for n := range 12 {
		amount := fmt.Sprintf("%d.50", 10+n)
		rec, _ := s.document(n, fmt.Sprintf("Papier %c GmbH", 'A'+n/2), "Ref "+fmt.Sprint(70+n), "Amount "+amount+" EUR")
		erased = s.review(t, l, rec, doc.Correction{Fields: map[string]*string{"amount": value(amount)}, Approve: true})
	}
	if err := l.train(t.Context(), slipType.Name); err != nil {
		t.Fatal(err)
	}
	before := l.chosen(slipType.Name).Live
	if before == "" {
		t.Fatal("no model went live")
	}
	erased.State, erased.Result, erased.Review = doc.StateErased, nil, nil
	s.put(erased)
	if err := l.train(t.Context(), slipType.Name); err != nil {
		t.Fatal(err)
	}
	if now := l.chosen(slipType.Name).Live; now == before {
		t.Errorf("model %s of an erased document stays live: %+v", short(now), l.entries(slipType.Name)[0].ModelInfo)
	}
}

func TestLearner_StopsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite()
	s.waiting = 1
	l := s.learner()
	l.cfg.Patience, l.cfg.After = time.Hour, 1
	l.Start()
	rec, _ := s.document(1, "Papier GmbH", "Amount 12.50 EUR")
	s.review(t, l, rec, doc.Correction{Approve: true}) // waits for the document that is being read
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
