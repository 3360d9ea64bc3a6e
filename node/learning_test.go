package node_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

// page makes a PDF of one page with lines of text, each at its own place: quick
// to read, since its text layer is true.
func page(lines ...[3]any) []byte {
	var text bytes.Buffer
	for _, l := range lines {
		s := strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(l[2].(string))
		fmt.Fprintf(&text, "BT /F1 11 Tf %d %d Td (%s) Tj ET\n", l[0], l[1], s)
	}
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%sendstream", text.Len(), text.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	at := make([]int, len(objects))
	for i, o := range objects {
		at[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	from := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, from)
	return b.Bytes()
}

// slipType is a type whose labels are printed nowhere, and so many that no others are learned:
// rules find no amount, and people have to teach it.
const slipType = `{"name":"slip","title":"Slip","keywords":["delivery slip"],"fields":[
	{"name":"company","type":"name","hint":"top","required":true},
	{"name":"amount","type":"money","required":true,"labels":["never printed anywhere","nor this one","nor that one","nor the other","neither here","neither there","unseen","unread"]}]}`

var slipVendors = []string{"Northwind Timber Ltd", "Calder Stone GmbH", "Blue Harbour Fish Co", "Ostrava Steel Works", "Merlin Paper Mill", "Juniper Glass Inc", "Falcon Cement Ltd"}

// slip is the n-th delivery slip of a vendor, with the amount that is meant.
func slip(vendor, n int) (content []byte, amount string) {
	amount = fmt.Sprintf("%d.%02d", 100+37*n+211*vendor, (n*13+vendor*7)%100)
	more := fmt.Sprintf("%d.%02d", 900+53*n+17*vendor, (n*29+5)%100)
	less := fmt.Sprintf("%d.%02d", 20+n+vendor, (n*31+9)%100)
	return page(
		[3]any{60, 780, slipVendors[vendor]}, [3]any{60, 764, fmt.Sprintf("%d Mill Lane, Springfield", 10+vendor)},
		[3]any{60, 748, fmt.Sprintf("VAT GB%09d", 123456789+1000*vendor)}, [3]any{60, 700, fmt.Sprintf("Delivery slip for order %d", 7000+n)},
		[3]any{60, 640, "Stock value " + more}, [3]any{60, 600, "Kindly remit " + amount}, [3]any{60, 560, "Carriage " + less},
	), amount
}

// teach starts a node that knows the type slip.
func teach(t *testing.T, config string) *process {
	t.Helper()
	p := newProcess(t)
	if config != "" {
		p.configure(config)
	}
	p.start()
	p.ready()
	if code, body, err := p.call(http.MethodPut, "/api/v1/types/slip", strings.NewReader(slipType)); err != nil || code != http.StatusOK {
		t.Fatalf("put type: %d %s %v", code, body, err)
	}
	return p
}

// ask sends JSON and decodes the answer, which must have a status.
func (p *process) ask(method, path, body string, status int, out any) {
	p.t.Helper()
	code, raw, err := p.call(method, path, strings.NewReader(body))
	if err != nil || code != status {
		p.t.Fatalf("%s %s: %d %s %v, want %d", method, path, code, raw, err, status)
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			p.t.Fatal(err)
		}
	}
}

// deliver has a file read as a type and gives its record.
func (p *process) deliver(name, typeName string, content []byte) doc.Record {
	p.t.Helper()
	r, ok := p.upload(name+"?type="+typeName, content)
	if !ok {
		p.t.Fatalf("%s is not acknowledged", name)
	}
	var rec doc.Record
	p.until(name+" is read", func() bool { rec = p.record(r.ID); return rec.State.Settled() })
	if rec.Result == nil {
		p.t.Fatalf("%s: %s %+v", name, rec.State, rec.Reason)
	}
	return rec
}

func (p *process) review(id doc.ID, body string) doc.Record {
	p.t.Helper()
	var rec doc.Record
	p.ask(http.MethodPost, "/api/v1/documents/"+string(id)+"/review", body, http.StatusOK, &rec)
	return rec
}

func (p *process) models() doc.ModelList {
	p.t.Helper()
	var l doc.ModelList
	p.ask(http.MethodGet, "/api/v1/types/slip/models", "", http.StatusOK, &l)
	return l
}

func fieldOf(r doc.Record, name string) doc.Field {
	if r.Result == nil || r.Result.Field(name) == nil {
		return doc.Field{}
	}
	return *r.Result.Field(name)
}

