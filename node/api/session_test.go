package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

const fromPage = "same-origin" // what a browser says of a request by our own page

// login signs anna in as a browser would and gives the cookie.
func (w *world) login() *http.Cookie {
	w.t.Helper()
	a := w.send("POST", "/api/v1/login", `{"name":"anna","password":"`+goodPassword+`"}`, withHeader("Sec-Fetch-Site", fromPage))
	if a.StatusCode != 200 {
		w.t.Fatalf("login: %d %s", a.StatusCode, a.text)
	}
	return sessionCookie(w.t, a)
}

// send is do with a JSON body.
func (w *world) send(method, path, body string, edits ...edit) answer {
	w.t.Helper()
	if body != "" {
		edits = append([]edit{withHeader("Content-Type", "application/json")}, edits...)
	}
	return w.do(method, path, strings.NewReader(body), edits...)
}

func sessionCookie(t *testing.T, a answer) *http.Cookie {
	t.Helper()
	for _, c := range a.Cookies() {
		if c.Name == "recto" || c.Name == "__Host-recto" {
			return c
		}
	}
	t.Fatalf("no session cookie in %v", a.Header)
	return nil
}

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.login()
	if c.Name != "recto" || c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 {
		t.Errorf("cookie on plain HTTP: %+v", c)
	}
	me := decode[Identity](t, w.send("GET", "/api/v1/me", "", withCookie(c)))
	if me.Name != "anna" || me.Role != auth.Operator || me.Kind != auth.ByPassword || me.Expires == nil || len(me.Permissions) != len(auth.Operator.Permissions()) {
		t.Errorf("me: %+v", me)
	}
	wantStatus(t, "list", w.send("GET", docs, "", withCookie(c)), 200)
	wantFailure(t, "users", w.send("GET", "/api/v1/users", "", withCookie(c)), 403, doc.Forbidden, "")
	a := w.send("POST", "/api/v1/logout", "", withCookie(c), withHeader("Sec-Fetch-Site", fromPage))
	wantStatus(t, "logout", a, 204)
	if gone := sessionCookie(t, a); gone.Value != "" || !gone.Expires.Before(time.Now()) {
		t.Errorf("logout leaves cookie %+v", gone)
	}
	wantFailure(t, "after logout", w.send("GET", docs, "", withCookie(c)), 401, doc.Unauthorized, "")
	wantStatus(t, "health with an ended session", w.send("GET", "/healthz", "", withCookie(c)), 200)
}

func TestSessionEndsWhenIdle(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.login()
	w.clock.Add(14 * time.Minute)
	a := w.send("GET", docs, "", withCookie(c))
	wantStatus(t, "in use", a, 200)
	renewed := sessionCookie(t, a)
	w.clock.Add(2 * time.Minute)
	a = w.send("GET", docs, "", withCookie(c))
	wantFailure(t, "the old token after 16 min", a, 401, doc.Unauthorized, "")
	wantStatus(t, "the renewed one", w.send("GET", docs, "", withCookie(renewed)), 200)
	w.clock.Add(15 * time.Minute)
	wantFailure(t, "idle", w.send("GET", docs, "", withCookie(renewed)), 401, doc.Unauthorized, "")
}

func TestPasswordChangeEndsOtherSessions(t *testing.T) {
	t.Parallel()
	w := start(t)
	here, there := w.login(), w.login()
	change := func(old, next string) answer {
		return w.send("PUT", "/api/v1/me/password", `{"old":"`+old+`","new":"`+next+`"}`, withCookie(here), withHeader("Sec-Fetch-Site", fromPage))
	}
	wantFailure(t, "wrong old password", change("wrong", "another good password"), 401, doc.Unauthorized, "")
	wantFailure(t, "bad new password", change(goodPassword, "short"), 400, doc.Invalid, "")
	a := change(goodPassword, "another good password")
	wantStatus(t, "change", a, 200)
	wantStatus(t, "here, new cookie", w.send("GET", docs, "", withCookie(sessionCookie(t, a))), 200)
	wantFailure(t, "there", w.send("GET", docs, "", withCookie(there)), 401, doc.Unauthorized, "")
	wantFailure(t, "here, old cookie", w.send("GET", docs, "", withCookie(here)), 401, doc.Unauthorized, "")
}

func TestAdminEndsSessions(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.login()
	wantStatus(t, "before", w.send("GET", docs, "", withCookie(c)), 200)
	wantStatus(t, "change role", w.as(auth.Admin, "PUT", "/api/v1/users/anna", `{"role":"reader"}`), 204)
	wantFailure(t, "after", w.send("GET", docs, "", withCookie(c)), 401, doc.Unauthorized, "")
	c = w.login()
	wantStatus(t, "everywhere", w.send("DELETE", "/api/v1/me/sessions", "", withCookie(c), withHeader("Sec-Fetch-Site", fromPage)), 204)
	wantFailure(t, "after that", w.send("GET", docs, "", withCookie(c)), 401, doc.Unauthorized, "")
	c = w.login()
	wantStatus(t, "delete", w.as(auth.Admin, "DELETE", "/api/v1/users/anna", ""), 204)
	wantFailure(t, "after that too", w.send("GET", docs, "", withCookie(c)), 401, doc.Unauthorized, "")
}

