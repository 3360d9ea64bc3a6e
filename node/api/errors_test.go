package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

const someID = "0123456789abcdefghjkmnpqrs"

func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	w := start(t)
	for code, status := range map[doc.Code]int{
		doc.Invalid: 400, doc.NotFound: 404, doc.Conflict: 409, doc.Unauthorized: 401, doc.Forbidden: 403,
		doc.TooLarge: 413, doc.Full: 507, doc.Unavailable: 503, doc.Internal: 500,
	} {
		w.node.mu.Lock()
		w.node.err = fmt.Errorf("read it: %w", &doc.Error{Code: code, Detail: "word", Message: "what to do", Err: errors.New("secret cause")})
		w.node.mu.Unlock()
		a := w.as(auth.Reader, "GET", "/api/v1/documents/"+someID, "")
		wantFailure(t, string(code), a, status, code, "word")
		if strings.Contains(a.text, "secret cause") {
			t.Errorf("%s shows its cause: %s", code, a.text)
		}
		if got := a.Header.Get("Retry-After"); (got != "") != (code == doc.Unavailable) {
			t.Errorf("%s: Retry-After %q", code, got)
		}
		if code == doc.Internal && strings.Contains(a.text, "what to do") {
			t.Errorf("internal error shown: %s", a.text)
		}
	}
	if len(statuses) != 9 {
		t.Errorf("%d codes in the table: is one untested?", len(statuses))
	}
	for what, err := range map[string]error{
		"uncoded": errors.New("pq: password=hunter2"), "unknown code": &doc.Error{Code: "new", Message: "hunter2"},
	} {
		w.node.mu.Lock()
		w.node.err = err
		w.node.mu.Unlock()
		a := w.as(auth.Reader, "GET", "/api/v1/documents/"+someID, "")
		wantFailure(t, what, a, 500, doc.Internal, "")
		if strings.Contains(a.text, "hunter2") {
			t.Errorf("%s error is shown: %s", what, a.text)
		}
	}
}

// logged collects log lines.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestAPanicIsOneRequestsFailure(t *testing.T) {
	t.Parallel()
	log := &logged{}
	w := start(t, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	w.node.mu.Lock()
	w.node.err = errors.New("panic")
	w.node.mu.Unlock()
	a := w.as(auth.Reader, "GET", "/api/v1/status", "")
	wantFailure(t, "panic", a, 500, doc.Internal, "")
	if !strings.Contains(log.String(), "status exploded") || !strings.Contains(log.String(), a.Header.Get("X-Request-Id")) {
		t.Errorf("log %q does not say what happened", log)
	}
	wantStatus(t, "after it", w.do("GET", "/healthz", nil), 200)
}

