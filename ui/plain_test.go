package ui_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/api"
)

// plain is a browser that runs no scripts.
type plain struct {
	t    *testing.T
	url  string
	http *http.Client
}

func (p plain) do(method, path, media string, body io.Reader) (*http.Response, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Accept", "text/html")
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	res, err := p.http.Do(req)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return res, string(text)
}

func (p plain) get(path string) (*http.Response, string) { return p.do("GET", path, "", nil) }

func (p plain) post(path string, form url.Values) (*http.Response, string) {
	return p.do("POST", path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

func openPlain(t *testing.T, s *site) plain {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return plain{t, s.url, &http.Client{Jar: jar, Transport: tr}}
}

// Everything a person can do works with forms and links alone.
func TestPagesWorkWithoutScripts(t *testing.T) {
	s := openSite(t, true)
	p := openPlain(t, s)
	receipt := "/documents/" + string(s.ids[receiptName])

	if res, _ := p.get(receipt); res.Request.URL.Path != "/login" || res.Request.URL.Query().Get("next") != receipt {
		t.Fatalf("not signed in: sent to %s", res.Request.URL)
	}
	if res, text := p.post("/login", url.Values{"name": {"anna"}, "password": {"wrong wrong wrong"}}); res.StatusCode != 401 || !strings.Contains(text, `role="alert"`) {
		t.Errorf("wrong password: %d", res.StatusCode)
	}
	res, text := p.post("/login", url.Values{"name": {"anna"}, "password": {password}, "next": {receipt}})
	if res.Request.URL.Path != receipt || !strings.Contains(text, "Deichmann SE") || !strings.Contains(text, `class="box`) {
		t.Fatalf("signed in: sent to %s", res.Request.URL)
	}
	if _, text := p.get("/documents?q=deichmann&state=review"); strings.Count(text, "data-key=") != 1 {
		t.Errorf("search finds %d rows", strings.Count(text, "data-key="))
	}
	if res, _ := p.post(receipt+"/retry", url.Values{"type": {"invoice"}}); res.Request.URL.Path != receipt {
		t.Errorf("after reading again: sent to %s, %d", res.Request.URL, res.StatusCode)
	}
	s.mu.Lock()
	if want := []api.RetryOptions{{Type: "invoice", By: "user:anna"}}; !slices.Equal(s.retries, want) {
		t.Errorf("asked to read again with %+v", s.retries)
	}
	s.mu.Unlock()

	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range map[string]string{"type": ""} {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	file, err := w.CreateFormFile("file", "plain.pdf")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(file, "%PDF-1.7 plain")
	w.Close()
	res, text = p.do("POST", "/upload", w.FormDataContentType(), &body)
	id := <-s.arrived
	if res.Request.URL.Path != "/documents/"+string(id) || !strings.Contains(text, "plain.pdf") {
		t.Errorf("after the upload: sent to %s, %d", res.Request.URL, res.StatusCode)
	}
	if res, _ := p.post("/logout", nil); res.Request.URL.Path != "/login" {
		t.Errorf("signed out: sent to %s", res.Request.URL)
	}
	if res, _ := p.get("/"); res.Request.URL.Path != "/login" {
		t.Errorf("signed out, but / is shown at %s", res.Request.URL)
	}
}

// The first admin is made with the one-time link, once.
func TestSetup(t *testing.T) {
	s := openSite(t, false)
	token, err := s.auth.Invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := openPlain(t, s)
	if _, text := p.get("/login"); !strings.Contains(text, "one-time link") {
		t.Error("a new node does not say how it gets its first user")
	}
	form := url.Values{"token": {token}, "name": {"anna"}, "password": {password}, "again": {"something else"}}
	if res, text := p.post("/setup", form); res.StatusCode != 400 || !strings.Contains(text, "not the same") || !strings.Contains(text, token) {
		t.Errorf("two different passwords: %d", res.StatusCode)
	}
	form["again"] = form["password"]
	if res, _ := p.post("/setup", url.Values{"token": {"wrong"}, "name": {"eve"}, "password": {password}, "again": {password}}); res.StatusCode != 403 {
		t.Errorf("wrong token: %d", res.StatusCode)
	}
	if res, text := p.post("/setup", form); res.Request.URL.Path != "/" || !strings.Contains(text, "Add your first documents") {
		t.Errorf("after setup: %s, %d", res.Request.URL, res.StatusCode)
	}
	if _, text := p.get("/setup?token=" + token); !strings.Contains(text, "has its admin already") {
		t.Error("the link still offers to make an admin")
	}
}

// The sign-in page sends nobody to another site.
func TestSignInStaysHere(t *testing.T) {
	s := openSite(t, true)
	for _, next := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`, "javascript:alert(1)", "/%2f/evil.example/..//", "", "evil"} {
		p := openPlain(t, s)
		p.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		res, _ := p.post("/login", url.Values{"name": {"anna"}, "password": {password}, "next": {next}})
		to := res.Header.Get("Location")
		if res.StatusCode != 303 || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
			t.Errorf("next %q: %d to %q", next, res.StatusCode, to)
		}
	}
}

// An address that leads nowhere gets a page, too, and a program its JSON.
func TestErrorsArePages(t *testing.T) {
	s := openSite(t, true)
	p := openPlain(t, s)
	p.post("/login", url.Values{"name": {"anna"}, "password": {password}})
	for path, status := range map[string]int{"/nowhere": 404, "/documents/xyz": 404, "/types/nosuch": 404, "/documents?state=lost": 400, "/documents?cursor=bad": 400} {
		res, text := p.get(path)
		if res.StatusCode != status || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") || !strings.Contains(text, "<h1>") {
			t.Errorf("%s: %d %s, want a page with %d", path, res.StatusCode, res.Header.Get("Content-Type"), status)
		}
	}
}