func TestReview_CorrectsFindsAgainAndKeepsHistory(t *testing.T) {
	t.Parallel()
	p := teach(t, "")
	body, amount := slip(0, 1)
	rec := p.deliver("one.pdf", "slip", body)
	if rec.State != doc.StateReview {
		t.Fatalf("state %s", rec.State)
	}
	at := "/api/v1/documents/" + string(rec.ID) + "/review"
	for bad, says := range map[string]string{
		`{"fields":{"amount":"soon"}}`:                 "an amount, as 1234.56",
		`{"fields":{"total":"1.00"}}`:                  "it has: company, amount",
		`{"fields":{"amount":""}}`:                     "null",
		`{"type":"nonsense"}`:                          "nonsense",
		`{"rows":{"amount":[{"x":"1"}]}}`:              "no table",
		fmt.Sprintf(`{"revision":%d}`, rec.Revision-1): "faster",
	} {
		code, raw, err := p.call(http.MethodPost, at, strings.NewReader(bad))
		if err != nil || code/100 != 4 || !strings.Contains(string(raw), says) {
			t.Errorf("%s: %d %s %v, want a refusal that says %q", bad, code, raw, err, says)
		}
	}
	next := p.review(rec.ID, fmt.Sprintf(`{"fields":{"amount":" £ %s "},"approve":true,"revision":%d}`, amount, rec.Revision))
	f := fieldOf(next, "amount")
	if next.State != doc.StateDone || next.Revision != rec.Revision+1 || f.Value != amount || f.Source != doc.FromPerson || !f.Accepted || f.Confidence != 1 || f.Box == nil || f.Page != 1 {
		t.Errorf("after the review: %s, revision %d, %+v", next.State, next.Revision, f)
	}
	if next.By == "worker" || next.Review == nil || next.Review.Labels["company"] == "" || len(next.Review.Unfound) != 0 {
		t.Errorf("review %+v by %s", next.Review, next.By)
	}
	// What stands nowhere is taken, and said.
	next = p.review(rec.ID, `{"fields":{"amount":"77777.77"}}`)
	if f := fieldOf(next, "amount"); f.Box != nil || len(next.Review.Unfound) != 1 || f.Alternatives[0].Value != amount {
		t.Errorf("a value that is not on the page: %+v %+v", f, next.Review)
	}
	if len(next.Result.Warnings) == 0 || !strings.Contains(next.Result.Warnings[len(next.Result.Warnings)-1], "amount") {
		t.Errorf("warnings %v", next.Result.Warnings)
	}
	// Read again, a person's word stands.
	p.ask(http.MethodPost, "/api/v1/documents/"+string(rec.ID)+"/retry", "", http.StatusAccepted, nil)
	p.until("it is read again", func() bool { next = p.record(rec.ID); return next.Revision > rec.Revision+3 && next.State.Settled() })
	if f := fieldOf(next, "amount"); f.Value != "77777.77" || f.Source != doc.FromPerson || next.State != doc.StateDone {
		t.Errorf("after reading again: %s %+v", next.State, f)
	}
	var list doc.List
	p.ask(http.MethodGet, "/api/v1/documents?type=slip", "", http.StatusOK, &list)
	if len(list.Documents) != 1 || !list.Documents[0].Reviewed {
		t.Errorf("list %+v", list.Documents)
	}
}

func TestReview_OfTwoAtOnceOneWins(t *testing.T) {
	t.Parallel()
	p := teach(t, "")
	body, amount := slip(1, 1)
	rec := p.deliver("one.pdf", "slip", body)
	const people = 4
	codes := make([]int, people)
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() {
			codes[i], _, _ = p.call(http.MethodPost, "/api/v1/documents/"+string(rec.ID)+"/review",
				strings.NewReader(fmt.Sprintf(`{"fields":{"amount":%q},"approve":true,"revision":%d}`, amount, rec.Revision)))
		})
	}
	wg.Wait()
	won := 0
	for _, c := range codes {
		switch c {
		case http.StatusOK:
			won++
		case http.StatusConflict:
		default:
			t.Errorf("status %d", c)
		}
	}
	if won != 1 || p.record(rec.ID).Revision != rec.Revision+1 {
		t.Errorf("%v: %d won, revision %d after %d", codes, won, p.record(rec.ID).Revision, rec.Revision)
	}
}