func TestLogsHoldNoContent(t *testing.T) {
	t.Parallel()
	log := &logged{}
	w := start(t, func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	w.as(auth.Operator, "PUT", "/api/v1/documents/canary-name.pdf", "canary content")
	w.as(auth.Reader, "GET", "/api/v1/documents?q=canary-search", "")
	w.as(auth.Operator, "POST", "/api/v1/documents/"+someID+"/retry", `{"password":"canary-password"}`)
	w.as(auth.Operator, "POST", "/api/v1/documents/"+someID+"/retry", `{"passwort":"canary-password"}`)
	w.as(auth.Reader, "GET", "/canary-path?canary=1", "")
	w.do("POST", "/api/v1/login", strings.NewReader(`{"name":"canary","password":"canary-password"}`), withHeader("Content-Type", "application/json"))
	text := log.String()
	if strings.Contains(text, "canary") || strings.Contains(text, w.keys[auth.Operator]) {
		t.Errorf("content in the log:\n%s", text)
	}
	if !strings.Contains(text, "action=document.submit") || !strings.Contains(text, "who=key:") || !strings.Contains(text, "document="+someID) {
		t.Errorf("the log does not say who did what:\n%s", text)
	}
}

func TestRequestsThatAreWrong(t *testing.T) {
	t.Parallel()
	w := start(t)
	const docs = "/api/v1/documents"
	for _, tt := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", docs + "/short", "", 400, "id"},
		{"GET", docs + "/..%2f..%2fetc%2fpasswd", "", 400, "id"},
		{"GET", docs + "/0123456789ABCDEFGHJKMNPQRS", "", 400, "id"},
		{"GET", docs + "/0123456789abcdefghijklmnop", "", 400, "id"}, // i, l and o are no digits of an id
		{"GET", docs + "/" + someID, "", 404, someID},
		{"GET", docs + "/" + someID + "/pages/0.jpg", "", 400, "n"},
		{"GET", docs + "/" + someID + "/pages/-1.jpg", "", 400, "n"},
		{"GET", docs + "/" + someID + "/pages/x.jpg", "", 400, "n"},
		{"GET", docs + "/" + someID + "/pages/1.jpg?width=0", "", 400, "width"},
		{"GET", docs + "/" + someID + "/pages/1.jpg?width=99999999999999999999", "", 400, "width"},
		{"GET", docs + "/" + someID + "/pages/3.jpg", "", 404, "3"},
		{"GET", docs + "?sate=done", "", 400, `"sate"`},
		{"GET", docs + "?state=finished", "", 400, "state"},
		{"GET", docs + "?limit=many", "", 400, "limit"},
		{"GET", docs + "?limit=501", "", 400, "limit"},
		{"GET", docs + "?limit=1&limit=2", "", 400, "more than once"},
		{"GET", docs + "?q=%zz", "", 400, "encoded"},
		{"GET", docs + "?q=" + strings.Repeat("x", 201), "", 400, "q"},
		{"GET", "/api/v1/nothing", "", 404, "nothing"},
		{"GET", docs + "/", "", 404, "nothing"},
		{"GET", "/API/v1/documents", "", 404, "nothing"},
		{"PATCH", docs, "", 405, "method"},
		{"PATCH", docs + "/" + someID, "", 405, "method"},
		{"POST", docs + "/" + someID + "/retry", `{"typo":1}`, 400, "typo"},
		{"POST", docs + "/" + someID + "/retry", `{"type":1}`, 400, "/type"},
		{"POST", docs + "/" + someID + "/retry", `{"type":"a"`, 400, "body"},
		{"POST", docs + "/" + someID + "/retry", `{} {}`, 400, "body"},
		{"POST", docs + "/" + someID + "/retry", `null`, 400, "body"},
		{"POST", docs + "/" + someID + "/retry", `{"type":"` + strings.Repeat("x", bodyLimit) + `"}`, 413, "larger"},
		{"PUT", "/api/v1/types/receipt", "", 400, "body"},
		{"PUT", "/api/v1/types/receipt", `{"name":"invoice","fields":[{"name":"a","type":"text"}]}`, 400, "invoice"},
		{"PUT", "/api/v1/types/receipt", `{"fields":[{"name":"a","type":"colour"}]}`, 400, "colour"},
		{"PUT", "/api/v1/types/receipt", `{"fields":[{"name":"a","type":"text","lables":["x"]}]}`, 400, "lables"},
		{"PUT", "/api/v1/types/Receipt", `{}`, 400, "type"},
		{"POST", "/api/v1/users", `{"name":"x","password":"` + goodPassword + `","role":"root"}`, 400, "role"},
		{"POST", "/api/v1/users", `{"name":"anna","password":"` + goodPassword + `","role":"reader"}`, 409, "anna"},
		{"POST", "/api/v1/api-keys", `{"name":"x","role":"reader","expires_at":"tomorrow"}`, 400, "expires_at"},
		{"PUT", "/api/v1/users/nobody", `{"role":"reader"}`, 404, "nobody"},
		{"PUT", "/api/v1/users/anna", `{}`, 400, "give"},
		{"GET", "/api/v1/events?id=x", "", 400, "id"},
	} {
		a := w.as(auth.Admin, tt.method, tt.path, tt.body)
		f := a.failure(t)
		if a.StatusCode != tt.status || !strings.Contains(f.Message, tt.says) {
			t.Errorf("%s %s %.80s: %d %q, want %d and something about %s", tt.method, tt.path, tt.body, a.StatusCode, f.Message, tt.status, tt.says)
		}
	}
	a := w.do("POST", "/api/v1/users", strings.NewReader(`{"name":"x"}`), withKey(w.keys[auth.Admin]), withHeader("Content-Type", "text/plain"))
	wantFailure(t, "JSON as text", a, 400, doc.Invalid, "")
	a = w.do("GET", "/api/v1/documents", nil, withHeader("Authorization", "Basic YTpi"))
	wantFailure(t, "basic auth", a, 401, doc.Unauthorized, "")
	if a.Header.Get("WWW-Authenticate") == "" {
		t.Error("401 without WWW-Authenticate")
	}
}

