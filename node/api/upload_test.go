package api

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

// formBody builds a multipart body; parts with a file name are files.
func formBody(t *testing.T, parts ...[3]string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, p := range parts {
		var w io.Writer
		var err error
		if p[1] == "" {
			w, err = m.CreateFormField(p[0])
		} else {
			w, err = m.CreateFormFile(p[0], p[1])
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, p[2]); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), m.FormDataContentType()
}

func (w *world) post(path string, parts ...[3]string) answer {
	w.t.Helper()
	body, media := formBody(w.t, parts...)
	return w.do("POST", path, strings.NewReader(body), withKey(w.keys[auth.Operator]), withHeader("Content-Type", media))
}

const docs = "/api/v1/documents"

func TestUploadSeveralFiles(t *testing.T) {
	t.Parallel()
	w := start(t)
	big := strings.Repeat("0123456789", 100_000)
	a := w.post(docs+"?type=receipt", [3]string{"priority", "", "hi"}, [3]string{"file", "a.pdf", "one"},
		[3]string{"file", `C:\scans\..\b.pdf`, big}, [3]string{"other", "../../etc/passwd", "three"})
	wantStatus(t, "upload", a, 202)
	got := decode[[]doc.Receipt](t, a)
	if len(got) != 3 || got[0].Name != "a.pdf" || got[1].Size != 1_000_000 || got[1].Name != "b.pdf" || got[2].Name != "passwd" {
		t.Errorf("receipts %s", a.text)
	}
	for _, d := range w.node.arrivals {
		if d.Type != "receipt" || d.Priority != doc.High || d.Channel != "http" || !strings.HasPrefix(d.Sender, "key:") {
			t.Errorf("delivery %+v", d)
		}
	}
	again := decode[[]doc.Receipt](t, w.post(docs, [3]string{"file", "again.pdf", "one"}))
	if !again[0].Duplicate || again[0].ID != got[0].ID {
		t.Errorf("the same bytes again: %+v", again)
	}
}

func TestFormsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.MaxFiles, c.MaxBytes = 2, 1000 })
	file := [3]string{"file", "a.pdf", "one"}
	wantFailure(t, "no file", w.post(docs, [3]string{"type", "", "receipt"}), 400, doc.Invalid, "")
	wantFailure(t, "empty form", w.post(docs), 400, doc.Invalid, "")
	wantFailure(t, "late field", w.post(docs, file, [3]string{"type", "", "receipt"}), 400, doc.Invalid, "")
	wantFailure(t, "unknown field", w.post(docs, [3]string{"tpye", "", "receipt"}, file), 400, doc.Invalid, "")
	wantFailure(t, "bad type", w.post(docs, [3]string{"type", "", "../x"}, file), 400, doc.Invalid, "")
	wantFailure(t, "bad priority", w.post(docs, [3]string{"priority", "", "urgent"}, file), 400, doc.Invalid, "")
	wantFailure(t, "long field", w.post(docs, [3]string{"type", "", strings.Repeat("x", 300)}, file), 400, doc.Invalid, "")
	wantFailure(t, "empty file", w.post(docs, [3]string{"file", "a.pdf", ""}), 400, doc.Invalid, doc.DetailEmpty)
	wantFailure(t, "too many", w.post(docs, file, file, file), 413, doc.TooLarge, "")
	wantFailure(t, "too large", w.post(docs, [3]string{"file", "a.pdf", strings.Repeat("x", 1001)}), 413, doc.TooLarge, "")
	wantStatus(t, "just not too large", w.post(docs, [3]string{"file", "a.pdf", strings.Repeat("x", 1000)}), 202)
	for _, media := range []string{"", "application/pdf", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x", "\x00"} {
		a := w.do("POST", docs, strings.NewReader("x"), withKey(w.keys[auth.Operator]), withHeader("Content-Type", strings.Trim(media, "\x00")))
		wantFailure(t, "content type "+media, a, 400, doc.Invalid, "")
	}
	a := w.do("POST", docs, strings.NewReader("--x\r\nno header\r\n\r\nabc\r\n--x--"), withKey(w.keys[auth.Operator]), withHeader("Content-Type", "multipart/form-data; boundary=x"))
	wantFailure(t, "damaged", a, 400, doc.Invalid, "")
	body, media := formBody(t, file)
	a = w.do("PUT", docs+"/a.pdf", strings.NewReader(body), withKey(w.keys[auth.Operator]), withHeader("Content-Type", media))
	wantFailure(t, "a form by PUT", a, 400, doc.Invalid, "")
	a = w.as(auth.Operator, "PUT", docs+"/a.pdf?type=Bad", "x")
	wantFailure(t, "bad type by PUT", a, 400, doc.Invalid, "")
	a = w.as(auth.Operator, "PUT", docs+"/a.pdf", strings.Repeat("x", 1001))
	wantFailure(t, "too large by PUT", a, 413, doc.TooLarge, "")
	a = w.do("PUT", docs+"/a.pdf", io.MultiReader(strings.NewReader(strings.Repeat("x", 5000))), withKey(w.keys[auth.Operator]))
	wantFailure(t, "too large, size not said", a, 413, doc.TooLarge, "")
	a = w.as(auth.Operator, "PUT", docs+"/a.pdf", "")
	wantFailure(t, "empty by PUT", a, 400, doc.Invalid, doc.DetailEmpty)
}

