package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

// failure is the body of an answer that is an error.
type failure struct {
	Error struct {
		Code    doc.Code `json:"code"`
		Detail  string   `json:"detail"`
		Message string   `json:"message"`
	} `json:"error"`
}

// refused sends a file and gives the error with which it was refused.
func (p *process) refused(name string, content []byte) (int, failure) {
	p.t.Helper()
	code, body, err := p.call(http.MethodPut, "/api/v1/documents/"+name, bytes.NewReader(content))
	if err != nil {
		p.t.Fatal(err)
	}
	var f failure
	if code/100 == 2 || json.Unmarshal(body, &f) != nil || f.Error.Message == "" {
		p.t.Fatalf("upload %s: %d %s, want an error that says why", name, code, body)
	}
	return code, f
}

func TestTwoNodesInOneFolder_AreRefused(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.start()
	p.ready()
	bin, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(bin, "up", "--data", p.data, "--listen", "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another node runs in") {
		t.Errorf("second node: %v %s", err, out)
	}
	if _, ok := p.upload("one.xml", invoiceXML("ONE")); !ok {
		t.Error("the first node was disturbed")
	}
}

func TestDiskFull_RefusedAsSuch(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.configure("[limits]\nmin_free = 1000000000000000\n")
	p.start()
	p.ready()
	code, f := p.refused("one.xml", invoiceXML("ONE"))
	if code != http.StatusInsufficientStorage || f.Error.Code != doc.Full {
		t.Errorf("%d %+v, want 507 full", code, f)
	}
	if l := p.all(); len(l) != 0 {
		t.Errorf("%d documents, want none", len(l))
	}
	if kept := files(t, filepath.Join(p.data, "blobs", "originals")); len(kept) != 0 {
		t.Errorf("kept of a refused upload: %v", kept)
	}
}

// files lists the regular files below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBadInput_IsSeenWithItsReasonAndRetried(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.start()
	p.ready()
	if code, f := p.refused("empty.pdf", nil); code != http.StatusBadRequest || f.Error.Detail != doc.DetailEmpty {
		t.Errorf("empty file: %d %+v", code, f)
	}
	if code, f := p.refused("a.pdf?type=nonsense", []byte("%PDF-1.4")); code != http.StatusBadRequest || f.Error.Detail != doc.DetailUnknownType {
		t.Errorf("unknown type: %d %+v", code, f)
	}
	r, ok := p.upload("broken.pdf", []byte("%PDF-1.4\nthis is no pdf"))
	if !ok {
		t.Fatal("a damaged file is accepted and fails when it is read")
	}
	var rec doc.Record
	p.until("the damaged file failed", func() bool { rec = p.record(r.ID); return rec.State == doc.StateFailed })
	if rec.Reason == nil || rec.Reason.Detail != doc.DetailDamaged || rec.Reason.Message == "" {
		t.Errorf("reason %+v", rec.Reason)
	}
	code, body, err := p.call(http.MethodPost, "/api/v1/documents/"+string(r.ID)+"/retry", nil)
	if err != nil || code != http.StatusAccepted {
		t.Fatalf("retry: %d %s %v", code, body, err)
	}
	p.until("it was read again", func() bool {
		again := p.record(r.ID)
		return again.Revision > rec.Revision && again.State == doc.StateFailed
	})
}

