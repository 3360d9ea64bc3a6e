package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	var asked []string
	var made map[string]any
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/api/v1/api-keys"))
		switch r.Method {
		case http.MethodPost:
			_ = json.NewDecoder(r.Body).Decode(&made)
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"key":{"id":"k7","name":"ward 3","role":"station"},"secret":"rk_k7_s"}`))
		case http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		default:
			_, _ = w.Write([]byte(`[{"id":"k7","name":"ward 3","role":"station","created_by":"ann","created_at":"2026-11-28T09:00:00Z"}]`))
		}
	}))
	defer srv.Close()
	recto := func(args ...string) (int, string, string) {
		var o, e bytes.Buffer
		code := run(streams{strings.NewReader(""), &o, &e}, append(args, "--url", srv.URL, "--key", "rk_x"))
		return code, o.String(), e.String()
	}

	if code, out, errOut := recto("keys", "create", "ward 3", "--role", "station", "--ttl", "1h"); code != exitOK || out != "rk_k7_s\n" || !strings.Contains(errOut, "only now") {
		t.Errorf("create: %d, %q, %q", code, out, errOut)
	}
	until, err := time.Parse(time.RFC3339, made["expires_at"].(string))
	if err != nil || made["name"] != "ward 3" || made["role"] != "station" || time.Until(until) > time.Hour || time.Until(until) < time.Minute {
		t.Errorf("asked for %v", made)
	}
	if code, out, _ := recto("keys"); code != exitOK || !strings.Contains(out, "ward 3") || !strings.Contains(out, "removed") {
		t.Errorf("list: %d, %q", code, out)
	}
	if code, out, _ := recto("keys", "delete", "k7"); code != exitOK || out != "k7 removed\n" {
		t.Errorf("delete: %d, %q", code, out)
	}
	if code, _, errOut := recto("keys", "make", "x"); code != exitUsage || !strings.Contains(errOut, "create NAME") {
		t.Errorf("nonsense: %d, %q", code, errOut)
	}
	if want := "POST ,GET ,DELETE /k7"; strings.Join(asked, ",") != want {
		t.Errorf("asked %q, want %q", strings.Join(asked, ","), want)
	}
}
