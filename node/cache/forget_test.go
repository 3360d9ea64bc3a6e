package cache

import (
	"fmt"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

func TestForget_TakesOneDocumentsValuesAndTheirRoom(t *testing.T) {
	t.Parallel()
	v := openTest(t).Values()
	for n := range 20 {
		for _, kind := range []Kind{Readings, Results} {
			if err := v.Put(kind, fmt.Sprintf("%02d/how", n), []byte("some words")); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := v.Stats().Bytes
	for range 2 {
		if err := v.Forget(Readings, "07/"); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := v.Get(Readings, "07/how"); ok {
		t.Error("what was to be forgotten is there")
	}
	for kind, key := range map[Kind]string{Readings: "08/how", Results: "07/how"} {
		if _, ok := v.Get(kind, key); !ok {
			t.Errorf("%s %s is gone too", kind, key)
		}
	}
	if s := v.Stats(); s.Entries != 39 || s.Bytes >= before {
		t.Errorf("%+v, want 39 entries of less than %d bytes", s, before)
	}
	if err := v.Put(Readings, "07/how", []byte("some words")); err != nil {
		t.Fatal(err)
	}
	if s := v.Stats(); s.Entries != 40 || s.Bytes != before {
		t.Errorf("%+v after it was put again, want 40 entries of %d bytes", s, before)
	}
}

func TestList_OfReviewedDocuments(t *testing.T) {
	t.Parallel()
	x := openTest(t).Index()
	for n := range 30 {
		r := record(n)
		r.Name = `"reviewed":true` // a name that wants to be taken for it
		if n%10 == 3 {
			r = done(t, r, noon)
			r.Review = &doc.Review{By: "anna", Type: "receipt"}
		}
		if err := x.Apply(uint64(n+1), r); err != nil {
			t.Fatal(err)
		}
	}
	q := doc.Query{Reviewed: true, Limit: 2}
	var got []doc.ID
	for {
		l, err := x.List(q)
		if err != nil {
			t.Fatal(err)
		}
		if l.Matched != 3 {
			t.Errorf("%d match, want 3", l.Matched)
		}
		for _, d := range l.Documents {
			got = append(got, d.ID)
			if !d.Reviewed {
				t.Errorf("%s does not say that it is reviewed", d.ID)
			}
		}
		if q.Cursor = l.Next; q.Cursor == "" {
			break
		}
	}
	if len(got) != 3 || got[0] != docID(23) || got[2] != docID(3) {
		t.Errorf("got %v", got)
	}
}
