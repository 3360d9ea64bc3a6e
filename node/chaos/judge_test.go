//go:build linux

package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/chaos/history"
	"github.com/recto-edge/recto/node/chaos/paper"
	"github.com/recto-edge/recto/node/client"
	"github.com/recto-edge/recto/node/doc"
)

// stage is three members that answer as Recto does, with files as it writes them,
// and a history that they keep.
type stage struct {
	t      *testing.T
	r      *Recto
	c      *Cluster
	h      history.History
	papers []paper.Paper
	shows  []map[doc.ID]paper.Paper // by member: what it answers with
	srv    []*httptest.Server
}

func newStage(t *testing.T) *stage {
	s := &stage{t: t, r: NewRecto(""), c: &Cluster{cfg: Config{Patience: 200 * time.Millisecond}}}
	for i := range 30 {
		p := paper.Make(7, 24*i)
		s.papers = append(s.papers, p)
		s.h.Ops = append(s.h.Ops, history.Op{SHA256: p.SHA256, Name: p.Name, Member: "n1", Acked: true, ID: p.ID, Answer: p.SHA256})
	}
	for i := range 3 {
		m := &Member{Name: fmt.Sprintf("n%d", i+1), Dir: t.TempDir()}
		shows := map[doc.ID]paper.Paper{}
		for _, p := range s.papers {
			shows[p.ID] = p
			s.keep(m, p)
		}
		srv := httptest.NewServer(answers(shows))
		x, err := client.New(srv.URL, "key", client.TLS{})
		if err != nil {
			t.Fatal(err)
		}
		m.API = srv.Listener.Addr().String()
		s.c.members, s.r.clients[m] = append(s.c.members, m), x
		s.shows, s.srv = append(s.shows, shows), append(s.srv, srv)
		t.Cleanup(func() { x.Close(); srv.Close() })
	}
	return s
}

// revisionsOf is the history of a document that was read without a hitch.
func revisionsOf(p paper.Paper) []doc.Record {
	first := doc.First(doc.Arrival{ID: p.ID, SHA256: p.SHA256, Name: p.Name})
	reading, _ := first.Next(doc.StateReading, "worker", time.Time{}) // the states are those of the table
	done, _ := reading.Next(doc.StateDone, "worker", time.Time{})
	done.Result = &doc.Result{Type: "invoice"}
	return []doc.Record{first, reading, done}
}

// keep writes what a member keeps of a document.
func (s *stage) keep(m *Member, p paper.Paper) {
	arrival, err := json.Marshal(doc.Arrival{ID: p.ID, SHA256: p.SHA256, Name: p.Name})
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(filepath.Join(m.Dir, "blobs", "originals", p.SHA256[:2], p.SHA256), p.Body)
	s.write(filepath.Join(m.Dir, "blobs", "intake", "2026-11-23", string(p.ID)+"-1.json"), arrival)
	for _, r := range revisionsOf(p) {
		b, err := json.Marshal(r)
		if err != nil {
			s.t.Fatal(err)
		}
		sum, err := digest(bytes.NewReader(b))
		if err != nil {
			s.t.Fatal(err)
		}
		s.write(filepath.Join(m.Dir, "blobs", "records", string(p.ID), fmt.Sprintf("%010d-%s.json", r.Revision, sum[:12])), b)
	}
}

func (s *stage) write(path string, b []byte) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// answers is the API of a member that shows some documents.
func answers(shows map[doc.ID]paper.Paper) http.Handler {
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) } // who asked sees what is missing
	with := func(f func(w http.ResponseWriter, p paper.Paper)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if p, ok := shows[doc.ID(r.PathValue("id"))]; ok {
				f(w, p)
				return
			}
			w.WriteHeader(http.StatusNotFound)
			say(w, doc.Errorf(doc.NotFound, "there is no such document"))
		}
	}
	mux.HandleFunc("GET /api/v1/documents", func(w http.ResponseWriter, _ *http.Request) {
		var l doc.List
		for _, p := range shows {
			l.Documents = append(l.Documents, doc.Summary{ID: p.ID, Name: p.Name, State: doc.StateDone, Revision: 3})
		}
		say(w, l)
	})
	mux.HandleFunc("GET /api/v1/documents/{id}/revisions", with(func(w http.ResponseWriter, p paper.Paper) { say(w, revisionsOf(p)) }))
	mux.HandleFunc("GET /api/v1/documents/{id}/original", with(func(w http.ResponseWriter, p paper.Paper) {
		_, _ = w.Write(p.Body) // who asked compares
	}))
	return mux
}

func (s *stage) judge() map[history.Kind][]history.Violation {
	out := map[history.Kind][]history.Violation{}
	for _, v := range s.r.Judge(s.t.Context(), s.c, s.h, nil) {
		out[v.Kind] = append(out[v.Kind], v)
	}
	return out
}

