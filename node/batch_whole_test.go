package node_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

// TestBatchStaysWhole: what is delivered with split=never is one document, separator
// sheets and all; without, the same pages are several. Another word is refused.
func TestBatchStaysWhole(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.start()
	p.ready()
	for how, children := range map[string]int{"?split=never": 0, "": 2} {
		number := "RE-1" + strings.Repeat("0", 1+children)
		r, ok := p.upload("batch.pdf"+how, batchPDF(shopInvoice(number, "119.00"), bars, shopInvoice(number+"-2", "238.00")))
		if !ok {
			t.Fatal("not acknowledged")
		}
		var rec doc.Record
		p.until("it is read", func() bool { rec = p.record(r.ID); return rec.State.Settled() })
		if len(rec.Children) != children || (rec.Split == doc.SplitNever) != (children == 0) {
			t.Errorf("%q: %d children, split %q, want %d", how, len(rec.Children), rec.Split, children)
		}
	}
	if code, body, err := p.call(http.MethodPut, "/api/v1/documents/x.pdf?split=maybe", strings.NewReader("x")); err != nil || code != http.StatusBadRequest && code != http.StatusUnprocessableEntity {
		t.Errorf("split=maybe: %d %s %v", code, body, err)
	}
}
