package blob_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/blob"
)

// fleet is several members in one process that talk over loopback, through lines
// that a test can cut, stall and garble.
type fleet struct {
	t       testing.TB
	cfg     func(*blob.CopiesConfig)
	mu      sync.Mutex
	members map[string]*machine
	ids     []string // in order of their joining
	leaving map[string]bool
	down    map[string]bool
	faults  map[[2]string]fault // by from and to
}

type machine struct {
	*blob.Copies
	id, root string
	files    *blob.Files
	srv      *httptest.Server
	stored   chan string
}

// fault does what is wrong with a line with one request; pass sends it on.
type fault func(req *http.Request, pass func(*http.Request) (*http.Response, error)) (*http.Response, error)

func newFleet(t testing.TB, n int, cfg func(*blob.CopiesConfig)) *fleet {
	t.Helper()
	f := &fleet{t: t, cfg: cfg, members: map[string]*machine{}, leaving: map[string]bool{}, down: map[string]bool{}, faults: map[[2]string]fault{}}
	for i := range n {
		f.add(fmt.Sprintf("n%d", i))
	}
	f.tell()
	return f
}

// add starts a new, empty member, which the others do not know yet.
func (f *fleet) add(id string) *machine {
	f.t.Helper()
	m := f.start(id, filepath.Join(f.t.TempDir(), id))
	f.ids = append(f.ids, id)
	return m
}

