package history_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/chaos/history"
	"github.com/recto-edge/recto/node/chaos/paper"
	"github.com/recto-edge/recto/node/doc"
)

// world is a run that kept every promise, made up from three members.
type world struct {
	papers []paper.Paper
	h      history.History
	f      history.Final
}

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newWorld() *world {
	w := &world{f: history.Final{Copies: 2, Before: map[doc.ID]bool{}}}
	for i := range 4 {
		p := paper.Make(1, i)
		w.papers = append(w.papers, p)
		w.h.Ops = append(w.h.Ops, history.Op{
			SHA256: p.SHA256, Name: p.Name, Member: "a", Acked: true, ID: p.ID, Answer: p.SHA256,
			Start: epoch.Add(time.Duration(i) * time.Second), End: epoch.Add(time.Duration(i)*time.Second + 50*time.Millisecond),
		})
	}
	// The second was delivered twice on purpose, the fourth once without an answer too.
	again := w.h.Ops[1]
	again.Member = "b"
	w.h.Ops = append(w.h.Ops, again, history.Op{SHA256: w.papers[3].SHA256, Name: w.papers[3].Name, Member: "c", Start: epoch, End: epoch.Add(time.Second), Problem: "reset"})
	for _, m := range []string{"a", "b", "c"} {
		v := history.View{Member: m, Revisions: map[doc.ID][]doc.Record{}, Originals: map[doc.ID]string{}, Problems: map[doc.ID]string{}}
		d := history.Disk{Member: m, Originals: map[string]bool{}, Arrivals: map[doc.ID]int{}, Records: map[doc.ID]map[uint64][]string{}}
		for _, p := range w.papers {
			v.Documents = append(v.Documents, doc.Summary{ID: p.ID, Name: p.Name, State: doc.StateDone, Revision: 3})
			v.Revisions[p.ID] = revisions(p)
			v.Originals[p.ID] = p.SHA256
			d.Originals[p.SHA256], d.Arrivals[p.ID] = true, 1
			d.Records[p.ID] = map[uint64][]string{1: {"d1"}, 2: {"d2"}, 3: {"d3"}}
		}
		w.f.Views, w.f.Disks = append(w.f.Views, v), append(w.f.Disks, d)
	}
	return w
}

func revisions(p paper.Paper) []doc.Record {
	first := doc.First(doc.Arrival{ID: p.ID, SHA256: p.SHA256, Name: p.Name, ReceivedAt: epoch})
	reading, err := first.Next(doc.StateReading, "worker", epoch)
	if err != nil {
		panic(err)
	}
	done, err := reading.Next(doc.StateDone, "worker", epoch)
	if err != nil {
		panic(err)
	}
	done.Result = &doc.Result{Type: "invoice"}
	return []doc.Record{first, reading, done}
}

func TestCheck_GoodRun(t *testing.T) {
	w := newWorld()
	if got := history.Check(w.h, w.f); len(got) > 0 {
		t.Errorf("a run without fault is blamed: %v", got)
	}
	if n := w.h.Acked(); n != 4 {
		t.Errorf("%d documents acknowledged, want 4", n)
	}
}