func TestEncryptedPDF_AsksForThePassword(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("qpdf"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no qpdf: make test-deps")
		}
		t.Skip("qpdf makes the encrypted file: apt-get install qpdf")
	}
	locked := filepath.Join(t.TempDir(), "locked.pdf")
	if out, err := exec.Command("qpdf", "--encrypt", "sesame", "owner", "256", "--", "../packaging/samples/e-invoice.pdf", locked).CombinedOutput(); err != nil {
		t.Fatalf("qpdf: %v %s", err, out)
	}
	content, err := os.ReadFile(locked)
	if err != nil {
		t.Fatal(err)
	}
	p := newProcess(t)
	p.start()
	p.ready()
	r, ok := p.upload("locked.pdf", content)
	if !ok {
		t.Fatal("not acknowledged")
	}
	var rec doc.Record
	p.until("it waits for the password", func() bool { rec = p.record(r.ID); return rec.State == doc.StateHeld })
	if rec.Reason == nil || rec.Reason.Detail != doc.DetailPassword {
		t.Errorf("reason %+v", rec.Reason)
	}
	code, body, err := p.call(http.MethodPost, "/api/v1/documents/"+string(r.ID)+"/retry", strings.NewReader(`{"password":"sesame"}`))
	if err != nil || code != http.StatusAccepted {
		t.Fatalf("retry with password: %d %s %v", code, body, err)
	}
	p.until("it was read", func() bool { rec = p.record(r.ID); return rec.Result != nil })
	if f := rec.Result.Field("invoice_number"); f == nil || f.Source != doc.FromXML {
		t.Errorf("invoice number %+v", f)
	}
	raw, err := json.Marshal(rec)
	if err != nil || bytes.Contains(raw, []byte("sesame")) {
		t.Errorf("the record holds the password, or does not marshal: %v", err)
	}
}

func TestBackupAndRestore_IntoAnotherNode(t *testing.T) {
	t.Parallel()
	a, b := newProcess(t), newProcess(t)
	a.start()
	b.start()
	a.ready()
	b.ready()
	want := a.fill(20)
	custom := `{"name":"memo","title":"Memo","fields":[{"name":"subject","type":"text","labels":["subject"]}]}`
	if code, body, err := a.call(http.MethodPut, "/api/v1/types/memo", strings.NewReader(custom)); err != nil || code/100 != 2 {
		t.Fatalf("put type: %d %s %v", code, body, err)
	}
	code, backup, err := a.call(http.MethodPost, "/api/v1/backup", nil)
	if err != nil || code != http.StatusOK {
		t.Fatalf("backup: %d %v", code, err)
	}
	if code, body, err := b.call(http.MethodPost, "/api/v1/restore", bytes.NewReader(backup[:len(backup)/2])); err != nil || code != http.StatusBadRequest {
		t.Errorf("restore of half a backup: %d %s %v", code, body, err)
	}
	if code, body, err := b.call(http.MethodPost, "/api/v1/restore", bytes.NewReader(backup)); err != nil || code/100 != 2 {
		t.Fatalf("restore: %d %s %v", code, body, err)
	}
	b.settled(len(want))
	b.holds(want)
	if code, body, err := b.call(http.MethodGet, "/api/v1/types/memo", nil); err != nil || code != http.StatusOK {
		t.Errorf("type after restore: %d %s %v", code, body, err)
	}
}

func TestRebuild_FromObjectsAlone(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.start()
	p.ready()
	want := p.fill(20)
	p.kill()
	for _, derived := range []string{"broker", "cache.db", "log.json"} {
		if err := os.RemoveAll(filepath.Join(p.data, derived)); err != nil {
			t.Fatal(err)
		}
	}
	bin, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(bin, "rebuild", "--data", p.data).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "20 documents") {
		t.Fatalf("rebuild: %v %s", err, out)
	}
	p.start()
	p.ready()
	p.settled(len(want)) // what was not archived when the node was killed is read again
	p.holds(want)
}

// TestObjectStoreGone starts a node on a real MinIO server that goes away and
// comes back.
func TestObjectStoreGone(t *testing.T) {
	t.Parallel()
	server := newMinIO(t)
	p := newProcess(t)
	p.configure(fmt.Sprintf("[blob]\nkind = \"s3\"\n[blob.s3]\nendpoint = %q\nbucket = \"recto\"\naccess_key = \"recto\"\nsecret_key = \"correct-horse\"\nplain_http = true\ncreate = true\n", server.addr))
	p.start()
	p.ready()
	want := p.fill(5)

	server.stop()
	p.until("readiness names the blob store", func() bool {
		code, body, err := p.call(http.MethodGet, "/readyz", nil)
		return err == nil && code == http.StatusServiceUnavailable && strings.Contains(string(body), "blob store")
	})
	if code, f := p.refused("gone.xml", invoiceXML("GONE")); code != http.StatusServiceUnavailable || f.Error.Code != doc.Unavailable {
		t.Errorf("upload without a store: %d %+v", code, f)
	}
	server.start()
	p.ready()
	p.holds(want)
	r, ok := p.upload("gone.xml", invoiceXML("GONE"))
	if !ok {
		t.Fatal("upload after the store came back was not acknowledged")
	}
	want[r.ID] = "GONE"
	p.until("it is read", func() bool { return p.record(r.ID).State.Settled() })
	p.holds(want)
}

