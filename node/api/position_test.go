package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

// A member that is not as far as the sender has seen elsewhere waits until it is.
func TestReadsWaitForTheSendersWrites(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.MaxBehind = time.Minute })
	w.node.member.waits = make(chan struct{}, 8)
	w.node.member.at = doc.Position{Log: 5, Control: 2}
	a := w.as(auth.Operator, "PUT", docs+"/a.pdf", "x")
	if got := a.Header.Get(PositionHeader); got != "5.2" || len(a.Cookies()) != 0 {
		t.Errorf("after a write the position is %q, cookies %v", got, a.Cookies())
	}
	if a := w.as(auth.Reader, "GET", docs, ""); a.Header.Get(PositionHeader) != "" {
		t.Errorf("a read leaves position %q", a.Header.Get(PositionHeader))
	}
	wantStatus(t, "at the position", w.as(auth.Reader, "GET", docs, "", withHeader(PositionHeader, "5.2")), 200)
	if len(w.node.member.waits) != 0 {
		t.Error("waited for what is there")
	}
	done := make(chan answer)
	go func() { done <- w.as(auth.Reader, "GET", docs, "", withHeader(PositionHeader, "7.2")) }()
	<-w.node.member.waits
	w.node.member.move(doc.Position{Log: 6, Control: 2})
	<-w.node.member.waits
	select {
	case <-done:
		t.Error("answered before it was there")
	default:
	}
	w.node.member.move(doc.Position{Log: 7, Control: 3})
	if a := <-done; a.StatusCode != 200 || a.Header.Get(BehindHeader) != "" {
		t.Errorf("once it is there: %d, behind %q", a.StatusCode, a.Header.Get(BehindHeader))
	}
	wantFailure(t, "no position", w.as(auth.Reader, "GET", docs, "", withHeader(PositionHeader, "seven")), 400, doc.Invalid, "")
}

// The wait ends: an answer that may lack something is better than none, and says so.
func TestWaitIsGivenUp(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.MaxBehind = time.Millisecond })
	ahead := withHeader(PositionHeader, "9.1")
	a := w.as(auth.Reader, "GET", docs, "", ahead)
	if a.StatusCode != 200 || a.Header.Get(BehindHeader) != "true" {
		t.Errorf("behind: %d, says %q", a.StatusCode, a.Header.Get(BehindHeader))
	}
	w.node.member.move(doc.Position{Log: 3, Control: 4})
	a = w.as(auth.Admin, "POST", prefix+"/cluster/finalise", "", ahead)
	if got := a.Header.Get(PositionHeader); a.StatusCode != 204 || got != "9.4" {
		t.Errorf("a write here forgets what was seen elsewhere: %d, position %q", a.StatusCode, got)
	}
	for _, path := range []string{"/healthz", "/readyz", "/login", prefix + "/openapi.json"} {
		if a := w.do("GET", path, nil, ahead); a.StatusCode != 200 || a.Header.Get(BehindHeader) != "" {
			t.Errorf("%s: %d, waited for a position", path, a.StatusCode)
		}
	}
}

// Documents are taken at once, however far behind the member is.
func TestUploadsWaitForNothing(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.MaxBehind = time.Hour })
	w.node.member.at = doc.Position{Log: 2, Control: 8}
	a := w.as(auth.Operator, "PUT", docs+"/a.pdf", "x", withHeader(PositionHeader, "9.1"))
	if a.StatusCode != 202 || a.Header.Get(PositionHeader) != "9.8" {
		t.Errorf("upload: %d, position %q", a.StatusCode, a.Header.Get(PositionHeader))
	}
}

// A browser carries the position in a cookie that soon ends, from signing in on:
// the session was made elsewhere a moment ago.
func TestBrowsersCarryThePosition(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.MaxBehind = time.Minute })
	w.node.member.waits = make(chan struct{}, 8)
	w.node.member.at = doc.Position{Log: 5, Control: 2}
	a := w.send("POST", prefix+"/login", `{"name":"anna","password":"`+goodPassword+`"}`, withHeader("Sec-Fetch-Site", fromPage))
	var position *http.Cookie
	for _, c := range a.Cookies() {
		if c.Name == positionCookie {
			position = c
		}
	}
	if position == nil || position.Value != "5.2" || position.MaxAge != 30 || !position.HttpOnly || position.SameSite != http.SameSiteStrictMode {
		t.Fatalf("cookie %+v", position)
	}
	w.node.member.move(doc.Position{Log: 4, Control: 1}) // another member
	done := make(chan answer)
	go func() {
		done <- w.send("GET", docs, "", withCookie(sessionCookie(t, a)), withCookie(position))
	}()
	<-w.node.member.waits
	w.node.member.move(doc.Position{Log: 5, Control: 2})
	wantStatus(t, "after the wait", <-done, 200)
	position.Value = "nonsense"
	wantStatus(t, "a cookie of something else", w.send("GET", docs, "", withCookie(sessionCookie(t, a)), withCookie(position)), 200)
}
