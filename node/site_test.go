package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/recto-edge/recto/node/client"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/nodetest"
)

// What a site does, it does with one member and with three, whichever of them is
// asked: the scenarios are the same.
func TestSite(t *testing.T) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d", n), func(t *testing.T) {
			if n > 1 && testing.Short() {
				t.Skip("starts several nodes")
			}
			s := nodetest.Start(t, n)
			for _, c := range []struct {
				name string
				run  func(t *testing.T, s *nodetest.Site)
			}{
				{"every member takes and shows documents", takesAndShows},
				{"the same bytes are one document", sameBytes},
				{"a type is known everywhere", typesEverywhere},
				{"erased is erased everywhere", erasedEverywhere},
				{"events come from everywhere", eventsEverywhere},
			} {
				t.Run(c.name, func(t *testing.T) { c.run(t, s) })
			}
		})
	}
}

// submit delivers an invoice with a number of its own.
func submit(t *testing.T, m *nodetest.Member, number string) doc.Receipt {
	t.Helper()
	body := invoiceXML(number)
	r, err := m.Submit(t.Context(), number+".xml", bytes.NewReader(body), int64(len(body)), client.SubmitOptions{})
	if err != nil {
		t.Fatalf("submit %s to %s: %v", number, m.Name, err)
	}
	return r
}

// readEverywhere waits until every running member shows the document as read.
func readEverywhere(t *testing.T, s *nodetest.Site, ids ...doc.ID) {
	t.Helper()
	for _, id := range ids {
		s.Until("every member shows document "+string(id), func(ctx context.Context) bool {
			for _, m := range s.Running() {
				r, err := m.Get(ctx, id)
				if err != nil || !r.State.Settled() || r.Result == nil {
					return false
				}
			}
			return true
		})
	}
}

func takesAndShows(t *testing.T, s *nodetest.Site) {
	var ids []doc.ID
	for i, m := range s.Running() {
		for k := range 4 {
			ids = append(ids, submit(t, m, fmt.Sprintf("A-%d-%d", i, k)).ID)
		}
	}
	readEverywhere(t, s, ids...)
	for _, m := range s.Running() {
		for i, id := range ids {
			body, _, err := m.Original(t.Context(), id)
			if err != nil {
				t.Fatalf("%s: original %d: %v", m.Name, i, err)
			}
			got, err := io.ReadAll(body)
			if err := errors.Join(err, body.Close()); err != nil {
				t.Fatal(err)
			}
			if want := invoiceXML(fmt.Sprintf("A-%d-%d", i/4, i%4)); !bytes.Equal(got, want) {
				t.Errorf("%s gives other bytes of document %d", m.Name, i)
			}
		}
	}
}

func sameBytes(t *testing.T, s *nodetest.Site) {
	first := submit(t, s.Running()[0], "B-1")
	readEverywhere(t, s, first.ID)
	for _, m := range s.Running() {
		if again := submit(t, m, "B-1"); again.ID != first.ID || !again.Duplicate {
			t.Errorf("%s: %+v, want a duplicate of %s", m.Name, again, first.ID)
		}
	}
	revs, err := s.Running()[0].Revisions(t.Context(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range revs {
		if r.Revision != revs[0].Revision+uint64(i) {
			t.Errorf("revision %d follows %d", r.Revision, revs[max(0, i-1)].Revision)
		}
	}
}

func typesEverywhere(t *testing.T, s *nodetest.Site) {
	up := s.Running()
	typ := doc.Type{Name: "delivery_note", Title: "Delivery note", Fields: []doc.FieldSpec{{Name: "number", Title: "Number", Type: doc.Identifier, Labels: []string{"note"}}}}
	if err := up[len(up)-1].PutType(t.Context(), typ); err != nil {
		t.Fatal(err)
	}
	for _, m := range up {
		s.Until(m.Name+" knows the type", func(ctx context.Context) bool {
			_, err := m.Type(ctx, typ.Name)
			return err == nil
		})
	}
}

func erasedEverywhere(t *testing.T, s *nodetest.Site) {
	up := s.Running()
	r := submit(t, up[0], "D-1")
	readEverywhere(t, s, r.ID)
	s.Until("the document is erased", func(ctx context.Context) bool {
		_, err := up[len(up)-1].Erase(ctx, r.ID)
		if err != nil && doc.CodeOf(err) != doc.Unavailable { // which asks to try again
			t.Fatal(err)
		}
		return err == nil
	})
	for _, m := range up {
		s.Until(m.Name+" has erased the document", func(ctx context.Context) bool {
			now, err := m.Get(ctx, r.ID)
			if err != nil || now.State != doc.StateErased || now.Result != nil {
				return false
			}
			body, _, err := m.Original(ctx, r.ID)
			if err == nil {
				_ = body.Close()
			}
			return doc.CodeOf(err) == doc.NotFound
		})
	}
}

func eventsEverywhere(t *testing.T, s *nodetest.Site) {
	up := s.Running()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := make(chan doc.ID, 1000)
	ready := make(chan error, 1)
	go func() {
		ready <- up[len(up)-1].Follow(ctx, "", func(e doc.Event) error {
			seen <- e.ID
			return nil
		})
	}()
	var last doc.ID
	i := 0
	s.Until("an event of another member's document comes", func(ctx context.Context) bool {
		last = submit(t, up[0], fmt.Sprintf("E-%d", i)).ID
		i++
		select {
		case <-seen:
			return true
		default:
			return false
		}
	})
	s.Until("the last one comes, too", func(ctx context.Context) bool {
		select {
		case id := <-seen:
			return id == last
		default:
			return false
		}
	})
	cancel()
	<-ready
}
