package api

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/client"
	"github.com/recto-edge/recto/node/doc"
)

func (w *world) client(role auth.Role, trust client.TLS) *client.Client {
	w.t.Helper()
	c, err := client.New(w.url, w.keys[role], trust)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

func TestClientSubmitsAndWaits(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.client(auth.Operator, client.TLS{})
	content := strings.Repeat("0123456789", 100_000)
	var last, of int64
	r, err := c.Submit(t.Context(), "Müller/50% & co?.pdf", strings.NewReader(content), int64(len(content)), client.SubmitOptions{
		Type: "receipt", Priority: doc.Batch, Progress: func(sent, size int64) { last, of = sent, size },
	})
	if err != nil || r.Size != 1_000_000 || r.Name != "50% & co?.pdf" || last != 1_000_000 || of != 1_000_000 {
		t.Fatalf("submit: %+v, %v, progress %d of %d", r, err, last, of)
	}
	if d := w.node.arrivals[0]; d.Type != "receipt" || d.Priority != doc.Batch {
		t.Errorf("delivery %+v", d)
	}
	if _, err := c.Submit(t.Context(), "b.pdf", strings.NewReader("size not known"), -1, client.SubmitOptions{}); err != nil {
		t.Errorf("size not known: %v", err)
	}
	_, err = c.Submit(t.Context(), "", strings.NewReader(""), 0, client.SubmitOptions{})
	if doc.CodeOf(err) != doc.Invalid || doc.DetailOf(err) != doc.DetailEmpty {
		t.Errorf("empty: %v", err)
	}

	var seen []doc.State
	waited := make(chan doc.Record, 1)
	hello := make(chan struct{}, 1)
	go func() {
		rec, err := c.Wait(context.Background(), r.ID, func(e doc.Event) {
			seen = append(seen, e.State)
			hello <- struct{}{}
		})
		if err != nil {
			t.Errorf("wait: %v", err)
		}
		waited <- rec
	}()
	go func() { // until the waiting one has subscribed and heard of it
		for {
			w.node.settle(r.ID, doc.StateReading)
			select {
			case <-hello:
				w.node.settle(r.ID, doc.StateDone)
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	if rec := <-waited; rec.State != doc.StateDone || seen[0] != doc.StateReading {
		t.Errorf("waited: %+v after %v", rec, seen)
	}
	if rec, err := c.Wait(t.Context(), r.ID, nil); err != nil || rec.State != doc.StateDone {
		t.Errorf("wait for what is settled: %+v, %v", rec, err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("patience ended"))
	defer cancel()
	w.node.settle(r.ID, doc.StateQueued)
	if _, err := c.Wait(ctx, r.ID, nil); err == nil || !strings.Contains(err.Error(), "patience ended") {
		t.Errorf("wait without end: %v", err)
	}
	_, err = c.Wait(t.Context(), someID, nil)
	if doc.CodeOf(err) != doc.NotFound {
		t.Errorf("wait for nothing: %v", err)
	}
}

func TestClientReads(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.client(auth.Operator, client.TLS{})
	r := w.put("a.pdf", "content")
	ctx := t.Context()
	if rec, err := c.Get(ctx, r.ID); err != nil || rec.ID != r.ID || rec.Name != "a.pdf" {
		t.Errorf("get: %+v, %v", rec, err)
	}
	if l, err := c.List(ctx, doc.Query{Text: "a.p", State: doc.StateQueued, Type: "", Channel: "http", Limit: 5}); err != nil || len(l.Documents) != 1 {
		t.Errorf("list: %+v, %v", l, err)
	}
	if recs, err := c.Revisions(ctx, r.ID); err != nil || len(recs) != 1 {
		t.Errorf("revisions: %+v, %v", recs, err)
	}
	body, size, err := c.Original(ctx, r.ID)
	if err != nil || size != 7 {
		t.Fatalf("original: %d bytes, %v", size, err)
	}
	if raw, err := io.ReadAll(body); err != nil || string(raw) != "content" || body.Close() != nil {
		t.Errorf("original: %q, %v", raw, err)
	}
	if img, err := c.PageImage(ctx, r.ID, 1, 64); err != nil || string(img) != "\xff\xd8\x01\x40" {
		t.Errorf("image: %q, %v", img, err)
	}
	if p, err := c.Words(ctx, r.ID, 2); err != nil || p.Number != 2 {
		t.Errorf("words: %+v, %v", p, err)
	}
	if _, err := c.Retry(ctx, r.ID, "invoice", "pw"); err != nil || w.node.retries[0].Type != "invoice" || w.node.retries[0].Password != "pw" {
		t.Errorf("retry: %+v, %v", w.node.retries, err)
	}
	if o, err := c.Overview(ctx); err != nil || o.Total != 1 {
		t.Errorf("overview: %+v, %v", o, err)
	}
	if s, err := c.Status(ctx); err != nil || s.Node != "n1" || s.Version != "test" {
		t.Errorf("status: %+v, %v", s, err)
	}
	if missing, err := c.Ready(ctx); err != nil || len(missing) != 0 {
		t.Errorf("ready: %v, %v", missing, err)
	}
	if me, err := c.Me(ctx); err != nil || me.Role != "operator" {
		t.Errorf("me: %+v, %v", me, err)
	}
	typ := doc.Type{Name: "note", Fields: []doc.FieldSpec{{Name: "number", Type: doc.Identifier}}}
	if err := c.PutType(ctx, typ); err != nil {
		t.Error(err)
	}
	if got, err := c.Type(ctx, "note"); err != nil || cmp.Diff(typ, got) != "" {
		t.Errorf("type: %v\n%s", err, cmp.Diff(typ, got))
	}
	if ts, err := c.Types(ctx); err != nil || len(ts) != 1 {
		t.Errorf("types: %+v, %v", ts, err)
	}
	if err := c.DeleteType(ctx, "note"); err != nil {
		t.Error(err)
	}
}

func TestClientManagesKeys(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.client(auth.Admin, client.TLS{})
	key, secret, err := c.CreateKey(t.Context(), "copier", "station", w.clock.Now().Add(time.Hour))
	if err != nil || key.Role != "station" || key.ExpiresAt == nil {
		t.Fatalf("create: %+v, %v", key, err)
	}
	if p, err := w.auth.CheckKey(secret); err != nil || p.Role != auth.Station {
		t.Errorf("the key: %+v, %v", p, err)
	}
	if keys, err := c.Keys(t.Context()); err != nil || len(keys) != len(auth.Roles)+1 {
		t.Errorf("keys: %+v, %v", keys, err)
	}
	if err := c.DeleteKey(t.Context(), key.ID); err != nil {
		t.Error(err)
	}
}

func TestClientErrors(t *testing.T) {
	t.Parallel()
	w := start(t)
	_, err := w.client(auth.Reader, client.TLS{}).Submit(t.Context(), "a.pdf", strings.NewReader("x"), 1, client.SubmitOptions{})
	if doc.CodeOf(err) != doc.Forbidden {
		t.Errorf("as reader: %v", err)
	}
	nobody, err := client.New(w.url, "", client.TLS{})
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	_, err = nobody.List(t.Context(), doc.Query{})
	if doc.CodeOf(err) != doc.Unauthorized {
		t.Errorf("as nobody: %v", err)
	}
	w.node.mu.Lock()
	w.node.err = &doc.Error{Code: doc.Full, Message: "disk full"}
	w.node.mu.Unlock()
	_, err = w.client(auth.Operator, client.TLS{}).Submit(t.Context(), "a.pdf", strings.NewReader(strings.Repeat("x", 5<<20)), 5<<20, client.SubmitOptions{})
	var ans *client.Answer
	if !errors.As(err, &ans) || doc.CodeOf(err) != doc.Full || ans.Status != 507 || ans.RequestID == "" || err.Error() != "disk full" {
		t.Errorf("disk full: %v", err)
	}
	w.node.mu.Lock()
	w.node.err, w.node.missing = &doc.Error{Code: doc.Unavailable, Message: "broker away"}, []string{"broker"}
	w.node.mu.Unlock()
	c := w.client(auth.Operator, client.TLS{})
	if _, err = c.Overview(t.Context()); !errors.As(err, &ans) || ans.RetryAfter != retryAfter {
		t.Errorf("unavailable: %v", err)
	}
	if missing, err := c.Ready(t.Context()); err != nil || len(missing) != 1 {
		t.Errorf("ready: %v, %v", missing, err)
	}
	for _, bad := range []string{"", "host", "ftp://x", "http://", ":::"} {
		if _, err := client.New(bad, "", client.TLS{}); err == nil {
			t.Errorf("address %q is taken", bad)
		}
	}
	gone, err := client.New("127.0.0.1:1", "", client.TLS{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.List(t.Context(), doc.Query{}); doc.CodeOf(err) != doc.Unavailable || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestClientTrust(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := start(t, onEverything(dir))
	if _, err := w.client(auth.Reader, client.TLS{}).Me(t.Context()); doc.CodeOf(err) != doc.Unavailable {
		t.Errorf("an unknown certificate is trusted: %v", err)
	}
	if _, err := w.client(auth.Reader, client.TLS{CAFile: filepath.Join(dir, CertName)}).Me(t.Context()); err != nil {
		t.Errorf("by file: %v", err)
	}
	if _, err := w.client(auth.Reader, client.TLS{Fingerprint: w.srv.Fingerprint()}).Me(t.Context()); err != nil {
		t.Errorf("by fingerprint: %v", err)
	}
	wrong := "sha256:" + strings.Repeat("00", 32)
	if _, err := w.client(auth.Reader, client.TLS{Fingerprint: wrong}).Me(t.Context()); err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("wrong fingerprint: %v", err)
	}
	for _, bad := range []client.TLS{{Fingerprint: "abc"}, {CAFile: "/nowhere"}, {CAFile: filepath.Join(dir, KeyName)}} {
		if _, err := client.New(w.url, "", bad); err == nil {
			t.Errorf("trust %+v is taken", bad)
		}
	}
}

// A follower outlives its connection.
func TestClientFollowsAcrossBreaks(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.client(auth.Reader, client.TLS{})
	stop := errors.New("seen enough")
	opened := 0
	err := c.Follow(t.Context(), "", func(e doc.Event) error {
		if e.ID == "" {
			if opened++; opened == 2 {
				return stop
			}
			w.srv.guard.cut()
		}
		return nil
	})
	if !errors.Is(err, stop) || opened != 2 {
		t.Errorf("follow: %v after %d openings", err, opened)
	}
}