// Writes with a cookie must come from our own pages.
func TestCrossSiteWritesAreRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.login()
	host := strings.TrimPrefix(w.url, "http://")
	retry := docs + "/" + someID + "/retry"
	for what, tt := range map[string]struct {
		headers [][2]string
		ok      bool
	}{
		"our page":                  {[][2]string{{"Sec-Fetch-Site", "same-origin"}}, true},
		"our page, older browser":   {[][2]string{{"Origin", "http://" + host}}, true},
		"another site":              {[][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}}, false},
		"another port of this host": {[][2]string{{"Sec-Fetch-Site", "same-site"}, {"Origin", "http://127.0.0.1:1"}}, false},
		"another site, older":       {[][2]string{{"Origin", "https://evil.example"}}, false},
		"a sandboxed frame":         {[][2]string{{"Origin", "null"}}, false},
		"nothing said":              {nil, false},
		"typed by hand":             {[][2]string{{"Sec-Fetch-Site", "none"}}, false},
		"says both, lies in one":    {[][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "http://" + host}}, false},
	} {
		edits := []edit{withCookie(c)}
		for _, h := range tt.headers {
			edits = append(edits, withHeader(h[0], h[1]))
		}
		a := w.send("POST", retry, "", edits...)
		if tt.ok {
			wantStatus(t, what, a, 404) // got through; there is no such document
		} else {
			wantFailure(t, what, a, 403, doc.Forbidden, "cross_site")
		}
	}
	if len(w.node.retries) != 0 {
		t.Error("a cross-site write got through")
	}
	wantFailure(t, "login from another site", w.send("POST", "/api/v1/login", `{"name":"anna","password":"`+goodPassword+`"}`, withHeader("Sec-Fetch-Site", "cross-site")), 403, doc.Forbidden, "cross_site")
	wantStatus(t, "login by a program", w.send("POST", "/api/v1/login", `{"name":"anna","password":"`+goodPassword+`"}`), 200)
	wantStatus(t, "a key needs no origin", w.as(auth.Operator, "POST", retry, ""), 404)
	wantStatus(t, "reading needs no origin", w.send("GET", docs, "", withCookie(c)), 200)
}

func TestGuessingIsSlowed(t *testing.T) {
	t.Parallel()
	w := start(t)
	guess := func(password string) answer {
		return w.send("POST", "/api/v1/login", `{"name":"anna","password":"`+password+`"}`)
	}
	for range 5 {
		wantFailure(t, "wrong", guess("wrong"), 401, doc.Unauthorized, "")
	}
	a := guess(goodPassword)
	wantFailure(t, "too soon", a, 429, doc.Unavailable, auth.DetailThrottled)
	if a.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
	w.clock.Add(time.Second)
	wantStatus(t, "after a second", guess(goodPassword), 200)
	f := w.send("POST", "/api/v1/login", `{"name":"nobody","password":"x"}`).failure(t)
	if g := guess("wrong").failure(t); f.Message != g.Message {
		t.Errorf("unknown user %q, wrong password %q: tells who exists", f.Message, g.Message)
	}
}

func TestSetupByLink(t *testing.T) {
	t.Parallel()
	w := start(t)
	wantFailure(t, "with users there", w.send("POST", "/api/v1/setup", `{"token":"x","name":"eve","password":"`+goodPassword+`"}`), 403, doc.Forbidden, "")
	if err := w.store.Delete(t.Context(), auth.KindUser, "anna"); err != nil {
		t.Fatal(err)
	}
	token, err := w.auth.Invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body := `{"token":"` + token + `","name":"root","password":"` + goodPassword + `"}`
	a := w.send("POST", "/api/v1/setup", body)
	if id := decode[Identity](t, a); a.StatusCode != 201 || id.Role != auth.Admin {
		t.Fatalf("setup: %d %s", a.StatusCode, a.text)
	}
	wantStatus(t, "signed in by it", w.send("GET", "/api/v1/users", "", withCookie(sessionCookie(t, a))), 200)
	wantFailure(t, "twice", w.send("POST", "/api/v1/setup", body), 403, doc.Forbidden, "")
}

