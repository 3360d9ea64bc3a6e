package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

// fill puts something of the right form into each parameter of a path.
func fill(path string) string {
	return strings.NewReplacer(
		":id", "0123456789abcdefghjkmnpqrs", ":n", "1", ":type", "receipt", ":model", "shipped", ":user", "nobody", ":key", "abc", ":member", "cellar", "*", "x.css",
	).Replace(path)
}

// The table is all there is: Fiber serves no route that is not in it, and each
// one asks for exactly the permission it says, of every role and of nobody.
func TestEveryRouteKeepsItsPermission(t *testing.T) {
	t.Parallel()
	w := start(t)
	table := map[string]route{}
	for _, r := range w.srv.table {
		if table[r.method+" "+r.path].handler != nil {
			t.Errorf("%s %s is in the table twice", r.method, r.path)
		}
		table[r.method+" "+r.path] = r
	}
	seen := 0
	for _, fr := range w.srv.app.GetRoutes() { // those of Use too: there must be none
		method := fr.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		r, ok := table[method+" "+fr.Path]
		if !ok {
			t.Errorf("Fiber serves %s %s, which is not in the table", fr.Method, fr.Path)
			continue
		}
		seen++
		keepsPermission(t, w, fr.Method, r)
	}
	if seen < len(table) || len(table) < 25 {
		t.Errorf("%d routes served, %d in the table", seen, len(table))
	}
}

func keepsPermission(t *testing.T, w *world, method string, r route) {
	t.Helper()
	if got := w.status(method, fill(r.path), ""); (got == 401 || (r.page && got == 303)) == (r.perm == auth.Public) {
		t.Errorf("%s %s without credentials: %d, but it needs %s", method, r.path, got, r.perm)
	}
	if got := w.status(method, fill(r.path), "rk_0000000000000_wrong"); (got == 401 || (r.page && got == 303)) == (r.perm == auth.Public) {
		t.Errorf("%s %s with a wrong key: %d, but it needs %s", method, r.path, got, r.perm)
	}
	for _, role := range auth.Roles {
		may := r.perm == auth.Public || r.perm == auth.Known || (r.perm != auth.Account && slices.Contains(role.Permissions(), r.perm))
		got := w.status(method, fill(r.path), w.keys[role])
		if got == 401 || (got == 403) == may && !strings.HasSuffix(r.path, "/setup") {
			t.Errorf("%s %s as %s: %d, but it needs %s", method, r.path, role, got, r.perm)
		}
	}
}

// status sends a request without a body and gives the status of its answer.
func (w *world) status(method, path, key string) int {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel() // ends event streams
	req, err := http.NewRequestWithContext(ctx, method, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestARouteWithoutPermissionCannotBe(t *testing.T) {
	t.Parallel()
	w := start(t)
	defer func() {
		if recover() == nil {
			t.Error("a route without permission is served")
		}
	}()
	w.srv.register(route{method: "GET", path: "/open", handler: func(*call) error { return nil }})
}

func TestWritesAreAudited(t *testing.T) {
	t.Parallel()
	for _, r := range start(t).srv.table {
		if write := r.method != "GET"; write != (r.action != "") {
			t.Errorf("%s %s has audit action %q", r.method, r.path, r.action)
		}
	}
}

func TestDescriptionIsServedAndValid(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.do("GET", "/api/v1/openapi.json", nil)
	wantStatus(t, "openapi", a, 200)
	spec, err := openapi3.NewLoader().LoadFromData([]byte(a.text))
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	for _, r := range w.srv.table {
		if r.page {
			continue
		}
		item := spec.Paths.Value(template(r.path))
		if item == nil || item.GetOperation(r.method) == nil || item.GetOperation(r.method).Summary == "" {
			t.Errorf("%s %s is not described", r.method, r.path)
		}
	}
	for _, name := range []string{"Record", "Receipt", "Type", "Failure", "NodeStatus"} {
		if spec.Components.Schemas[name] == nil {
			t.Errorf("schema %s is missing", name)
		}
	}
}

// What real answers hold must be what the description says.
func TestAnswersFitTheirSchemas(t *testing.T) {
	t.Parallel()
	w := start(t)
	rec := doc.First(doc.Arrival{ID: "0123456789abcdefghjkmnpqrs", Priority: doc.Normal, ReceivedAt: w.clock.Now()})
	box := doc.Box{1, 2, 3, 4}
	rec.Result = &doc.Result{
		Fields:    []doc.Field{{Name: "total", Type: doc.Money, Source: doc.FromOCR, Box: &box, Rows: [][]doc.Field{{{Name: "x"}}}}},
		TimingsMS: map[string]int{"ocr": 3}, Warnings: []string{}, Route: doc.RouteLocal,
	}
	rec.Reason = doc.Errorf(doc.Invalid, "why")
	for name, v := range map[string]any{
		"Record": rec, "Page": doc.Page{Words: []doc.Word{{Text: "a"}}}, "List": doc.List{Documents: []doc.Summary{{State: doc.StateDone}}},
		"Overview": doc.Overview{ByState: map[doc.State]int{doc.StateDone: 1}}, "NodeStatus": NodeStatus{Missing: []string{}, Engines: []Engine{}, Models: []string{}},
		"Type": doc.Type{Name: "a", Fields: []doc.FieldSpec{{Name: "t", Type: doc.Table, Columns: []doc.FieldSpec{{Name: "c"}}}}},
	} {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var plain any
		if err := json.Unmarshal(raw, &plain); err != nil {
			t.Fatal(err)
		}
		if err := w.srv.spec.Components.Schemas[name].Value.VisitJSON(plain); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