// A document that was corrected helps the next one of its vendor at once.
func TestReview_TheNextOfTheVendorProfits(t *testing.T) {
	t.Parallel()
	p := teach(t, "")
	letter := func(n int) []byte {
		return page([3]any{60, 780, "Harbour Gate Services"}, [3]any{60, 760, "Acme Freight Traders"}, [3]any{60, 740, "Tel +44 20 7946 0958"},
			[3]any{60, 700, fmt.Sprintf("Date 0%d/11/2026", n)}, [3]any{60, 640, fmt.Sprintf("Total %d.20", 320+n)})
	}
	first := p.deliver("a.pdf", "slip", letter(1))
	right := "Acme Freight Traders"
	if fieldOf(first, "company").Value == right {
		right = "Harbour Gate Services" // whichever it is not read as
	}
	p.review(first.ID, fmt.Sprintf(`{"fields":{"company":%q,"amount":"321.20"}}`, strings.ToUpper(right)))
	second := p.deliver("b.pdf", "slip", letter(2))
	if f := fieldOf(second, "company"); !strings.EqualFold(f.Value, right) || f.Source == doc.FromPerson {
		t.Errorf("company of the next document: %+v, want %s", f, right)
	}
	if l := p.models(); l.Reviewed != 1 || l.Training.Reviews != 1 {
		t.Errorf("reviewed %d, %+v", l.Reviewed, l.Training)
	}
}

func TestLearning_TrainsPromotesRestoresAndForgets(t *testing.T) {
	t.Parallel()
	p := teach(t, "[learn]\nafter = 30\n")
	var ids []doc.ID
	for n := range 5 {
		for v := range 6 {
			body, amount := slip(v, n)
			rec := p.deliver(fmt.Sprintf("s%d-%d.pdf", v, n), "slip", body)
			p.review(rec.ID, fmt.Sprintf(`{"fields":{"amount":%q,"company":%q},"approve":true}`, amount, slipVendors[v]))
			ids = append(ids, rec.ID)
		}
	}
	var l doc.ModelList
	p.until("a model was made", func() bool { l = p.models(); return l.Training.EndedAt != nil && l.Training.State == "idle" })
	if len(l.Models) != 2 || l.Models[0].State != doc.ModelLive || l.Live != l.Models[0].Digest || l.Models[0].Gain == nil || l.Models[0].Gain.Low <= 0 || l.Reviewed != 30 {
		raw, _ := json.Marshal(l)
		t.Fatalf("models %s", raw)
	}
	// A vendor nobody reviewed is read better, and the field says by what.
	body, amount := slip(6, 9)
	rec := p.deliver("new.pdf", "slip", body)
	if f := fieldOf(rec, "amount"); f.Value != amount || f.Model != l.Live {
		t.Errorf("amount of a new vendor: %+v, want %s by %s", f, amount, l.Live)
	}
	var cmp doc.Comparison
	p.ask(http.MethodPost, "/api/v1/documents/"+string(rec.ID)+"/compare", `{"models":["shipped","live"]}`, http.StatusOK, &cmp)
	for _, f := range cmp.Fields {
		if f.Name == "amount" && (f.Values[1].Value != amount || f.Values[0].Value == amount) {
			t.Errorf("comparison %+v", f)
		}
	}
	if cmp.Models[0] != doc.AsRules || cmp.Models[1] != l.Live {
		t.Errorf("compared %v", cmp.Models)
	}
	// Nothing new: no second model. One step back, and forward again.
	p.ask(http.MethodPost, "/api/v1/types/slip/train", "", http.StatusAccepted, nil)
	p.until("the training ended", func() bool { l = p.models(); return l.Training.State == "idle" && l.Training.Error != "" })
	p.ask(http.MethodPost, "/api/v1/types/slip/models/shipped/activate", "", http.StatusOK, &l)
	if l.Live != doc.AsRules || l.Models[0].State != doc.ModelPrevious {
		t.Errorf("after the way back: %+v", l)
	}
	digest := l.Models[0].Digest
	p.ask(http.MethodPost, "/api/v1/documents/"+string(rec.ID)+"/retry", fmt.Sprintf(`{"model":%q}`, digest), http.StatusAccepted, nil)
	p.until("it is read again", func() bool {
		r := p.record(rec.ID)
		return r.Revision > rec.Revision+1 && r.State.Settled() && fieldOf(r, "amount").Model == digest
	})
	p.ask(http.MethodPost, "/api/v1/types/slip/models/"+strings.TrimPrefix(digest, "fields-slip@sha256:")[:12]+"/activate", "", http.StatusOK, &l)
	if l.Live != digest {
		t.Errorf("live %s, want %s", l.Live, digest)
	}
	code, backup, err := p.call(http.MethodPost, "/api/v1/backup", nil)
	if err != nil || code != http.StatusOK {
		t.Fatalf("backup: %d %v", code, err)
	}
	p.forgets(t, ids[0], digest)
	// A backup from before does not bring it back.
	if code, body, err := p.call(http.MethodPost, "/api/v1/restore", bytes.NewReader(backup)); err != nil || code != http.StatusOK {
		t.Fatalf("restore: %d %s %v", code, body, err)
	}
	if held := p.holding(t, "s0-0.pdf"); len(held) != 0 || p.record(ids[0]).State != doc.StateErased {
		t.Errorf("after a restore: %s, and %v", p.record(ids[0]).State, held)
	}
	if l = p.models(); l.Live != digest {
		t.Errorf("after a restore the live model is %s", l.Live)
	}
	p.until("the reviews are counted again after a restore", func() bool { return p.models().Reviewed == 29 })
}