// TestCheck_FindsEachViolation forges one broken promise at a time. The checker
// must name it, for the right document.
func TestCheck_FindsEachViolation(t *testing.T) {
	hit := func(w *world) doc.ID { return w.papers[2].ID }
	tests := []struct {
		name  string
		want  history.Kind
		forge func(w *world)
	}{
		{"a member does not list it", history.Hidden, func(w *world) { w.drop(1, hit(w)) }},
		{"no member shows it, and disks have it", history.Hidden, func(w *world) {
			for m := range w.f.Views {
				w.vanish(m, hit(w))
			}
		}},
		{"all lost it", history.Lost, func(w *world) { w.lose(hit(w)) }},
		{"all lost it, and nobody looked at disks", history.Lost, func(w *world) { w.lose(hit(w)); w.f.Disks = nil }},
		{"a revision in no archive", history.Archive, func(w *world) {
			for _, d := range w.f.Disks {
				delete(d.Records[hit(w)], 2)
			}
		}},
		{"the last revision in no archive", history.Archive, func(w *world) {
			for _, d := range w.f.Disks {
				delete(d.Records[hit(w)], 3)
			}
		}},
		{"listed without history", history.Hidden, func(w *world) { delete(w.f.Views[0].Revisions, hit(w)) }},
		{"receipt of another", history.Answered, func(w *world) { w.h.Ops[2].ID = w.papers[0].ID }},
		{"receipt with another digest", history.Answered, func(w *world) { w.h.Ops[2].Answer = w.papers[0].SHA256 }},
		{"listed twice", history.Doubled, func(w *world) {
			w.f.Views[2].Documents = append(w.f.Views[2].Documents, w.f.Views[2].Documents[2])
		}},
		{"sent by nobody", history.Stranger, func(w *world) {
			for m := range w.f.Views {
				w.f.Views[m].Documents = append(w.f.Views[m].Documents, doc.Summary{ID: paper.Make(9, 9).ID, Name: "ghost"})
			}
		}},
		{"one content, two documents", history.Doubled, func(w *world) {
			for m := range w.f.Views {
				w.f.Views[m].Documents = slices.Insert(w.f.Views[m].Documents, 0, doc.Summary{ID: paper.Make(9, 9).ID, Name: w.papers[2].Name})
			}
		}},
		{"never read", history.Unsettled, func(w *world) { w.revise(0, hit(w), func(r []doc.Record) []doc.Record { return r[:2] }) }},
		{"failed", history.Unread, func(w *world) {
			w.revise(0, hit(w), func(r []doc.Record) []doc.Record {
				r[2].State, r[2].Result, r[2].Reason = doc.StateFailed, nil, doc.Errorf(doc.Internal, "attempts used up")
				return r
			})
		}},
		{"two results", history.Twice, func(w *world) {
			w.revise(0, hit(w), func(r []doc.Record) []doc.Record {
				again := r[2]
				again.Revision++
				return append(r, again)
			})
		}},
		{"a revision is missing", history.Gap, func(w *world) {
			w.revise(0, hit(w), func(r []doc.Record) []doc.Record { return slices.Delete(r, 1, 2) })
		}},
		{"the first is missing", history.Gap, func(w *world) {
			w.revise(0, hit(w), func(r []doc.Record) []doc.Record { return r[1:] })
		}},
		{"a step that none may take", history.Gap, func(w *world) {
			w.revise(0, hit(w), func(r []doc.Record) []doc.Record { r[1].State = doc.StateErased; return r })
		}},
		{"two revisions with one number", history.Fork, func(w *world) {
			w.revise(0, hit(w), func(r []doc.Record) []doc.Record { r[2].Revision = 2; return r })
		}},
		{"two histories on two disks", history.Fork, func(w *world) { w.f.Disks[1].Records[hit(w)][3] = []string{"other"} }},
		{"two histories on one disk", history.Fork, func(w *world) { w.f.Disks[1].Records[hit(w)][3] = []string{"d3", "other"} }},
		{"other bytes given out", history.Bytes, func(w *world) { w.f.Views[1].Originals[hit(w)] = w.papers[0].SHA256 }},
		{"no bytes given out", history.Bytes, func(w *world) { delete(w.f.Views[1].Originals, hit(w)) }},
		{"damaged bytes on a disk", history.Bytes, func(w *world) { w.f.Disks[0].Originals[w.papers[2].SHA256] = false }},
		{"one copy", history.Copies, func(w *world) {
			delete(w.f.Disks[0].Originals, w.papers[2].SHA256)
			delete(w.f.Disks[1].Originals, w.papers[2].SHA256)
		}},
		{"one intake record", history.Copies, func(w *world) {
			delete(w.f.Disks[0].Arrivals, hit(w))
			delete(w.f.Disks[1].Arrivals, hit(w))
		}},
		{"lists differ in a revision", history.Lists, func(w *world) { w.f.Views[2].Documents[2].Revision = 2 }},
		{"lists differ in a document nobody was answered for", history.Lists, func(w *world) {
			p := paper.Make(1, 50)
			w.h.Ops = append(w.h.Ops, history.Op{SHA256: p.SHA256, Name: p.Name, Problem: "timeout"})
			w.f.Views[1].Documents = append(w.f.Views[1].Documents, doc.Summary{ID: p.ID, Name: p.Name, State: doc.StateDone, Revision: 3})
		}},
		{"a member does not answer", history.Hidden, func(w *world) { w.f.Views[1].Problems[hit(w)] = "503" }},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			tc.forge(w)
			got := history.Check(w.h, w.f)
			if !slices.ContainsFunc(got, func(v history.Violation) bool { return v.Kind == tc.want }) {
				t.Errorf("not found: %s; found %v", tc.want, got)
			}
			for _, v := range got {
				if v.ID != hit(w) && v.ID != paper.Make(9, 9).ID && v.ID != paper.Make(1, 50).ID {
					t.Errorf("an innocent document is blamed: %s", v)
				}
			}
		})
	}
}