// A sender that is refused at once still gets to read why, however much it had
// to say.
func TestRefusalIsReadable(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.MaxBytes = 1000 })
	for range 5 {
		a := w.do("PUT", docs+"/big.pdf", bytes.NewReader(make([]byte, 20<<20)), withKey(w.keys[auth.Operator]))
		wantFailure(t, "20 MB where 1000 bytes are allowed", a, 413, doc.TooLarge, "")
		a = w.do("PUT", docs+"/big.pdf", bytes.NewReader(make([]byte, 20<<20)))
		wantFailure(t, "20 MB from nobody", a, 401, doc.Unauthorized, "")
	}
	if w.node.count() != 0 {
		t.Error("something was accepted")
	}
}

// Half an upload is never acknowledged, wherever it stops.
func TestTruncatedUploads(t *testing.T) {
	t.Parallel()
	w := start(t)
	content := strings.Repeat("0123456789", 5000)
	body, media := formBody(t, [3]string{"file", "a.pdf", "first"}, [3]string{"file", "b.pdf", content})
	head := "Host: x\r\nAuthorization: Bearer " + w.keys[auth.Operator] + "\r\n"
	sized := fmt.Sprintf("PUT %s/a.pdf HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n", docs, head, len(content))
	chunked := fmt.Sprintf("PUT %s/a.pdf HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n", docs, head)
	posted := fmt.Sprintf("POST %s HTTP/1.1\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n", docs, head, media, len(body))
	postedChunked := fmt.Sprintf("POST %s HTTP/1.1\r\n%sContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", docs, head, media)
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	for what, text := range map[string]string{
		"raw, within what is read at once":  sized + content[:100],
		"raw, half way":                     sized + content[:30_000],
		"raw, one byte short":               sized + content[:len(content)-1],
		"chunked, between chunks":           chunked + chunk(content[:20_000]),
		"chunked, within a chunk":           chunked + chunk(content)[:20_000],
		"chunked, before the first":         chunked,
		"chunked, end without its line":     chunked + chunk(content) + "0",
		"chunked, broken":                   chunked + chunk(content[:20_000]) + "zz\r\n",
		"form, half way":                    posted + body[:len(body)/2],
		"form, in the first header":         posted + body[:60],
		"form, before the closing boundary": posted + body[:len(body)-30],
		"form, all but one byte":            posted + body[:len(body)-1],
		"form chunked, half way":            postedChunked + chunk(body[:len(body)/2]),
	} {
		before := w.node.count()
		c, r := w.raw()
		go func() {
			_, _ = io.WriteString(c, text)
			_ = c.(interface{ CloseWrite() error }).CloseWrite()
		}()
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			continue // cut before there was a request: no acknowledgement either
		}
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 400 {
			t.Errorf("%s: %d %s, %v: want 400", what, res.StatusCode, raw, err)
		}
		whole := 0 // files whose last byte did arrive may be kept; nobody was told so
		switch {
		case what == "form, all but one byte":
			whole = 2
		case strings.HasPrefix(what, "form"):
			whole = 1
		}
		if got := w.node.count() - before; got > whole {
			t.Errorf("%s: %d files accepted, %d were whole", what, got, whole)
		}
	}
	c, r := w.raw()
	fmt.Fprint(c, chunked+chunk(content)+"0\r\n\r\n")
	wantStatus(t, "chunked and whole", readAnswer(t, r), 202)
	c, r = w.raw()
	fmt.Fprint(c, sized+content)
	wantStatus(t, "sized and whole", readAnswer(t, r), 202)
}

func TestStalledUploadIsGivenUp(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.Stall = 200 * time.Millisecond })
	c, r := w.raw()
	fmt.Fprintf(c, "PUT %s/a.pdf HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100000\r\n\r\n%s",
		docs, w.keys[auth.Operator], strings.Repeat("x", 50_000))
	wantFailure(t, "stalled", readAnswer(t, r), 400, doc.Invalid, "stalled")
	if w.node.count() != 0 {
		t.Error("a stalled upload was accepted")
	}
}

// An intake that answers before the end must not make the server acknowledge.
func TestAcknowledgedOnlyWhenReadToTheEnd(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.node.half = true
	wantFailure(t, "put", w.as(auth.Operator, "PUT", docs+"/a.pdf", "some bytes"), 500, doc.Internal, "")
	wantFailure(t, "form", w.post(docs, [3]string{"file", "a.pdf", "some bytes"}), 500, doc.Internal, "")
}

