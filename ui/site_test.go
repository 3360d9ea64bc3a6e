package ui_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/api"
	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/auth/authtest"
	"github.com/recto-edge/recto/node/doc"
)

// site is a real API server over a node in memory that holds real documents.
type site struct {
	t    *testing.T
	url  string
	auth *auth.Auth
	ids  map[string]doc.ID // by file name

	mu      sync.Mutex
	records map[doc.ID][]doc.Record // revisions, oldest first
	pages   map[doc.ID][]doc.Page
	images  map[doc.ID][]string
	bodies  map[doc.ID][]byte
	subs    map[chan doc.Event]doc.ID
	missing []string
	retries []api.RetryOptions
	arrived chan doc.ID // told of each new document
	members doc.ClusterView
	asked   []string // of the cluster
}

const password = "correct horse battery"

// openSite starts a server; filled puts the documents in, and a user "anna".
func openSite(t *testing.T, filled bool) *site {
	t.Helper()
	s := &site{
		t: t, ids: map[string]doc.ID{}, records: map[doc.ID][]doc.Record{}, pages: map[doc.ID][]doc.Page{},
		images: map[doc.ID][]string{}, bodies: map[doc.ID][]byte{}, subs: map[chan doc.Event]doc.ID{}, arrived: make(chan doc.ID, 16),
		members: alone(),
	}
	s.auth = auth.New(auth.Config{Cost: auth.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}}, authtest.New())
	if filled {
		if _, err := s.auth.CreateUser(t.Context(), "anna", password, auth.Admin); err != nil {
			t.Fatal(err)
		}
		s.fill()
	}
	srv, err := api.New(api.Config{Addr: "127.0.0.1:0", Version: "0.1.0"}, s.auth, api.Ports{
		Documents: documents{s}, Content: content{s}, Types: types{s}, Events: events{s}, Status: status{s}, Cluster: cluster{s}, Member: cluster{s},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Listen(); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = srv.Shutdown(ctx) // a browser keeps connections; they are cut
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	s.url = srv.URL()
	return s
}

// sample is a file of testdata: a result with its pages.
type sample struct {
	Name   string     `json:"name"`
	Size   int64      `json:"size"`
	Result doc.Result `json:"result"`
	Pages  []doc.Page `json:"pages"`
}

func load(t *testing.T, name string) sample {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var v sample
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// fill puts in one document of each kind, and enough others for two pages.
func (s *site) fill() {
	invoice, receipt := load(s.t, "invoice"), load(s.t, "receipt")
	now := time.Now().UTC()
	for i := range 70 {
		name := fmt.Sprintf("scan-%03d.pdf", i)
		res := invoice.Result
		res.Fields = slices.Clone(res.Fields)
		res.Fields[0].Value = fmt.Sprintf("INV-%05d", 4000+i*37)
		state := doc.StateDone
		if i%9 == 4 {
			state = doc.StateReview
		}
		s.put(name, state, nil, &res, now.Add(-time.Duration(40+i*i)*time.Minute))
	}
	damaged := doc.Unreadable(doc.DetailDamaged, "this PDF is cut off: its table of contents is missing", nil)
	locked := doc.Unreadable(doc.DetailPassword, "this PDF is encrypted and needs a password", nil)
	s.put("broken-scan.pdf", doc.StateFailed, damaged, nil, now.Add(-34*time.Minute))
	s.put("contract-locked.pdf", doc.StateHeld, locked, nil, now.Add(-21*time.Minute))
	s.put("tankbeleg.tiff", doc.StateQueued, nil, nil, now.Add(-2*time.Minute))
	s.put("lieferschein.pdf", doc.StateReading, nil, nil, now.Add(-time.Minute))
	r := s.put(receipt.Name, doc.StateReview, nil, &receipt.Result, now.Add(-9*time.Minute))
	v := s.put(invoice.Name, doc.StateDone, nil, &invoice.Result, now.Add(-4*time.Minute))
	s.pages[r], s.images[r] = receipt.Pages, []string{"receipt-1.jpg"}
	s.pages[v], s.images[v] = invoice.Pages, []string{"invoice-1.jpg", "invoice-2.jpg"}
	z := s.put("mail-2026-11.zip", doc.StateDone, nil, nil, now.Add(-12*time.Minute))
	last := len(s.records[z]) - 1
	s.records[z][last].Children = []doc.ID{r, v}
	for _, child := range []doc.ID{r, v} {
		for i := range s.records[child] {
			s.records[child][i].Parent, s.records[child][i].Channel = z, "archive"
		}
	}
}

// put makes a document with its history up to state.
func (s *site) put(name string, state doc.State, reason *doc.Error, res *doc.Result, at time.Time) doc.ID {
	s.t.Helper()
	sum := sha256.Sum256([]byte(name))
	id := doc.IDFromDigest(sum)
	channel := "http"
	if strings.HasPrefix(name, "scan-") {
		channel = "folder"
	}
	first := doc.First(doc.Arrival{
		ID: id, SHA256: hex.EncodeToString(sum[:]), Size: 772337, Name: name, Channel: channel, Sender: "user:anna",
		Priority: doc.Normal, ReceivedAt: at,
	})
	first.UpdatedAt = at
	revs := []doc.Record{first}
	for _, to := range []doc.State{doc.StateQueued, doc.StateReading, state} {
		last := revs[len(revs)-1]
		if last.State == state || last.State == to {
			continue
		}
		next, err := last.Next(to, "worker", at.Add(time.Duration(len(revs))*time.Second))
		if err != nil {
			s.t.Fatal(err)
		}
		revs = append(revs, next)
	}
	revs[len(revs)-1].Reason, revs[len(revs)-1].Result = reason, res
	s.records[id], s.ids[name], s.bodies[id] = revs, id, []byte(name)
	return id
}

// move appends a revision and tells everybody.
func (s *site) move(id doc.ID, to doc.State, res *doc.Result) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	next, err := s.last(id).Next(to, "worker", time.Now().UTC())
	if err != nil {
		s.t.Errorf("move %s: %v", to, err)
		return
	}
	next.Result = res
	s.records[id] = append(s.records[id], next)
	s.send(doc.Event{ID: id, Revision: next.Revision, State: to, Name: next.Name})
}

// progress tells everybody how far a document is.
func (s *site) progress(id doc.ID, stage string, page, pages int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.send(doc.Event{ID: id, Revision: s.last(id).Revision, State: doc.StateReading, Stage: stage, Page: page, Pages: pages})
}

func (s *site) send(e doc.Event) {
	e.At = time.Now().UTC()
	for ch, only := range s.subs {
		if only == "" || only == e.ID {
			ch <- e
		}
	}
}

func (s *site) last(id doc.ID) doc.Record { r := s.records[id]; return r[len(r)-1] }