func TestJudge_AllIsWell(t *testing.T) {
	if got := newStage(t).judge(); len(got) > 0 {
		t.Errorf("members that keep everything are blamed: %v", got)
	}
}

func TestJudge_AMemberThatIsAwayIsOneViolation(t *testing.T) {
	s := newStage(t)
	s.srv[1].Close()
	got := s.judge()
	if len(got) != 1 || len(got[history.Refused]) != 1 || got[history.Refused][0].Member != "n2" {
		t.Errorf("found %v, want one violation that names n2", got)
	}
}

func TestJudge_SaysWhyAMemberWasGivenUp(t *testing.T) {
	s := newStage(t)
	s.srv[1].Close()
	const why = "missing: consumer worker-hi-bulk is not current"
	if err := s.c.members[1].GiveUp(t.Context(), fmt.Errorf("member n2 is not ready: %s", why)); err != nil {
		t.Fatal(err)
	}
	got := s.judge()[history.Refused]
	if len(got) != 1 || !strings.Contains(got[0].Text, why) {
		t.Errorf("found %v, want one violation that says %q", got, why)
	}
}

// TestJudge_FindsLossBesideAMemberThatIsAway has one member away, and takes two
// documents from the others: one from their disks, too, and from that of the member
// that is away.
func TestJudge_FindsLossBesideAMemberThatIsAway(t *testing.T) {
	s := newStage(t)
	s.srv[1].Close()
	lost, hidden := s.papers[3], s.papers[4]
	for i, m := range s.c.members {
		delete(s.shows[i], lost.ID)
		delete(s.shows[i], hidden.ID)
		for _, of := range []string{"originals/" + lost.SHA256[:2] + "/" + lost.SHA256, "records/" + string(lost.ID)} {
			if err := os.RemoveAll(filepath.Join(m.Dir, "blobs", of)); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := s.judge()
	if l := got[history.Lost]; len(l) != 1 || l[0].ID != lost.ID {
		t.Errorf("lost: %v, want %s once", l, lost.ID)
	}
	by := []string{}
	for _, v := range got[history.Hidden] {
		if by = append(by, v.Member); v.ID != hidden.ID {
			t.Errorf("hidden: %v, want %s only", v, hidden.ID)
		}
	}
	if !slices.Equal(by, []string{"n1", "n3"}) || len(got[history.Refused]) != 1 {
		t.Errorf("hidden by %v, want n1 and n3; away: %v", by, got[history.Refused])
	}
}

// TestJudge_FindsAHoleInTheArchive damages the only revision of one number on all
// disks.
func TestJudge_FindsAHoleInTheArchive(t *testing.T) {
	s := newStage(t)
	for _, m := range s.c.members {
		of, err := filepath.Glob(filepath.Join(m.Dir, "blobs", "records", string(s.papers[5].ID), "0000000002-*.json"))
		if err != nil || len(of) != 1 {
			t.Fatalf("%v, %v", of, err)
		}
		s.write(of[0], []byte("torn"))
	}
	got := s.judge()
	if l := got[history.Archive]; len(l) != 1 || l[0].ID != s.papers[5].ID || len(got) != 1 {
		t.Errorf("found %v, want revision 2 of %s", got, s.papers[5].ID)
	}
}

func TestPlan_FullLoadEndsSoonAfterTheLastFaultBegan(t *testing.T) {
	p := Plan{Least: 3 * time.Second, Faults: []Fault{{Kind: Exchange, At: time.Second}, {Kind: Stop, At: 2 * time.Second, For: 20 * time.Second}}}
	if got, want := p.burst(), 22*time.Second+afterwards; got != want {
		t.Errorf("full load for %v, want %v", got, want)
	}
}

// holed is a system whose log has a hole: an index that is made anew lacks what the
// others were told when it was whole.
type holed struct {
	*Recto
	forget func(*Member)
}

func (h holed) Renew(_ context.Context, _ *Cluster, m *Member) error {
	h.forget(m)
	return nil
}

func TestRenew_SeesAHoleThatOnlyAnEmptyIndexShows(t *testing.T) {
	s := newStage(t)
	gone := s.papers[9].ID
	s.c.cfg.System = holed{s.r, func(m *Member) { delete(s.shows[slices.Index(s.c.members, m)], gone) }}
	if before := s.judge(); len(before) > 0 {
		t.Fatalf("blamed while nobody begins anew: %v", before)
	}
	lane, rep := &Lane{c: s.c}, Report{}
	found := lane.renew(t.Context(), s.c, Plan{Seed: 10}, s.h, &rep)
	if !slices.ContainsFunc(found, func(v history.Violation) bool {
		return v.ID == gone && v.Kind == history.Hidden && v.Member == rep.Renewed && strings.Contains(v.Text, "made anew")
	}) {
		t.Errorf("found %v, want that %s hides %s", found, rep.Renewed, gone)
	}
}