func TestNamesAreLabels(t *testing.T) {
	t.Parallel()
	w := start(t)
	for sent, want := range map[string]string{
		"scan.pdf": "scan.pdf", "..%2F..%2Fetc%2Fpasswd": "passwd", "%2e%2e": "document", "a%00b%0d%0a.pdf": "ab.pdf",
		"Rechnung%20M%C3%BCller.pdf": "Rechnung Müller.pdf", "%ff.pdf": "\uFFFD.pdf", "%20": "document", "invoice%E2%80%AEfdp.exe": "invoicefdp.exe",
		strings.Repeat("x", 300) + ".pdf": strings.Repeat("x", 251) + ".pdf", "a+b%2Bc.pdf": "a+b+c.pdf", "100%25.pdf": "100%.pdf",
	} {
		a := w.as(auth.Operator, "PUT", docs+"/"+sent, "content of "+sent)
		if got := decode[doc.Receipt](t, a); a.StatusCode != 202 || got.Name != want {
			t.Errorf("%s: %d, name %q, want %q", sent, a.StatusCode, got.Name, want)
		}
	}
	wantFailure(t, "endless name", w.as(auth.Operator, "PUT", docs+"/"+strings.Repeat("x", 2000), "x"), 400, doc.Invalid, "")
}

func TestWaitAnswersWithTheRecord(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.node.submitted = make(chan doc.ID, 10)
	go func() { w.node.settle(<-w.node.submitted, doc.StateDone) }()
	a := w.as(auth.Reviewer, "PUT", docs+"/a.pdf?wait=30s", "a")
	if rec := decode[doc.Record](t, a); a.StatusCode != 200 || rec.State != doc.StateDone || rec.Name != "a.pdf" {
		t.Errorf("waited: %d %s", a.StatusCode, a.text)
	}
	go func() {
		for range 2 {
			w.node.settle(<-w.node.submitted, doc.StateFailed)
		}
	}()
	a = w.post(docs+"?wait=30", [3]string{"file", "b.pdf", "b"}, [3]string{"file", "c.pdf", "c"})
	if recs := decode[[]doc.Record](t, a); a.StatusCode != 200 || len(recs) != 2 || recs[1].State != doc.StateFailed {
		t.Errorf("waited: %d %s", a.StatusCode, a.text)
	}
	a = w.as(auth.Operator, "PUT", docs+"/d.pdf?wait=10ms", "d")
	if r := decode[doc.Receipt](t, a); a.StatusCode != 202 || r.ID == "" || a.Header.Get("Location") != docs+"/"+string(r.ID) {
		t.Errorf("not settled in time: %d %s", a.StatusCode, a.text)
	}
	for _, bad := range []string{"soon", "-1s", "1h", "99999999999"} {
		wantFailure(t, "wait="+bad, w.as(auth.Operator, "PUT", docs+"/e.pdf?wait="+bad, "e"), 400, doc.Invalid, "")
	}
	wantFailure(t, "a station waits", w.as(auth.Station, "PUT", docs+"/f.pdf?wait=1s", "f"), 403, doc.Forbidden, "")
	wantStatus(t, "a station delivers", w.as(auth.Station, "PUT", docs+"/f.pdf", "f"), 202)
}

func TestTraceContextIsPassedOn(t *testing.T) {
	t.Parallel()
	w := start(t)
	tp := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	w.as(auth.Operator, "PUT", docs+"/a.pdf", "a", withHeader("traceparent", tp))
	w.as(auth.Operator, "PUT", docs+"/b.pdf", "b", withHeader("traceparent", "nonsense"))
	got := []string{w.node.arrivals[0].Traceparent, w.node.arrivals[1].Traceparent}
	if !slices.Equal(got, []string{tp, ""}) {
		t.Errorf("trace contexts %q", got)
	}
}

// zeros is size bytes that exist nowhere; it notes the heap as they leave.
type zeros struct {
	left int64
	peak uint64
	next int64
}

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	z.left -= n
	if z.left <= z.next {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		z.peak = max(z.peak, m.HeapAlloc)
		z.next = z.left - 4<<20
	}
	return int(n), nil
}

// An upload is never in memory as a whole. Not parallel: it measures the heap.
func TestUploadsStream(t *testing.T) {
	const size = 200 << 20
	for _, method := range []string{"PUT", "POST"} {
		t.Run(method, func(t *testing.T) {
			w := start(t)
			w.node.discard = true
			z := &zeros{left: size, next: size}
			head, media := formBody(t, [3]string{"file", "big.tif", ""})
			cut := strings.LastIndex(head, "\r\n--")
			body, path := io.MultiReader(strings.NewReader(head[:cut]), z, strings.NewReader(head[cut:])), docs
			if method == "PUT" {
				body, path, media = io.MultiReader(z), docs+"/big.tif", "application/octet-stream"
			}
			runtime.GC()
			var before runtime.MemStats
			runtime.ReadMemStats(&before)
			a := w.do(method, path, body, withKey(w.keys[auth.Operator]), withHeader("Content-Type", media))
			wantStatus(t, "200 MB", a, 202)
			if !strings.Contains(a.text, fmt.Sprint(size)) {
				t.Errorf("receipt %s", a.text)
			}
			grown := int64(z.peak) - int64(before.HeapAlloc)
			t.Logf("heap grew by %.1f MB at most while 200 MB passed", float64(grown)/(1<<20))
			if grown > 16<<20 {
				t.Errorf("heap grew by %d bytes", grown)
			}
		})
	}
}