func TestObjectStoreRefuses_IsSaid(t *testing.T) {
	t.Parallel()
	server := newMinIO(t)
	for _, c := range []struct{ name, secret, create, says string }{
		{"wrong secret", "wrong-secret", "true", "recto"},
		{"missing bucket", "correct-horse", "false", "bucket"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProcess(t)
			p.configure(fmt.Sprintf("[blob]\nkind = \"s3\"\n[blob.s3]\nendpoint = %q\nbucket = \"none\"\naccess_key = \"recto\"\nsecret_key = %q\nplain_http = true\ncreate = %s\n", server.addr, c.secret, c.create))
			p.start()
			p.until("readiness says why", func() bool {
				code, body, err := p.call(http.MethodGet, "/readyz", nil)
				return err == nil && code == http.StatusServiceUnavailable && strings.Contains(string(body), "blob store: down") && strings.Contains(string(body), c.says)
			})
			if code, _, _ := p.call(http.MethodPut, "/api/v1/documents/one.xml", bytes.NewReader(invoiceXML("ONE"))); code/100 == 2 {
				t.Errorf("acknowledged without a store: %d", code)
			}
		})
	}
}

// minIO is a real MinIO server on loopback.
type minIO struct {
	t    *testing.T
	bin  string
	dir  string
	addr string
	cmd  *exec.Cmd
}

func newMinIO(t *testing.T) *minIO {
	t.Helper()
	bin := os.Getenv("RECTO_MINIO")
	if bin == "" {
		bin = "../.cache/bin/minio"
	}
	if _, err := os.Stat(bin); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no MinIO server: make minio: %v", err)
		}
		t.Skip("no MinIO server: make minio")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &minIO{t: t, bin: bin, dir: t.TempDir(), addr: l.Addr().String()}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	m.start()
	t.Cleanup(m.stop)
	return m
}

func (m *minIO) start() {
	m.t.Helper()
	m.cmd = exec.CommandContext(context.Background(), m.bin, "server", m.dir, "--address", m.addr, "--quiet")
	m.cmd.Env = append(os.Environ(), "MINIO_ROOT_USER=recto", "MINIO_ROOT_PASSWORD=correct-horse", "MINIO_BROWSER=off", "MINIO_UPDATE=off")
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	p := &process{t: m.t, addr: m.addr, http: &http.Client{}}
	p.until("MinIO answers", func() bool {
		code, _, err := p.call(http.MethodGet, "/minio/health/ready", nil)
		return err == nil && code == http.StatusOK
	})
}

func (m *minIO) stop() {
	if m.cmd != nil {
		_ = m.cmd.Process.Kill()
		_ = m.cmd.Wait()
		m.cmd = nil
	}
}

// TestIndexDamaged_IsMadeAnew wipes the index of a running node: until it is made
// anew, no document that is there is called missing.
func TestIndexDamaged_IsMadeAnew(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.start()
	p.ready()
	want := p.fill(40)
	p.settled(len(want))
	f, err := os.OpenFile(filepath.Join(p.data, "cache.db"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(make([]byte, info.Size()-8192), 8192) // all but the two pages that say where the rest is
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	unavailable := 0
	for id := range want {
		p.until("document "+string(id)+" is shown again", func() bool {
			code, body, err := p.call(http.MethodGet, "/api/v1/documents/"+string(id), nil)
			switch {
			case err != nil:
				t.Fatal(err)
			case code == http.StatusServiceUnavailable:
				unavailable++
			case code != http.StatusOK:
				t.Fatalf("%d %s, want the document, or the word that it cannot be seen now", code, body)
			}
			return code == http.StatusOK
		})
	}
	if unavailable == 0 {
		t.Error("the damage was never seen: the test does not try what it says")
	}
	p.ready()
	p.holds(want)
}