// start starts a member on the files in root.
func (f *fleet) start(id, root string) *machine {
	f.t.Helper()
	files, err := blob.OpenFiles(root)
	if err != nil {
		f.t.Fatal(err)
	}
	m := &machine{id: id, root: root, files: files, stored: make(chan string, 10_000)}
	client := &http.Client{Transport: &line{f: f, from: id}}
	cfg := blob.CopiesConfig{Local: files, Self: id, Members: f.view(), Client: client, ScrubRate: -1, Soon: 10 * time.Millisecond,
		Stored: func(key string) {
			select {
			case m.stored <- key:
			default: // nobody listens in a test that stores so many
			}
		}}
	if f.cfg != nil {
		f.cfg(&cfg)
	}
	m.Copies, err = blob.OpenCopies(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	m.srv = httptest.NewServer(m.Handler())
	f.mu.Lock()
	f.members[id] = m
	f.mu.Unlock()
	f.t.Cleanup(func() { m.halt() })
	return m
}

// halt ends a member; its files stay.
func (m *machine) halt() {
	m.srv.CloseClientConnections()
	m.srv.Close()
	_ = m.Close()
}

// restart ends a member and starts it again on its files.
func (f *fleet) restart(id string) *machine {
	f.t.Helper()
	m := f.of(id)
	m.halt()
	return f.start(id, m.root)
}

func (f *fleet) of(id string) *machine {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.members[id]
}

func (f *fleet) view() []blob.Member {
	var out []blob.Member
	for _, id := range f.ids {
		out = append(out, blob.Member{ID: id, Name: "box-" + id, Up: !f.down[id], Leaving: f.leaving[id]})
	}
	return out
}

// tell tells all members who they are.
func (f *fleet) tell() {
	for _, id := range f.ids {
		f.of(id).SetMembers(f.view())
	}
}

// setDown cuts a member off, or not any more, and tells the others.
func (f *fleet) setDown(id string, down bool) {
	f.down[id] = down
	var cut fault
	if down {
		cut = refuse
	}
	for _, other := range f.ids {
		if other != id {
			f.fault(other, id, cut)
			f.fault(id, other, cut)
		}
	}
	f.tell()
}

// fault breaks the line from one member to another; nil mends it.
func (f *fleet) fault(from, to string, x fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[[2]string{from, to}] = x
}

// repair has all members repair, twice: what one brings another may pass on.
func (f *fleet) repair() {
	f.t.Helper()
	for range 2 {
		for _, id := range f.ids {
			if !f.down[id] {
				if err := f.of(id).Repair(f.t.Context()); err != nil {
					f.t.Fatalf("repair of %s: %v", id, err)
				}
			}
		}
	}
}

// meet has all members ask the others whether they have something alone.
func (f *fleet) meet() {
	f.t.Helper()
	for _, id := range f.ids {
		if !f.down[id] {
			if err := f.of(id).Meet(f.t.Context()); err != nil {
				f.t.Fatalf("%s meets the others: %v", id, err)
			}
		}
	}
}

// holders gives the members that have key on their disk.
func (f *fleet) holders(key string) []string {
	var out []string
	for _, id := range f.ids {
		if _, err := f.of(id).files.Stat(context.Background(), key); err == nil {
			out = append(out, id)
		}
	}
	return out
}

func (m *machine) path(key string) string { return filepath.Join(m.root, filepath.FromSlash(key)) }

// damage flips a bit of the copy of key on m.
func (m *machine) damage(t testing.TB, key string) {
	t.Helper()
	b, err := os.ReadFile(m.path(key))
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(m.path(key), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// line is how a member reaches others.
type line struct {
	f    *fleet
	from string
}

var plain = &http.Transport{MaxIdleConnsPerHost: 64, ExpectContinueTimeout: time.Second}

func (l *line) RoundTrip(req *http.Request) (*http.Response, error) {
	to := req.URL.Host
	l.f.mu.Lock()
	m, x := l.f.members[to], l.f.faults[[2]string{l.from, to}]
	l.f.mu.Unlock()
	pass := func(req *http.Request) (*http.Response, error) {
		if m == nil {
			return nil, errors.New("no such machine")
		}
		return passTo(m.srv.Listener.Addr().String(), req)
	}
	if x == nil {
		return pass(req)
	}
	return x(req, pass)
}

func passTo(addr string, req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host = "http", addr
	return plain.RoundTrip(req)
}

type passOn = func(*http.Request) (*http.Response, error)

// refuse is a machine that is off.
func refuse(*http.Request, passOn) (*http.Response, error) {
	return nil, errors.New("connection refused")
}

// hang is a machine that is stopped.
func hang(req *http.Request, _ passOn) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// fail500 is a machine that answers nonsense.
func fail500(req *http.Request, _ passOn) (*http.Response, error) {
	return &http.Response{StatusCode: 500, Body: http.NoBody, Header: http.Header{}, Request: req}, nil
}

// cut breaks off bodies of both directions half way.
func cut(req *http.Request, pass passOn) (*http.Response, error) {
	return garble(req, pass, func(r io.Reader, size int64) io.Reader {
		return io.MultiReader(io.LimitReader(r, size/2), errReader{})
	})
}

// slow lets bodies of both directions drip.
func slow(req *http.Request, pass passOn) (*http.Response, error) {
	return garble(req, pass, func(r io.Reader, _ int64) io.Reader {
		return readerFunc(func(b []byte) (int, error) {
			t := time.NewTimer(5 * time.Millisecond)
			defer t.Stop()
			select {
			case <-t.C:
			case <-req.Context().Done():
				return 0, req.Context().Err()
			}
			return r.Read(b[:min(len(b), 4096)])
		})
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// flip changes a bit of bodies of both directions.
func flip(req *http.Request, pass passOn) (*http.Response, error) {
	return garble(req, pass, func(r io.Reader, _ int64) io.Reader { return &flipper{r: r} })
}

func garble(req *http.Request, pass passOn, x func(io.Reader, int64) io.Reader) (*http.Response, error) {
	if req.ContentLength > 0 {
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(x(req.Body, req.ContentLength))
	}
	resp, err := pass(req)
	if err == nil && resp.ContentLength > 0 {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{x(resp.Body, resp.ContentLength), resp.Body}
	}
	return resp, err
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("line cut") }

type flipper struct {
	r    io.Reader
	done bool
}

func (f *flipper) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if n > 0 && !f.done {
		f.done = true
		b[n/2] ^= 1
	}
	return n, err
}
