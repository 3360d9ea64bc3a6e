package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// node is the ports kept in memory. Submit reads to the end and keeps small
// files; err, when set, is what every method answers.
type fakeNode struct {
	mu        sync.Mutex
	err       error
	docs      map[doc.ID]doc.Record
	bytes     map[doc.ID][]byte
	arrivals  []doc.Delivery
	retries   []RetryOptions
	types     map[string]doc.Type
	missing   []string
	subs      map[chan doc.Event]doc.ID
	submitted chan doc.ID   // if set, told of each arrival
	began     chan struct{} // if set, told when Submit begins to read
	left      chan struct{} // if set, told when a subscription ends
	changed   chan struct{} // closed and replaced when a document changes
	discard   bool          // keep no bytes
	half      bool          // acknowledge without reading to the end: a broken intake
	cluster   fakeCluster
	member    fakeMember
}

func newNode() *fakeNode {
	return &fakeNode{
		docs: map[doc.ID]doc.Record{}, bytes: map[doc.ID][]byte{}, types: map[string]doc.Type{},
		subs: map[chan doc.Event]doc.ID{}, changed: make(chan struct{}),
	}
}

func (f *fakeNode) ports() Ports {
	return Ports{Documents: fakeDocs{f}, Content: fakeContent{f}, Types: fakeTypes{f}, Reviews: fakeReviews{f}, Models: fakeModels{f}, Events: fakeEvents{f}, Status: fakeStatus{f}, Maintenance: fakeMaintenance{f}, Cluster: &f.cluster, Member: &f.member}
}

func (f *fakeNode) fails() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// settle moves a document on and tells everybody.
func (f *fakeNode) settle(id doc.ID, to doc.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rec := f.docs[id]
	rec.State = to
	rec.Revision++
	f.docs[id] = rec
	close(f.changed)
	f.changed = make(chan struct{})
	for ch, only := range f.subs {
		if only == "" || only == id {
			ch <- doc.Event{ID: id, Revision: rec.Revision, State: to, Name: rec.Name}
		}
	}
}

func (f *fakeNode) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.arrivals)
}

type fakeDocs struct{ *fakeNode }

func (f fakeDocs) Submit(_ context.Context, r io.Reader, d doc.Delivery) (doc.Receipt, error) {
	if f.began != nil {
		f.began <- struct{}{}
	}
	if err := f.fails(); err != nil {
		return doc.Receipt{}, err
	}
	if f.half {
		_, err := r.Read(make([]byte, 1))
		return doc.Receipt{}, err
	}
	h := sha256.New()
	var keep bytes.Buffer
	w := io.Writer(h)
	if !f.discard {
		w = io.MultiWriter(h, &keep)
	}
	n, err := io.Copy(w, r)
	if err != nil {
		return doc.Receipt{}, err
	}
	if n == 0 {
		return doc.Receipt{}, doc.Unreadable(doc.DetailEmpty, "the file is empty", nil)
	}
	id := doc.IDFromDigest([32]byte(h.Sum(nil)))
	f.mu.Lock()
	defer f.mu.Unlock()
	_, dup := f.docs[id]
	a := doc.Arrival{ID: id, SHA256: hex.EncodeToString(h.Sum(nil)), Size: n, Name: d.Name, Channel: d.Channel, Sender: d.Sender, Type: d.Type, Priority: d.Priority, ReceivedAt: time.Now()}
	if !dup {
		f.docs[id] = doc.First(a)
		f.bytes[id] = keep.Bytes()
	}
	f.arrivals = append(f.arrivals, d)
	if f.submitted != nil {
		f.submitted <- id
	}
	return doc.Receipt{ID: id, SHA256: a.SHA256, Size: n, Name: d.Name, State: f.docs[id].State, Duplicate: dup}, nil
}

