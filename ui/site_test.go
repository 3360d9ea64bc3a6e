package ui_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"crypto/sha256"
	"encoding/hex"

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
}

const password = "correct horse battery"

// openSite starts a server; filled puts the documents in, and a user "anna".
func openSite(t *testing.T, filled bool) *site {
	t.Helper()
	s := &site{
		t: t, ids: map[string]doc.ID{}, records: map[doc.ID][]doc.Record{}, pages: map[doc.ID][]doc.Page{},
		images: map[doc.ID][]string{}, bodies: map[doc.ID][]byte{}, subs: map[chan doc.Event]doc.ID{}, arrived: make(chan doc.ID, 16),
	}
	s.auth = auth.New(auth.Config{Cost: auth.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}}, authtest.New())
	if filled {
		if _, err := s.auth.CreateUser(t.Context(), "anna", password, auth.Admin); err != nil {
			t.Fatal(err)
		}
		s.fill()
	}
	srv, err := api.New(api.Config{Addr: "127.0.0.1:0", Version: "0.1.0"}, s.auth, api.Ports{
		Documents: documents{s}, Content: content{s}, Types: types{s}, Events: events{s}, Status: status{s},
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

type documents struct{ *site }

func (s documents) Submit(_ context.Context, r io.Reader, d doc.Delivery) (doc.Receipt, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return doc.Receipt{}, err
	}
	if len(raw) == 0 {
		return doc.Receipt{}, doc.Unreadable(doc.DetailEmpty, "the file is empty: there is nothing to read", nil)
	}
	sum := sha256.Sum256(raw)
	id := doc.IDFromDigest(sum)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := doc.Arrival{
		ID: id, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(raw)), Name: d.Name, Channel: d.Channel,
		Sender: d.Sender, Type: d.Type, Priority: d.Priority, ReceivedAt: time.Now().UTC(),
	}
	_, known := s.records[id]
	if !known {
		rec := doc.First(a)
		rec.UpdatedAt = a.ReceivedAt
		s.records[id], s.bodies[id], s.ids[d.Name] = []doc.Record{rec}, raw, id
		s.send(doc.Event{ID: id, Revision: rec.Revision, State: rec.State, Name: d.Name})
	}
	s.arrived <- id
	return doc.Receipt{ID: id, SHA256: a.SHA256, Size: a.Size, Name: d.Name, State: s.last(id).State, Duplicate: known}, nil
}

func (s documents) Get(_ context.Context, id doc.ID) (doc.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.records[id]) == 0 {
		return doc.Record{}, doc.Errorf(doc.NotFound, "there is no document %s", id)
	}
	return s.last(id), nil
}

func (s documents) List(_ context.Context, q doc.Query) (doc.List, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []doc.Summary
	for id := range s.records {
		if row, ok := summary(s.last(id), q); ok {
			all = append(all, row)
		}
	}
	slices.SortFunc(all, func(a, b doc.Summary) int { return b.ReceivedAt.Compare(a.ReceivedAt) })
	l := doc.List{Matched: len(all)}
	from := 0
	if q.Cursor != "" {
		if _, err := fmt.Sscanf(q.Cursor, "from-%d", &from); err != nil || from > len(all) {
			return l, doc.Errorf(doc.Invalid, "this is not a place in the list")
		}
	}
	to := min(len(all), from+q.Limit)
	if to < len(all) {
		l.Next = fmt.Sprintf("from-%d", to)
	}
	l.Documents = all[from:to]
	return l, nil
}

func summary(r doc.Record, q doc.Query) (doc.Summary, bool) {
	row := doc.Summary{
		ID: r.ID, Name: r.Name, State: r.State, Channel: r.Channel, Size: r.Size, Revision: r.Revision,
		ReceivedAt: r.ReceivedAt, UpdatedAt: r.UpdatedAt,
	}
	text := r.Name
	if r.Reason != nil {
		row.Reason = r.Reason.Message
	}
	if r.Result != nil {
		row.Type, row.Pages, row.Lowest = r.Result.Type, r.Result.Pages, 1
		who, total := "", ""
		for _, f := range r.Result.Fields {
			text += " " + f.Value
			row.Lowest = min(row.Lowest, f.Confidence)
			switch f.Name {
			case "seller_name", "company":
				who = f.Value
			case "gross_total", "total":
				total = f.Value + " " + f.Currency
			}
		}
		row.Headline = who + " · " + total
	}
	ok := (q.State == "" || q.State == r.State) && (q.Type == "" || q.Type == row.Type) && (q.Channel == "" || q.Channel == r.Channel) &&
		strings.Contains(strings.ToLower(text), strings.ToLower(q.Text))
	return row, ok
}