// TestCheck_AMemberThatIsAwayIsOneViolation has one member not answer, and looks
// that this is said once, and that what else is wrong is still found.
func TestCheck_AMemberThatIsAwayIsOneViolation(t *testing.T) {
	const why = "missing: jetstream: consumer is not current"
	tests := []struct {
		name  string
		forge func(w *world)
		want  []history.Kind // in order
	}{
		{"nothing else", func(*world) {}, []history.Kind{history.Refused}},
		{"what only its disk has is not lost, but hidden by those who answer", func(w *world) {
			id, sum := w.papers[2].ID, w.papers[2].SHA256
			w.lose(id)
			w.f.Disks[0].Originals[sum], w.f.Disks[0].Arrivals[id] = true, 1
		}, []history.Kind{history.Copies, history.Copies, history.Hidden, history.Hidden, history.Refused}},
		{"a document that nobody has", func(w *world) { w.lose(w.papers[2].ID) }, []history.Kind{history.Lost, history.Refused}},
		{"all are away", func(w *world) {
			for m := range w.f.Views {
				w.away(m, why)
			}
		}, []history.Kind{history.Refused, history.Refused, history.Refused}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			w.away(0, why)
			tc.forge(w)
			var kinds []history.Kind
			for _, v := range history.Check(w.h, w.f) {
				if kinds = append(kinds, v.Kind); v.Kind == history.Refused && (v.Member == "" || !strings.Contains(v.Text, why)) {
					t.Errorf("it does not say who is away, and why: %s", v)
				}
				if v.Kind == history.Hidden && v.Member == "a" {
					t.Errorf("a member that was not asked is blamed for a document: %s", v)
				}
			}
			slices.Sort(kinds)
			if !slices.Equal(kinds, tc.want) {
				t.Errorf("found %v, want %v", kinds, tc.want)
			}
		})
	}
}

// away has a member not answer: nothing that it shows is known.
func (w *world) away(member int, why string) {
	w.f.Views[member] = history.View{Member: w.f.Views[member].Member, Away: why}
}

// vanish has a member show nothing of a document.
func (w *world) vanish(member int, id doc.ID) {
	w.drop(member, id)
	delete(w.f.Views[member].Revisions, id)
	delete(w.f.Views[member].Originals, id)
}

// lose takes a document from everywhere.
func (w *world) lose(id doc.ID) {
	for m := range w.f.Views {
		w.vanish(m, id)
	}
	for _, d := range w.f.Disks {
		delete(d.Arrivals, id)
		delete(d.Records, id)
		for _, p := range w.papers {
			if p.ID == id {
				delete(d.Originals, p.SHA256)
			}
		}
	}
}

func (w *world) drop(member int, id doc.ID) {
	v := &w.f.Views[member]
	v.Documents = slices.DeleteFunc(v.Documents, func(d doc.Summary) bool { return d.ID == id })
}

func (w *world) revise(member int, id doc.ID, f func([]doc.Record) []doc.Record) {
	revs := w.f.Views[member].Revisions
	revs[id] = f(revs[id])
}

func TestPause_LongestTimeWithoutAnswer(t *testing.T) {
	at := func(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }
	op := func(from, to int, ok bool) history.Op {
		return history.Op{SHA256: fmt.Sprintf("%064x", from), Start: at(from), End: at(to), Acked: ok}
	}
	h := history.History{Ops: []history.Op{
		op(0, 10, true), op(100, 1100, false), op(200, 1300, true), op(5000, 5010, true), // nobody asked between 1300 and 5000
	}}
	if got, want := h.Pause(), 1200*time.Millisecond; got != want {
		t.Errorf("pause %v, want %v", got, want)
	}
	if got, want := h.PauseWithin(at(150), at(6000)), 1100*time.Millisecond; got != want {
		t.Errorf("pause within a window %v, want %v", got, want)
	}
	// Who is never answered waits until the last one gives up.
	h.Ops = append(h.Ops, op(7000, 10_000, false), op(10_050, 13_050, false))
	if got, want := h.Pause(), 6050*time.Millisecond; got != want {
		t.Errorf("pause without an end %v, want %v", got, want)
	}
}