func TestHeadersOnEveryAnswer(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, path := range []string{"/healthz", "/api/v1/documents", "/nothing", "/api/v1/openapi.json"} {
		h := w.do("GET", path, nil).Header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
			"Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "base-uri 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if h.Get("Strict-Transport-Security") != "" || h.Get("Server") != "" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}

// raw is a connection without an HTTP client that would tidy up.
func (w *world) raw() (net.Conn, *bufio.Reader) {
	w.t.Helper()
	c, err := net.Dial("tcp", w.srv.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

func readAnswer(t *testing.T, r *bufio.Reader) answer {
	t.Helper()
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	return answer{res, string(text)}
}

func TestHugeHeaders(t *testing.T) {
	t.Parallel()
	w := start(t)
	c, r := w.raw()
	fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Big: %s\r\n\r\n", strings.Repeat("x", 2*headerLimit))
	wantFailure(t, "huge header", readAnswer(t, r), 431, doc.TooLarge, "")
	c, r = w.raw()
	fmt.Fprintf(c, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("x", 2*headerLimit))
	wantFailure(t, "huge address", readAnswer(t, r), 431, doc.TooLarge, "")
	c, r = w.raw()
	fmt.Fprintf(c, "\x16\x03\x01 this is no HTTP\r\n\r\n")
	wantFailure(t, "no HTTP", readAnswer(t, r), 405, doc.Invalid, "")
	c, r = w.raw()
	fmt.Fprintf(c, "GET / SPDY/9\r\nHost : x\r\n\r\n")
	wantFailure(t, "no header", readAnswer(t, r), 400, doc.Invalid, "")
	c, r = w.raw()
	fmt.Fprintf(c, "GET /api/v1/documents/%%zz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", w.keys[auth.Reader])
	wantFailure(t, "an address that is not encoded", readAnswer(t, r), 400, doc.Invalid, "")
}

// Who sends his header a byte an hour is cut off.
func TestSlowHeaderIsCutOff(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.Header = 200 * time.Millisecond })
	c, r := w.raw()
	fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	wantFailure(t, "slow header", readAnswer(t, r), 408, doc.Invalid, "")
	if _, err := r.ReadByte(); err == nil {
		t.Error("the connection stays open")
	}
}

// The unread rest of a refused body must never be taken for the next request.
func TestUnreadBodyIsNoRequest(t *testing.T) {
	t.Parallel()
	w := start(t)
	inner := "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	body := inner + strings.Repeat("x", 3*leftover) + inner
	for _, first := range []string{
		"POST /api/v1/documents HTTP/1.1", // refused: no credentials
		"POST /nothing HTTP/1.1",          // no such route
		"PUT /healthz HTTP/1.1",           // no such method
		"BREW /healthz HTTP/1.1",          // no method at all
		"GET /healthz HTTP/1.1",           // answered without a look at the body
	} {
		c, r := w.raw()
		written := make(chan error, 1)
		go func() {
			_, err := fmt.Fprintf(c, "%s\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", first, len(body), body)
			written <- err
		}()
		a := readAnswer(t, r)
		if !a.Close {
			t.Errorf("%s: the connection stays open with a body unread", first)
		}
		if res, err := http.ReadResponse(r, nil); err == nil {
			res.Body.Close()
			t.Errorf("%s: a second answer (%d) to one request", first, res.StatusCode)
		}
		c.Close()
		<-written
	}
	c, r := w.raw() // a small rest is read, and the connection goes on
	for range 2 {
		fmt.Fprintf(c, "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(inner), inner)
		wantFailure(t, "small rest", readAnswer(t, r), 404, doc.NotFound, "")
	}
}

func TestReadyNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.node.mu.Lock()
	w.node.missing = []string{"broker: starting", "blob: down"}
	w.node.mu.Unlock()
	a := w.do("GET", "/readyz", nil)
	if h := decode[Health](t, a); a.StatusCode != 503 || len(h.Missing) != 2 || h.Missing[1] != "blob: down" {
		t.Errorf("readyz: %d %s", a.StatusCode, a.text)
	}
	wantStatus(t, "healthz all the same", w.do("GET", "/healthz", nil), 200)
	if a := w.as(auth.Reader, "GET", "/metrics", ""); a.StatusCode != 200 || !strings.Contains(a.text, "recto_up 1") {
		t.Errorf("metrics: %d %q", a.StatusCode, a.text)
	}
}

func TestTakenPortIsKnownAtListen(t *testing.T) {
	t.Parallel()
	w := start(t)
	other, err := New(Config{Addr: w.srv.Addr().String()}, w.auth, w.node.ports())
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Listen(); err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("listen: %v", err)
	}
	if err := other.Shutdown(context.Background()); err != nil {
		t.Errorf("shutdown of what never listened: %v", err)
	}
	open, err := New(Config{Addr: "0.0.0.0:0"}, w.auth, w.node.ports())
	if err != nil {
		t.Fatal(err)
	}
	if err := open.Listen(); err == nil {
		t.Error("plain HTTP for everybody without being asked")
	}
}