// forgets erases a document and looks for what is left of it.
func (p *process) forgets(t *testing.T, id doc.ID, model string) {
	t.Helper()
	before := p.record(id)
	var gone doc.Record
	p.ask(http.MethodDelete, "/api/v1/documents/"+string(id), "", http.StatusOK, &gone)
	if gone.State != doc.StateErased || gone.Result != nil || gone.Review != nil || gone.Name != "" {
		t.Errorf("tombstone %+v", gone)
	}
	p.until("its models are marked and another one is made", func() bool {
		l := p.models()
		marked := false
		for _, m := range l.Models {
			marked = marked || m.Digest == model && m.Erased == 1
		}
		return marked && l.Reviewed == 29 && len(l.Models) == 3 && l.Training.State == "idle" && l.Live != model
	})
	for _, path := range []string{"/original", "/pages/1.jpg"} {
		if code, _, err := p.call(http.MethodGet, "/api/v1/documents/"+string(id)+path, nil); err != nil || code == http.StatusOK {
			t.Errorf("%s of an erased document: %d %v", path, code, err)
		}
	}
	p.until("nothing of it is left in files", func() bool { return len(p.holding(t, before.Name)) == 0 })
	body, _ := slip(0, 0)
	if code, f := p.refused("again.pdf?type=slip", body); code != http.StatusConflict || !strings.Contains(f.Error.Message, "erased") {
		t.Errorf("the same bytes again: %d %+v", code, f)
	}
	if _, err := os.Stat(filepath.Join(p.data, "blobs", "originals", before.SHA256[:2], before.SHA256)); err == nil {
		t.Error("the bytes of an erased document are kept")
	}
	// The gaps in the log are no damage, and what was learned is there again.
	p.kill()
	p.log.Reset()
	live := p.models
	p.start()
	p.ready()
	if strings.Contains(p.log.String(), "not what it was") || p.record(id).State != doc.StateErased {
		t.Errorf("after the restart: %s, log %s", p.record(id).State, p.log)
	}
	p.until("the reviews are known again", func() bool { return live().Reviewed == 29 })
}