func (s documents) Revisions(_ context.Context, id doc.ID) ([]doc.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.records[id]), nil
}

func (s documents) Retry(_ context.Context, id doc.ID, o api.RetryOptions) (doc.Record, error) {
	s.mu.Lock()
	s.retries = append(s.retries, o)
	s.mu.Unlock()
	s.move(id, doc.StateQueued, nil)
	return s.Get(context.Background(), id)
}

type content struct{ *site }

func (s content) Original(_ context.Context, id doc.ID) (api.Original, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bodies[id]
	return api.Original{Body: io.NopCloser(bytes.NewReader(b)), Size: int64(len(b)), Name: s.last(id).Name, ContentType: "application/pdf", SHA256: s.last(id).SHA256}, nil
}

func (s content) PageImage(_ context.Context, id doc.ID, n, _ int) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := s.images[id]
	if len(files) == 0 {
		files = []string{"invoice-1.jpg", "invoice-2.jpg"}
	}
	if n > len(files) {
		return nil, doc.Errorf(doc.NotFound, "there is no page %d", n)
	}
	return os.ReadFile(filepath.Join("testdata", files[n-1]))
}

func (s content) Page(_ context.Context, id doc.ID, n int) (doc.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > len(s.pages[id]) {
		return doc.Page{}, doc.Errorf(doc.NotFound, "there is no page %d", n)
	}
	return s.pages[id][n-1], nil
}

type types struct{ *site }

func (s types) List(context.Context) ([]doc.Type, error) {
	var out []doc.Type
	for _, name := range []string{"invoice", "receipt"} {
		t, err := s.Get(context.Background(), name)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return append(out, doc.Type{Name: "generic", Title: "Anything else", OpenKeys: true}), nil
}

// Get gives the shipped types.
func (s types) Get(_ context.Context, name string) (doc.Type, error) {
	var t doc.Type
	raw, err := os.ReadFile(filepath.Join("..", "node", "extract", "types", name+".json"))
	if err != nil {
		return t, doc.Errorf(doc.NotFound, "there is no type %q", name)
	}
	return t, json.Unmarshal(raw, &t)
}

func (s types) Put(context.Context, doc.Type, string) error  { return nil }
func (s types) Delete(context.Context, string, string) error { return nil }

type events struct{ *site }

func (s events) Subscribe(ctx context.Context, id doc.ID) (<-chan doc.Event, error) {
	ch := make(chan doc.Event, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs[ch] = id
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subs, ch)
		close(ch)
	})
	return ch, nil
}

func (s events) Wait(ctx context.Context, id doc.ID) (doc.Record, error) {
	return documents(s).Get(ctx, id)
}

type status struct{ *site }

func (s status) Overview(context.Context) (doc.Overview, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := doc.Overview{ByState: map[doc.State]int{}, Total: len(s.records), LastHour: 9}
	now := time.Now()
	for id := range s.records {
		r := s.last(id)
		o.ByState[r.State]++
		if h := int(now.Sub(r.ReceivedAt).Hours()); h < 24 {
			o.PerHour[23-h]++
			o.Today++
		}
	}
	return o, nil
}

func (s status) Status(context.Context) (api.NodeStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return api.NodeStatus{
		Node: "recto-1", Cluster: "c-7f3kq2", Version: "0.1.0", Commit: "d059eee4a1b2c3", StartedAt: time.Now().Add(-26 * time.Hour), Ready: len(s.missing) == 0, Missing: s.missing,
		Engines: []api.Engine{
			{Name: "cluster", Version: "raft 1.8", State: "ok", Detail: "leader of 1"},
			{Name: "broker", Version: "2.15.2", State: "ok", Detail: "stream DOCS, 312 messages"},
			{Name: "blobs", State: "ok", Detail: "files, 41 GB free"},
			{Name: "ocr", Version: "onnxruntime 1.27", State: "starting", Detail: "loads with the first document"},
		},
		Models: []string{"ppocr-det@sha256:5d1f0a77", "ppocr-rec@sha256:77ab91c2"},
		Limits: api.Limits{MaxBytes: 512 << 20, MaxPages: 2000, MaxPixels: 100_000_000},
	}, nil
}

func (s status) Missing() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.missing)
}
