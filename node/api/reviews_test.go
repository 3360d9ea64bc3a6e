package api

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/client"
	"github.com/recto-edge/recto/node/doc"
)

// fakeReviews answers with what it was told, so that tests see what arrived.
type fakeReviews struct{ *fakeNode }

func (f fakeReviews) Review(ctx context.Context, id doc.ID, c doc.Correction, by string) (doc.Record, error) {
	rec, err := fakeDocs(f).Get(ctx, id)
	if err != nil {
		return rec, err
	}
	if c.Revision != 0 && c.Revision != rec.Revision {
		return rec, doc.Errorf(doc.Conflict, "somebody was faster")
	}
	rec.Revision++
	rec.By = by
	rec.Review = &doc.Review{By: by, Type: c.Type, Labels: map[string]string{}}
	for name, v := range c.Fields {
		if v != nil {
			rec.Review.Labels[name] = *v
		} else {
			rec.Review.Unfound = append(rec.Review.Unfound, name)
		}
	}
	return rec, nil
}

func (f fakeReviews) Compare(ctx context.Context, id doc.ID, models []string) (doc.Comparison, error) {
	_, err := fakeDocs(f).Get(ctx, id)
	return doc.Comparison{ID: id, Models: models, Fields: []doc.ComparedField{}}, err
}

func (f fakeReviews) Erase(ctx context.Context, id doc.ID, by string) (doc.Record, error) {
	rec, err := fakeDocs(f).Get(ctx, id)
	rec.State, rec.By = doc.StateErased, by
	return rec, err
}

// fakeModels answers about the types of the fake node.
type fakeModels struct{ *fakeNode }

func (f fakeModels) Models(ctx context.Context, name string) (doc.ModelList, error) {
	_, err := fakeTypes(f).Get(ctx, name)
	return doc.ModelList{Type: name, Models: []doc.ModelInfo{}}, err
}

func (f fakeModels) Train(ctx context.Context, name, _ string) (doc.ModelList, error) {
	return f.Models(ctx, name)
}

func (f fakeModels) Activate(ctx context.Context, name, model, _ string) (doc.ModelList, error) {
	l, err := f.Models(ctx, name)
	l.Live = model
	return l, err
}

func (f fakeModels) Targets(ctx context.Context, name string) (doc.TargetReport, error) {
	_, err := fakeTypes(f).Get(ctx, name)
	return doc.TargetReport{Type: name, Promises: []doc.FieldTarget{}, Reliability: []doc.Reliability{}}, err
}

func (f fakeModels) PutTargets(ctx context.Context, name string, t doc.Targets, _ string) (doc.TargetReport, error) {
	r, err := f.Targets(ctx, name)
	r.Targets = t
	return r, err
}

func TestReview_CarriesValuesNullsAndTheRevision(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.node.docs[someID] = doc.Record{Arrival: doc.Arrival{ID: someID}, Revision: 4, State: doc.StateReview}
	at := "/api/v1/documents/" + someID + "/review"
	a := w.as(auth.Reviewer, "POST", at, `{"fields":{"total":"12.30","net":null},"rows":{"items":[{"amount":"1"}]},"type":"invoice","approve":true,"revision":4}`)
	wantStatus(t, "review", a, 200)
	var rec doc.Record
	if err := json.Unmarshal([]byte(a.text), &rec); err != nil {
		t.Fatal(err)
	}
	if rec.Revision != 5 || rec.Review.Labels["total"] != "12.30" || len(rec.Review.Unfound) != 1 || rec.Review.Type != "invoice" || !strings.HasPrefix(rec.By, "key:") {
		t.Errorf("got %s", a.text)
	}
	if tag := a.Header.Get("Etag"); tag != `"5"` {
		t.Errorf("ETag %s", tag)
	}
	wantFailure(t, "somebody was faster", w.as(auth.Reviewer, "POST", at, `{"revision":3}`), 409, doc.Conflict, "")
	for _, body := range []string{`{"fields":{"total":12.3}}`, `{"field":{}}`, `{"fields":["total"]}`, ``} {
		wantFailure(t, body, w.as(auth.Reviewer, "POST", at, body), 400, doc.Invalid, "")
	}
	wantFailure(t, "unknown", w.as(auth.Reviewer, "POST", "/api/v1/documents/1123456789abcdefghjkmnpqrs/review", `{}`), 404, doc.NotFound, "")
}

