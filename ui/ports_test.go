package ui_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/api"
	"github.com/recto-edge/recto/node/doc"
)

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
		Node: "n7f3kq2mznbv1", Name: "cellar", Cluster: "c-7f3kq2", Version: "0.1.0", Commit: "d059eee4a1b2c3", StartedAt: time.Now().Add(-26 * time.Hour), Ready: len(s.missing) == 0, Missing: s.missing,
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