func (f fakeDocs) Get(_ context.Context, id doc.ID) (doc.Record, error) {
	if err := f.fails(); err != nil {
		return doc.Record{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	rec, ok := f.docs[id]
	if !ok {
		return rec, doc.Errorf(doc.NotFound, "there is no document %s", id)
	}
	return rec, nil
}

func (f fakeDocs) List(_ context.Context, q doc.Query) (doc.List, error) {
	if err := f.fails(); err != nil {
		return doc.List{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var l doc.List
	for id, rec := range f.docs {
		if (q.State == "" || q.State == rec.State) && strings.Contains(rec.Name, q.Text) {
			l.Documents = append(l.Documents, doc.Summary{ID: id, Name: rec.Name, State: rec.State, Revision: rec.Revision})
		}
	}
	slices.SortFunc(l.Documents, func(a, b doc.Summary) int { return strings.Compare(string(a.ID), string(b.ID)) })
	l.Matched = len(l.Documents)
	if q.Limit > 0 && len(l.Documents) > q.Limit {
		l.Documents, l.Next = l.Documents[:q.Limit], "more"
	}
	return l, nil
}

func (f fakeDocs) Revisions(ctx context.Context, id doc.ID) ([]doc.Record, error) {
	rec, err := f.Get(ctx, id)
	return []doc.Record{rec}, err
}

func (f fakeDocs) Retry(ctx context.Context, id doc.ID, o RetryOptions) (doc.Record, error) {
	rec, err := f.Get(ctx, id)
	if err != nil {
		return rec, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retries = append(f.retries, o)
	return rec, nil
}

type fakeContent struct{ *fakeNode }

func (f fakeContent) Original(_ context.Context, id doc.ID) (Original, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rec, ok := f.docs[id]
	if !ok {
		return Original{}, doc.Errorf(doc.NotFound, "there is no document %s", id)
	}
	return Original{Body: io.NopCloser(bytes.NewReader(f.bytes[id])), Size: rec.Size, Name: rec.Name, ContentType: "text/html", SHA256: rec.SHA256}, nil
}

func (f fakeContent) PageImage(_ context.Context, _ doc.ID, n, width int) ([]byte, error) {
	if n > 2 {
		return nil, doc.Errorf(doc.NotFound, "there is no page %d", n)
	}
	return []byte{0xff, 0xd8, byte(n), byte(width)}, nil
}

func (f fakeContent) Page(_ context.Context, _ doc.ID, n int) (doc.Page, error) {
	if n > 2 {
		return doc.Page{}, doc.Errorf(doc.NotFound, "there is no page %d", n)
	}
	return doc.Page{Number: n, Width: 10, Height: 20}, nil
}

type fakeTypes struct{ *fakeNode }

func (f fakeTypes) List(context.Context) ([]doc.Type, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []doc.Type
	for _, t := range f.types {
		out = append(out, t)
	}
	return out, f.err
}

func (f fakeTypes) Get(_ context.Context, name string) (doc.Type, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, ok := f.types[name]
	if !ok {
		return t, doc.Errorf(doc.NotFound, "there is no type %q", name)
	}
	return t, nil
}

func (f fakeTypes) Put(_ context.Context, t doc.Type, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.types[t.Name] = t
	return nil
}

func (f fakeTypes) Delete(ctx context.Context, name, _ string) error {
	if _, err := f.Get(ctx, name); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.types, name)
	return nil
}

type fakeEvents struct{ *fakeNode }

func (f fakeEvents) Subscribe(ctx context.Context, id doc.ID) (<-chan doc.Event, error) {
	ch := make(chan doc.Event, 16)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subs[ch] = id
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.subs, ch)
		close(ch)
		if f.left != nil {
			f.left <- struct{}{}
		}
	})
	return ch, f.err
}

func (f fakeEvents) Wait(ctx context.Context, id doc.ID) (doc.Record, error) {
	for {
		f.mu.Lock()
		rec, changed := f.docs[id], f.changed
		f.mu.Unlock()
		if rec.State.Settled() {
			return rec, nil
		}
		select {
		case <-ctx.Done():
			return rec, nil
		case <-changed:
		}
	}
}

type fakeStatus struct{ *fakeNode }

func (f fakeStatus) Overview(context.Context) (doc.Overview, error) {
	return doc.Overview{Total: f.count(), ByState: map[doc.State]int{}}, f.fails()
}

func (f fakeStatus) Status(context.Context) (NodeStatus, error) {
	if f.fails() != nil && f.fails().Error() == "panic" {
		panic("status exploded")
	}
	return NodeStatus{Node: "n1", Version: "test"}, f.fails()
}

func (f fakeStatus) Missing() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.missing
}