func TestReview_IfMatchIsTheRevision(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.node.docs[someID] = doc.Record{Arrival: doc.Arrival{ID: someID}, Revision: 4, State: doc.StateReview}
	at := "/api/v1/documents/" + someID + "/review"
	for tag, status := range map[string]int{`"4"`: 200, `4`: 200, `"3"`: 409, `"x"`: 400} {
		a := w.as(auth.Reviewer, "POST", at, `{}`, withHeader("If-Match", tag))
		wantStatus(t, tag, a, status)
	}
}

func TestModels_AreChosenByAdminsOnly(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.node.types["receipt"] = doc.Type{Name: "receipt"}
	digest := "fields-receipt@sha256:" + strings.Repeat("ab", 32)
	at := "/api/v1/types/receipt/models/" + digest + "/activate"
	wantStatus(t, "operator", w.as(auth.Operator, "POST", at, ""), 403)
	a := w.as(auth.Admin, "POST", at, "")
	wantStatus(t, "admin", a, 200)
	if !strings.Contains(a.text, digest) {
		t.Errorf("got %s", a.text)
	}
	wantStatus(t, "no such form", w.as(auth.Admin, "POST", "/api/v1/types/receipt/models/latest/activate", ""), 400)
	wantStatus(t, "targets", w.as(auth.Admin, "PUT", "/api/v1/types/receipt/targets", `{"default":{"precision":0.99},"fields":{"total":{"precision":0.999}}}`), 200)
	wantStatus(t, "no number", w.as(auth.Admin, "PUT", "/api/v1/types/receipt/targets", `{"default":{"precision":"high"}}`), 400)
	wantStatus(t, "operator trains", w.as(auth.Operator, "POST", "/api/v1/types/receipt/train", ""), 202)
}

func TestClientTeaches(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.node.docs[someID] = doc.Record{Arrival: doc.Arrival{ID: someID}, Revision: 4, State: doc.StateReview}
	w.node.types["receipt"] = doc.Type{Name: "receipt"}
	c := w.client(auth.Admin, client.TLS{})
	total := "12.30"
	rec, err := c.Review(t.Context(), someID, doc.Correction{Fields: map[string]*string{"total": &total, "net": nil}, Revision: 4})
	if err != nil || rec.Review.Labels["total"] != total || len(rec.Review.Unfound) != 1 {
		t.Errorf("review: %+v, %v", rec.Review, err)
	}
	if _, err := c.Review(t.Context(), someID, doc.Correction{Revision: 3}); doc.CodeOf(err) != doc.Conflict {
		t.Errorf("an old revision: %v", err)
	}
	if cmp, err := c.Compare(t.Context(), someID, []string{"shipped", "live"}); err != nil || len(cmp.Models) != 2 {
		t.Errorf("compare: %+v, %v", cmp, err)
	}
	if l, err := c.Activate(t.Context(), "receipt", "fields-receipt@sha256:0123456789"); err != nil || l.Live != "fields-receipt@sha256:0123456789" {
		t.Errorf("activate: %+v, %v", l, err)
	}
	if _, err := c.Train(t.Context(), "receipt"); err != nil {
		t.Error(err)
	}
	if _, err := c.Models(t.Context(), "unknown"); doc.CodeOf(err) != doc.NotFound {
		t.Errorf("models of an unknown type: %v", err)
	}
	want := doc.Targets{Default: doc.Target{Precision: 0.99}, Fields: map[string]doc.Target{"total": {Precision: 0.999, Delta: 0.05}}}
	if r, err := c.PutTargets(t.Context(), "receipt", want); err != nil || r.Targets.Fields["total"] != want.Fields["total"] {
		t.Errorf("targets: %+v, %v", r, err)
	}
	if _, err := c.Targets(t.Context(), "receipt"); err != nil {
		t.Error(err)
	}
	if gone, err := c.Erase(t.Context(), someID); err != nil || gone.State != doc.StateErased {
		t.Errorf("erase: %+v, %v", gone, err)
	}
}
