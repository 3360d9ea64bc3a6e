package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

type fakeMaintenance struct{ *fakeNode }

func (f fakeMaintenance) Backup(_ context.Context, w io.Writer) error {
	if _, err := io.WriteString(w, strings.Repeat("all of it ", 10_000)); err != nil {
		return err
	}
	return f.fails()
}

func (f fakeMaintenance) Restore(_ context.Context, r io.Reader) (Restored, error) {
	b, err := io.ReadAll(r)
	if err == nil && !strings.HasPrefix(string(b), "all of it") {
		err = doc.Errorf(doc.Invalid, "this is not a whole backup")
	}
	return Restored{Objects: len(b)}, err
}

func (w *world) maintain(path, body string) (int, string, error) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.keys[auth.Admin])
	req.Header.Set("Content-Type", tarMedia)
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	w := start(t)
	code, whole, err := w.maintain(prefix+"/backup", "")
	if err != nil || code != 200 || len(whole) != 100_000 {
		t.Fatalf("backup: %d, %d bytes, %v", code, len(whole), err)
	}
	if code, answer, err := w.maintain(prefix+"/restore", whole); err != nil || code != 200 || !strings.Contains(answer, `"objects":100000`) {
		t.Errorf("restore: %d %s %v", code, answer, err)
	}
	if code, answer, _ := w.maintain(prefix+"/restore", "something else"); code != 400 || !strings.Contains(answer, "not a whole backup") {
		t.Errorf("restore of something else: %d %s", code, answer)
	}
}

func TestBackupThatFailsIsNeverWhole(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.node.mu.Lock()
	w.node.err = errors.New("disk went away")
	w.node.mu.Unlock()
	if _, b, err := w.maintain(prefix+"/backup", ""); err == nil {
		t.Errorf("a backup that failed after %d bytes looks whole", len(b))
	}
}
