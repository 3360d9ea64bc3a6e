package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

// stream is an open event stream.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
	close func()
}

func (w *world) listen(query string, edits ...edit) *stream {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", w.url+"/api/v1/events"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range edits {
		e(req)
	}
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Fatalf("events: %d %v", res.StatusCode, res.Header)
	}
	s := &stream{t: w.t, lines: bufio.NewScanner(res.Body), close: func() { cancel(); res.Body.Close() }}
	w.t.Cleanup(s.close)
	return s
}

// next gives the lines of the next event, or nil at the end of the stream.
func (s *stream) next() []string {
	var out []string
	for s.lines.Scan() {
		if s.lines.Text() == "" {
			return out
		}
		out = append(out, s.lines.Text())
	}
	if err := s.lines.Err(); err != nil {
		s.t.Errorf("the stream does not end, it breaks: %v", err)
	}
	return nil
}

func TestEventsAreStreamed(t *testing.T) {
	t.Parallel()
	w := start(t)
	s := w.listen("", withKey(w.keys[auth.Reader]), withHeader("Last-Event-ID", "whatever"))
	if got := s.next(); len(got) != 3 || got[1] != "event: hello" {
		t.Fatalf("first event %q", got)
	}
	r := w.put("a.pdf", "a")
	w.node.settle(r.ID, doc.StateDone)
	got := s.next()
	if len(got) != 3 || got[0] != fmt.Sprintf("id: %s-2", r.ID) || got[1] != "event: revision" || !strings.Contains(got[2], `"state":"done"`) {
		t.Errorf("event %q", got)
	}
}

func TestEventsOfOneDocument(t *testing.T) {
	t.Parallel()
	w := start(t)
	a, b := w.put("a.pdf", "a"), w.put("b.pdf", "b")
	s := w.listen("?id="+string(b.ID), withKey(w.keys[auth.Reader]))
	s.next()
	w.node.settle(a.ID, doc.StateDone)
	w.node.settle(b.ID, doc.StateFailed)
	if got := s.next(); !strings.Contains(strings.Join(got, " "), string(b.ID)) {
		t.Errorf("event %q, want one of %s", got, b.ID)
	}
}

func TestEventsBeat(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.Heartbeat = 10 * time.Millisecond })
	s := w.listen("", withKey(w.keys[auth.Reader]))
	s.next()
	for range 3 {
		if got := s.next(); len(got) != 1 || got[0] != ": beat" {
			t.Fatalf("instead of a beat: %q", got)
		}
	}
}

// A removed user or key must not go on listening.
func TestEventsEndWithTheCredentials(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.Heartbeat = 10 * time.Millisecond })
	byKey := w.listen("", withKey(w.keys[auth.Reader]))
	bySession := w.listen("", withCookie(w.login()))
	byKey.next()
	bySession.next()
	for id := range w.store.List(auth.KindKey) {
		if err := w.auth.DeleteKey(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	for byKey.next() != nil { //nolint:revive // until the stream ends
	}
	if bySession.next() == nil {
		t.Error("somebody else's stream ended too")
	}
	if err := w.auth.SignOutEverywhere(t.Context(), "anna"); err != nil {
		t.Fatal(err)
	}
	for bySession.next() != nil { //nolint:revive // until the stream ends
	}
}

// A client that is gone is noticed, and its subscription with it.
func TestEventsNoticeWhoIsGone(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.Heartbeat = 5 * time.Millisecond })
	w.node.left = make(chan struct{}, 1)
	s := w.listen("", withKey(w.keys[auth.Reader]))
	s.next()
	s.close()
	select {
	case <-w.node.left:
	case <-time.After(10 * time.Second):
		t.Fatal("the stream goes on without a client")
	}
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.node.began = make(chan struct{}, 1)
	s := w.listen("", withKey(w.keys[auth.Reader]))
	s.next()
	pr, pw := io.Pipe()
	got := make(chan answer, 1)
	go func() {
		got <- w.do("PUT", docs+"/slow.pdf", pr, withKey(w.keys[auth.Operator]))
	}()
	if _, err := pw.Write([]byte(strings.Repeat("first half", 2000))); err != nil {
		t.Fatal(err)
	}
	<-w.node.began
	stopped := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		stopped <- w.srv.Shutdown(ctx)
	}()
	for s.next() != nil { //nolint:revive // until the stream ends: shutdown has begun
	}
	if _, err := pw.Write([]byte("second half")); err != nil {
		t.Fatal(err)
	}
	pw.Close()
	a := <-got
	if r := decode[doc.Receipt](t, a); a.StatusCode != 202 || r.Size != 20_011 {
		t.Errorf("the upload in progress: %d %s", a.StatusCode, a.text)
	}
	if err := <-stopped; err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if _, err := w.http.Get(w.url + "/healthz"); err == nil {
		t.Error("still answers")
	}
}

func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.node.began = make(chan struct{}, 1)
	c, r := w.raw()
	fmt.Fprintf(c, "PUT %s/endless.pdf HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000000\r\n\r\n%s",
		docs, w.keys[auth.Operator], strings.Repeat("x", 20_000))
	<-w.node.began
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.srv.Shutdown(ctx); err == nil {
		t.Error("shutdown says that all is well")
	}
	if res, err := http.ReadResponse(r, nil); err == nil {
		res.Body.Close()
		t.Errorf("a cut upload is answered: %d", res.StatusCode)
	}
	if w.node.count() != 0 {
		t.Error("a cut upload was accepted")
	}
}