func TestUsersAndKeysByAPI(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.as(auth.Admin, "POST", "/api/v1/users", `{"name":"bert@example.org","password":"`+goodPassword+`","role":"reviewer"}`)
	wantStatus(t, "create", a, 201)
	if strings.Contains(a.text, "argon2") {
		t.Errorf("hash shown: %s", a.text)
	}
	users := decode[[]auth.User](t, w.as(auth.Admin, "GET", "/api/v1/users", ""))
	if len(users) != 2 || users[1].Name != "bert@example.org" {
		t.Errorf("users %+v", users)
	}
	wantStatus(t, "delete", w.as(auth.Admin, "DELETE", "/api/v1/users/bert%40example.org", ""), 204)
	a = w.as(auth.Admin, "POST", "/api/v1/api-keys", `{"name":"copier","role":"station","expires_at":"`+w.clock.Now().Add(time.Hour).Format(time.RFC3339)+`"}`)
	wantStatus(t, "make key", a, 201)
	key := decode[NewKey](t, a)
	wantStatus(t, "use it", w.do("PUT", docs+"/a.pdf", strings.NewReader("x"), withKey(key.Secret)), 202)
	if list := w.as(auth.Admin, "GET", "/api/v1/api-keys", ""); strings.Contains(list.text, "hash") || !strings.Contains(list.text, "copier") {
		t.Errorf("keys %s", list.text)
	}
	w.clock.Add(time.Hour)
	wantFailure(t, "expired", w.do("PUT", docs+"/a.pdf", strings.NewReader("x"), withKey(key.Secret)), 401, doc.Unauthorized, "")
	wantStatus(t, "remove", w.as(auth.Admin, "DELETE", "/api/v1/api-keys/"+key.Key.ID, ""), 204)
	wantFailure(t, "remove again", w.as(auth.Admin, "DELETE", "/api/v1/api-keys/"+key.Key.ID, ""), 404, doc.NotFound, "")
}

func TestTypesByAPI(t *testing.T) {
	t.Parallel()
	w := start(t)
	body := `{"title":"Delivery note","fields":[{"name":"number","type":"identifier","labels":["Lieferschein"]},{"name":"lines","type":"table","columns":[{"name":"what","type":"text"}]}]}`
	wantStatus(t, "put", w.as(auth.Operator, "PUT", "/api/v1/types/delivery_note", body), 200)
	got := decode[doc.Type](t, w.as(auth.Station, "GET", "/api/v1/types/delivery_note", ""))
	if got.Name != "delivery_note" || got.Fields[1].Columns[0].Name != "what" {
		t.Errorf("type %+v", got)
	}
	if list := decode[[]doc.Type](t, w.as(auth.Reader, "GET", "/api/v1/types", "")); len(list) != 1 {
		t.Errorf("types %+v", list)
	}
	wantStatus(t, "delete", w.as(auth.Operator, "DELETE", "/api/v1/types/delivery_note", ""), 204)
	wantFailure(t, "gone", w.as(auth.Operator, "GET", "/api/v1/types/delivery_note", ""), 404, doc.NotFound, "")
}

func TestReadingADocument(t *testing.T) {
	t.Parallel()
	w := start(t)
	r := w.put("Gr%C3%BC%C3%9Fe.html", "<script>alert(1)</script>")
	path := docs + "/" + string(r.ID)
	a := w.as(auth.Reader, "GET", path+"/original", "")
	if a.StatusCode != 200 || a.text != "<script>alert(1)</script>" || a.ContentLength != r.Size {
		t.Errorf("original: %d %q", a.StatusCode, a.text)
	}
	if d := a.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.html") {
		t.Errorf("disposition %q", d)
	}
	if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") {
		t.Errorf("an original without sandbox: %q", csp)
	}
	wantStatus(t, "same again", w.as(auth.Reader, "GET", path+"/original", "", withHeader("If-None-Match", a.Header.Get("ETag"))), 304)
	head := w.as(auth.Reader, "HEAD", path+"/original", "")
	if head.StatusCode != 200 || head.text != "" || head.ContentLength != r.Size {
		t.Errorf("head: %d, %d bytes said", head.StatusCode, head.ContentLength)
	}
	a = w.as(auth.Reader, "GET", path+"/pages/2.jpg?width=100", "")
	if a.StatusCode != 200 || a.text != "\xff\xd8\x02\x64" || a.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("page: %d %q", a.StatusCode, a.text)
	}
	wantStatus(t, "page again", w.as(auth.Reader, "GET", path+"/pages/2.jpg?width=100", "", withHeader("If-None-Match", `"x", W/`+a.Header.Get("ETag"))), 304)
	if p := w.as(auth.Reader, "GET", path+"/pages/1/words", ""); !strings.Contains(p.text, `"words":[]`) {
		t.Errorf("words %s", p.text)
	}
	if recs := decode[[]doc.Record](t, w.as(auth.Reader, "GET", path+"/revisions", "")); len(recs) != 1 || recs[0].ID != r.ID {
		t.Errorf("revisions %+v", recs)
	}
	wantStatus(t, "retry", w.as(auth.Reviewer, "POST", path+"/retry", `{"type":"receipt","password":"pdf"}`), 202)
	if o := w.node.retries[0]; o.Type != "receipt" || o.Password != "pdf" || !strings.HasPrefix(o.By, "key:") {
		t.Errorf("retry %+v", o)
	}
	l := decode[doc.List](t, w.as(auth.Reader, "GET", docs+"?state=queued&limit=1&q=Gr%C3%BC", ""))
	if len(l.Documents) != 1 || l.Documents[0].ID != r.ID {
		t.Errorf("list %+v", l)
	}
	if l := w.as(auth.Reader, "GET", docs+"?state=done", ""); !strings.Contains(l.text, `"documents":[]`) {
		t.Errorf("empty list %s", l.text)
	}
	if o := decode[doc.Overview](t, w.as(auth.Reader, "GET", "/api/v1/overview", "")); o.Total != 1 {
		t.Errorf("overview %+v", o)
	}
}
