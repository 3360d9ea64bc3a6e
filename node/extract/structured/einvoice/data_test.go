package einvoice

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
	"golang.org/x/text/unicode/norm"
)

// dataDir is the folder of labelled documents, or the test is skipped.
func dataDir(t *testing.T, set string) string {
	t.Helper()
	dir := os.Getenv("RECTO_DATA")
	if dir == "" {
		dir = "../../../../../shared/data"
	}
	dir = filepath.Join(dir, set)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no labelled documents at %s: set RECTO_DATA", dir)
	}
	return dir
}

type label struct {
	ID      string         `json:"id"`
	XML     string         `json:"xml"`
	Profile string         `json:"profile"`
	Fields  map[string]any `json:"fields"`
}

func readLabels(t *testing.T, dir string) []label {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "labels.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var labels []label
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l label
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		labels = append(labels, l)
	}
	return labels
}

// score brings label and value into the form in which they are compared:
// numbers without trailing zeros, all else letters and digits in upper case.
func score(s string) string {
	if r, ok := decimal(s); ok && strings.Contains(s, ".") {
		return "=" + r.FloatString(6)
	} else if ok && len(s) < 10 {
		return "=" + r.FloatString(6)
	}
	var out []rune
	for _, c := range norm.NFKC.String(s) {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			out = append(out, unicode.ToUpper(c))
		}
	}
	return string(out)
}

// doubtful are labels that contradict the standard. This one names the account
// of the payer (BT-91) although the invoice also has the payee's (BT-84), and
// who pays by our iban must not pay himself.
var doubtful = map[string]string{"invoice_EN16931-10a80bc0 iban": "FR2012542547256985425874698"}

// TestLabelledInvoices holds every label of every real e-invoice, line items
// and taxes included, against what Parse says.
func TestLabelledInvoices(t *testing.T) {
	dir := dataDir(t, "einvoice")
	invoices, right, all := 0, 0, 0
	for _, l := range readLabels(t, dir) {
		xml, err := os.ReadFile(filepath.Join(dir, l.XML))
		if err != nil {
			t.Fatal(err)
		}
		fields, profile, _, err := Parse(xml)
		if err != nil {
			t.Errorf("%s: %v", l.ID, err)
			continue
		}
		invoices++
		if profile != strings.TrimSpace(l.Profile) {
			t.Errorf("%s: profile %q, want %q", l.ID, profile, l.Profile)
		}
		for name, want := range l.Fields {
			got := find(fields, name)
			if rows, ok := want.([]any); ok {
				r, a := scoreRows(t, l.ID+" "+name, got, rows)
				right, all = right+r, all+a
				continue
			}
			all++
			if better, ok := doubtful[l.ID+" "+name]; ok {
				want = better
			}
			if got != nil && score(got.Value) == score(want.(string)) {
				right++
				continue
			}
			t.Errorf("%s %s: got %v, want %q", l.ID, name, got, want)
		}
		for _, name := range []string{"iban", "bic", "due_date", "buyer_vat_id", "order_reference", "delivery_date", "prepaid_total"} {
			if _, labelled := l.Fields[name]; !labelled && find(fields, name) != nil {
				t.Logf("%s: %s %q is not labelled", l.ID, name, find(fields, name).Value)
			}
		}
	}
	t.Logf("%d invoices, %d of %d values right", invoices, right, all)
	if invoices < 56 || all < 2000 {
		t.Errorf("only %d invoices with %d values", invoices, all)
	}
}

func scoreRows(t *testing.T, where string, got *doc.Field, want []any) (right, all int) {
	t.Helper()
	if got == nil || len(got.Rows) != len(want) {
		t.Errorf("%s: got %v, want %d rows", where, got, len(want))
		return 0, len(want)
	}
	for i, w := range want {
		for name, v := range w.(map[string]any) {
			all++
			c := cellOf(got.Rows[i], name)
			if c != nil && score(c.Value) == score(v.(string)) {
				right++
				continue
			}
			t.Errorf("%s %d %s: got %v, want %q", where, i, name, c, v)
		}
	}
	return right, all
}

func find(fields []doc.Field, name string) *doc.Field {
	for i := range fields {
		if fields[i].Name == name {
			return &fields[i]
		}
	}
	return nil
}
