package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/recto-edge/recto/node/doc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// member is a node in a test: it counts what it is asked and answers as told.
type member struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string
	answer http.HandlerFunc
}

func newMember(t *testing.T, answer http.HandlerFunc) *member {
	t.Helper()
	m := &member{answer: answer}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.asked = append(m.asked, r.Method+" "+r.Header.Get(positionHeader))
		m.mu.Unlock()
		m.answer(w, r)
	}))
	t.Cleanup(func() { m.CloseClientConnections(); m.Close() })
	return m
}

func (m *member) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.asked)
}

func good(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	fmt.Fprint(w, `{}`)
}

func refuses(status int, code doc.Code) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"code":%q,"message":"not now","request_id":"r1"}}`, code)
	}
}

// cuts takes n bytes of the body and breaks the connection.
func cuts(n int64) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, n)
		panic(http.ErrAbortHandler)
	}
}

func toMembers(t *testing.T, ms ...*member) *Client {
	t.Helper()
	var urls []string
	for _, m := range ms {
		urls = append(urls, m.URL)
	}
	c, err := New(strings.Join(urls, ", "), "rk_x", TLS{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func file(t *testing.T, size int) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scan.pdf")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", size)), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// A member that is gone is passed over, by writes as well: nothing reached it.
// The one that works is asked first from then on.
func TestAnotherMemberAnswers(t *testing.T) {
	t.Parallel()
	dead, live := newMember(t, good), newMember(t, good)
	dead.Close()
	c := toMembers(t, dead, live)
	if _, err := c.Review(t.Context(), "x", doc.Correction{}); err != nil {
		t.Errorf("a write: %v", err)
	}
	if _, err := c.Overview(t.Context()); err != nil {
		t.Errorf("a read: %v", err)
	}
	if live.count() != 2 || c.at.Load() != 1 {
		t.Errorf("asked %q, begins with member %d", live.asked, c.at.Load())
	}
	live.Close()
	_, err := c.Overview(t.Context())
	if doc.CodeOf(err) != doc.Unavailable || !strings.Contains(err.Error(), dead.Listener.Addr().String()) || !strings.Contains(err.Error(), live.Listener.Addr().String()) {
		t.Errorf("nobody is there: %v", err)
	}
}

// A member that cannot answer now is passed over by what may be repeated, and by
// nothing else: it may have done half of it.
func TestOnlyHarmlessIsRepeated(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]http.HandlerFunc{
		"not ready": refuses(http.StatusServiceUnavailable, doc.Unavailable), "broken off": cuts(1),
		"its proxy": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<h1>502</h1>", http.StatusBadGateway) },
	} {
		first, second := newMember(t, broken), newMember(t, good)
		if _, err := toMembers(t, first, second).Overview(t.Context()); err != nil {
			t.Errorf("%s: a read: %v", name, err)
		}
		if _, err := toMembers(t, first, second).Submit(t.Context(), "scan.pdf", file(t, 1<<20), 1<<20, SubmitOptions{}); err != nil {
			t.Errorf("%s: a file: %v", name, err)
		}
		asked := second.count()
		if _, err := toMembers(t, first, second).Review(t.Context(), "x", doc.Correction{}); doc.CodeOf(err) != doc.Unavailable || second.count() != asked {
			t.Errorf("%s: a correction was sent again, or done: %v", name, err)
		}
		pipe := io.MultiReader(strings.NewReader("can be read once"))
		if _, err := toMembers(t, first, second).Submit(t.Context(), "pipe", pipe, -1, SubmitOptions{}); doc.CodeOf(err) != doc.Unavailable || second.count() != asked {
			t.Errorf("%s: half a file was sent: %v", name, err)
		}
	}
	for status, code := range map[int]doc.Code{404: doc.NotFound, 403: doc.Forbidden, 507: doc.Full, 500: doc.Internal, 429: doc.Unavailable} {
		first, second := newMember(t, refuses(status, code)), newMember(t, good)
		if _, err := toMembers(t, first, second).Overview(t.Context()); doc.CodeOf(err) != code || second.count() != 0 {
			t.Errorf("%d: %v, and another was asked %d times", status, err, second.count())
		}
	}
	first, second := newMember(t, refuses(503, doc.Unavailable)), newMember(t, refuses(503, doc.Unavailable))
	var a *Answer
	if _, err := toMembers(t, first, second).Overview(t.Context()); !errors.As(err, &a) || a.Error() != "not now" {
		t.Errorf("what they say is lost: %v", err)
	}
}

// A file that broke off is sent again from its beginning, whole.
func TestAFileIsSentAgainWhole(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	var got int64
	first := newMember(t, cuts(1<<20))
	second := newMember(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.Copy(io.Discard, r.Body)
		_ = json.NewEncoder(w).Encode(doc.Receipt{ID: "x", Size: got})
	})
	f := file(t, size+5)
	if _, err := f.Seek(5, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	var last int64
	r, err := toMembers(t, first, second).Submit(t.Context(), "scan.pdf", f, size, SubmitOptions{Progress: func(sent, _ int64) { last = sent }})
	if err != nil || r.Size != size || last != size {
		t.Errorf("receipt %+v, progress %d, %v", r, last, err)
	}
}

// A member that takes a request and is silent, as one that hangs is, does not
// hold up what another can do.
func TestSilentMemberIsLeft(t *testing.T) {
	t.Parallel()
	silent := newMember(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	live := newMember(t, good)
	c := toMembers(t, silent, live)
	c.patience.read, c.patience.write = 10*time.Millisecond, 10*time.Millisecond
	if _, err := c.Overview(t.Context()); err != nil || silent.count() != 1 || live.count() != 1 {
		t.Errorf("a read: %v", err)
	}
	c.at.Store(0)
	if _, err := c.Submit(t.Context(), "scan.pdf", file(t, 9), 9, SubmitOptions{}); err != nil {
		t.Errorf("a file: %v", err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("patience ended"))
	defer cancel()
	if _, err := toMembers(t, silent).Overview(ctx); err == nil || !strings.Contains(err.Error(), "patience ended") {
		t.Errorf("the only one is waited for: %v", err)
	}
}

// What was written through one member is asked for with its position elsewhere.
func TestPositionIsCarried(t *testing.T) {
	t.Parallel()
	position := "7.3"
	first := newMember(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(positionHeader, position)
		good(w, r)
	})
	second := newMember(t, good)
	c := toMembers(t, first, second)
	for _, position = range []string{"7.3", "6.4"} {
		if _, err := c.Retry(t.Context(), "x", "", ""); err != nil {
			t.Fatal(err)
		}
	}
	first.Close()
	if _, err := c.Overview(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"POST ", "POST 7.3"}; !slices.Equal(first.asked, want) {
		t.Errorf("the first was asked %q, want %q", first.asked, want)
	}
	if want := []string{"GET 7.4"}; !slices.Equal(second.asked, want) {
		t.Errorf("the second was asked %q, want %q", second.asked, want)
	}
}

// Events go on from another member, which says that it is time to look.
func TestEventsResumeElsewhere(t *testing.T) {
	t.Parallel()
	stream := func(text string, stay bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "event: hello\ndata: {}\n\n", text)
			w.(http.Flusher).Flush()
			if stay {
				<-r.Context().Done()
			}
		}
	}
	first := newMember(t, nil)
	first.answer = func(w http.ResponseWriter, r *http.Request) {
		if first.count() > 1 {
			panic(http.ErrAbortHandler)
		}
		stream("event: revision\ndata: {\"id\":\"a\"}\n\n", false)(w, r)
	}
	second := newMember(t, stream("event: revision\ndata: {\"id\":\"b\"}\n\n", true))
	var seen []string
	stop := errors.New("seen enough")
	err := toMembers(t, first, second).Follow(t.Context(), "", func(e doc.Event) error {
		if seen = append(seen, string(e.ID)); e.ID == "b" {
			return stop
		}
		return nil
	})
	if want := []string{"", "a", "", "b"}; !errors.Is(err, stop) || !slices.Equal(seen, want) {
		t.Errorf("saw %q, %v; want %q", seen, err, want)
	}
}