// holding gives the files of objects and log that hold a text.
func (p *process) holding(t *testing.T, text string) []string {
	t.Helper()
	var out []string
	for _, dir := range []string{"blobs", "broker"} {
		err := filepath.WalkDir(filepath.Join(p.data, dir), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil // removed meanwhile
			}
			raw, err := os.ReadFile(path)
			if err == nil && bytes.Contains(raw, []byte(text)) {
				out = append(out, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// A model whose file is cut is refused and leaves the live one; when it is the
// live one, the shipped one reads, and the status says so.
func TestLearning_CutModelIsRefused(t *testing.T) {
	t.Parallel()
	p := teach(t, "[learn]\nafter = 12\n")
	for v := range 6 {
		for n := range 2 {
			body, amount := slip(v, n)
			rec := p.deliver(fmt.Sprintf("s%d-%d.pdf", v, n), "slip", body)
			p.review(rec.ID, fmt.Sprintf(`{"fields":{"amount":%q,"company":%q},"approve":true}`, amount, slipVendors[v]))
		}
	}
	var l doc.ModelList
	p.until("a model was made", func() bool { l = p.models(); return l.Training.EndedAt != nil && l.Training.State == "idle" })
	if l.Training.Error != "" {
		t.Fatal(l.Training.Error)
	}
	hex := strings.TrimPrefix(l.Models[0].Digest, "fields-slip@sha256:")
	p.ask(http.MethodPost, "/api/v1/types/slip/models/"+hex+"/activate", "", http.StatusOK, nil)
	path := filepath.Join(p.data, "blobs", "models", "slip", hex+".model")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p.kill()
	if err := os.WriteFile(path, raw[:len(raw)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	p.start()
	p.ready()
	if l = p.models(); l.Live != doc.AsRules || !strings.Contains(l.Warning, "cut") {
		t.Errorf("live %s, warning %q", l.Live, l.Warning)
	}
	var st struct {
		Engines []struct{ Name, State, Detail string } `json:"engines"`
	}
	p.ask(http.MethodGet, "/api/v1/status", "", http.StatusOK, &st)
	said := false
	for _, e := range st.Engines {
		said = said || e.Name == "learning" && strings.Contains(e.Detail, "slip")
	}
	if !said {
		t.Errorf("the status says nothing of it: %+v", st.Engines)
	}
	code, body, err := p.call(http.MethodPost, "/api/v1/types/slip/models/"+hex+"/activate", nil)
	if err != nil || code != http.StatusBadRequest || !strings.Contains(string(body), "cut") {
		t.Errorf("a cut model: %d %s %v", code, body, err)
	}
	if l = p.models(); l.Live != doc.AsRules {
		t.Errorf("live after the refusal: %s", l.Live)
	}
}

func TestTargets_AreSetAndExplained(t *testing.T) {
	t.Parallel()
	p := teach(t, "")
	var r doc.TargetReport
	p.ask(http.MethodPut, "/api/v1/types/slip/targets", `{"default":{"precision":0.95},"fields":{"amount":{"precision":0.999,"delta":0.05}}}`, http.StatusOK, &r)
	if len(r.Promises) != 2 || r.Promises[1].Field != "amount" || r.Promises[1].New.Promise.Holds || r.Promises[1].New.Promise.Threshold <= 1 || r.Promises[1].New.Promise.Why == "" {
		t.Errorf("promises without data: %+v", r.Promises)
	}
	for bad, says := range map[string]string{
		`{"default":{"precision":1.5}}`:                                       "between 0 and 1",
		`{"default":{"precision":0.9},"fields":{"x":{"precision":0.9}}}`:      "no field",
		`{"default":{"precision":0.9},"fields":{"amount":{"precision":0.0}}}`: "amount",
	} {
		code, raw, err := p.call(http.MethodPut, "/api/v1/types/slip/targets", strings.NewReader(bad))
		if err != nil || code != http.StatusBadRequest || !strings.Contains(string(raw), says) {
			t.Errorf("%s: %d %s %v", bad, code, raw, err)
		}
	}
	p.ask(http.MethodGet, "/api/v1/types/slip/targets", "", http.StatusOK, &r)
	if r.Targets.Fields["amount"].Delta != 0.05 {
		t.Errorf("targets %+v", r.Targets)
	}
	code, raw, err := p.call(http.MethodPut, "/api/v1/types/twice", strings.NewReader(`{"name":"twice","fields":[{"name":"a","type":"text"},{"name":"a","type":"text"}]}`))
	if err != nil || code != http.StatusBadRequest || !strings.Contains(string(raw), "named twice") {
		t.Errorf("a type with two fields of one name: %d %s %v", code, raw, err)
	}
}

func TestLearning_SaysWhyThereIsNoModel(t *testing.T) {
	t.Parallel()
	p := teach(t, "")
	tells := func(says string) {
		t.Helper()
		p.ask(http.MethodPost, "/api/v1/types/slip/train", "", http.StatusAccepted, nil)
		p.until("training says "+says, func() bool {
			l := p.models()
			return l.Training.State == "idle" && strings.Contains(l.Training.Error, says)
		})
	}
	tells("too few")
	blank := p.deliver("blank.pdf", "slip", page())
	p.review(blank.ID, `{"fields":{"amount":null},"approve":true}`)
	tells("readable page")
	for n := range 4 {
		body, amount := slip(0, n)
		rec := p.deliver(fmt.Sprintf("s%d.pdf", n), "slip", body)
		p.review(rec.ID, fmt.Sprintf(`{"fields":{"amount":%q,"company":%q},"approve":true}`, amount, slipVendors[0]))
	}
	tells("of one vendor")
	if l := p.models(); l.Live != doc.AsRules || len(l.Models) != 1 {
		t.Errorf("models %+v", l)
	}
}
