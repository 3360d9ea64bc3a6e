package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/auth/authtest"
	"github.com/recto-edge/recto/node/doc"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"), // one a process, for the Date header
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

const goodPassword = "correct horse battery"

// world is a listening server over a node in memory, with a key for each role
// and a user called anna for sessions.
type world struct {
	t     *testing.T
	srv   *Server
	node  *fakeNode
	auth  *auth.Auth
	store *authtest.Memory
	clock *clock
	keys  map[auth.Role]string
	url   string
	http  *http.Client
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// start runs a server; edit may change its configuration.
func start(t *testing.T, edit ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, node: newNode(), store: authtest.New(), clock: &clock{now: time.Now()}, keys: map[auth.Role]string{}}
	w.auth = auth.New(auth.Config{Clock: w.clock.Now, Cost: auth.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}}, w.store)
	cfg := Config{Addr: "127.0.0.1:0", Metrics: http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprintln(rw, "recto_up 1") })}
	for _, f := range edit {
		f(&cfg)
	}
	for _, role := range auth.Roles {
		_, secret, err := w.auth.CreateKey(t.Context(), "test", string(role), role, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		w.keys[role] = secret
	}
	if _, err := w.auth.CreateUser(t.Context(), "anna", goodPassword, auth.Operator); err != nil {
		t.Fatal(err)
	}
	srv, err := New(cfg, w.auth, w.node.ports())
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Listen(); err != nil {
		t.Fatal(err)
	}
	w.srv, w.url = srv, srv.URL()
	tr := &http.Transport{}
	w.http = &http.Client{Transport: tr, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return w
}

// answer is a response read to its end.
type answer struct {
	*http.Response
	text string
}

func (a answer) failure(t *testing.T) FailureBody {
	t.Helper()
	var f Failure
	if err := json.Unmarshal([]byte(a.text), &f); err != nil {
		t.Fatalf("status %d: the error is no JSON: %q", a.StatusCode, a.text)
	}
	if f.Error.RequestID == "" || f.Error.RequestID != a.Header.Get("X-Request-Id") || f.Error.Message == "" {
		t.Errorf("error without request id or message: %q, header %q", a.text, a.Header.Get("X-Request-Id"))
	}
	return f.Error
}

// edit changes a request before it is sent.
type edit func(*http.Request)

func withKey(secret string) edit {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret) }
}

func withHeader(name, value string) edit {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func withCookie(c *http.Cookie) edit { return func(r *http.Request) { r.AddCookie(c) } }

func (w *world) do(method, path string, body io.Reader, edits ...edit) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range edits {
		e(req)
	}
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatalf("%s %s: read answer: %v", method, path, err)
	}
	return answer{res, string(text)}
}

// as does a request with the key of a role; a body is sent as JSON.
func (w *world) as(role auth.Role, method, path, body string, edits ...edit) answer {
	w.t.Helper()
	edits = append([]edit{withKey(w.keys[role])}, edits...)
	if body != "" {
		edits = append([]edit{withHeader("Content-Type", "application/json")}, edits...)
	}
	return w.do(method, path, strings.NewReader(body), edits...)
}

func (w *world) put(name, content string) doc.Receipt {
	w.t.Helper()
	a := w.as(auth.Operator, "PUT", "/api/v1/documents/"+name, content)
	if a.StatusCode != http.StatusAccepted {
		w.t.Fatalf("put: %d %s", a.StatusCode, a.text)
	}
	return decode[doc.Receipt](w.t, a)
}

func decode[T any](t *testing.T, a answer) (v T) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(a.text))
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("status %d, %q: %v", a.StatusCode, a.text, err)
	}
	return v
}

func wantStatus(t *testing.T, what string, a answer, status int) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s: %d %s, want %d", what, a.StatusCode, a.text, status)
	}
}

// wantFailure checks status, code and detail of an error.
func wantFailure(t *testing.T, what string, a answer, status int, code doc.Code, detail string) {
	t.Helper()
	f := a.failure(t)
	if a.StatusCode != status || f.Code != code || f.Detail != detail {
		t.Errorf("%s: %d %s/%s %q, want %d %s/%s", what, a.StatusCode, f.Code, f.Detail, f.Message, status, code, detail)
	}
}

func TestServes(t *testing.T) {
	t.Parallel()
	w := start(t)
	wantStatus(t, "healthz", w.do("GET", "/healthz", nil), 200)
	wantStatus(t, "readyz", w.do("GET", "/readyz", nil), 200)
	a := w.do("GET", "/api/v1/openapi.json", nil)
	wantStatus(t, "openapi", a, 200)
	r := w.put("scan.pdf", "hello")
	wantStatus(t, "get", w.as(auth.Reader, "GET", "/api/v1/documents/"+string(r.ID), ""), 200)
}
