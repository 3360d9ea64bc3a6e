package node_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

// TestContract_PartiesAreReadCorrectedAndKept: a contract is recognised, each of its parties is a
// field with a place of its own, a person gives all of them at once, and another reading keeps what was said.
func TestContract_PartiesAreReadCorrectedAndKept(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.start()
	p.ready()
	content := page([3]any{60, 780, "CONSULTING AGREEMENT"},
		[3]any{60, 740, `This Consulting Agreement (the "Agreement") is entered into as of the 3rd day of April,`},
		[3]any{60, 724, `2025 (the "Effective Date"), by and between Harbour Lane Analytics, Inc., a Delaware`},
		[3]any{60, 708, `corporation (the "Company"), and Northfield Paper Mills Ltd. (the "Consultant").`},
		[3]any{60, 670, "The parties hereby agree that all Confidential Information shall remain confidential, and that"},
		[3]any{60, 654, "the obligations of each party hereunder shall survive. The term of this Agreement shall be two"},
		[3]any{60, 638, "(2) years. It shall be governed by the laws of the State of New"},
		[3]any{60, 622, "York, without regard to its conflict of laws. Maria Santos is a witness hereto."},
		[3]any{60, 580, "IN WITNESS WHEREOF, the parties have executed this Agreement."})
	r, ok := p.upload("contract.pdf", content)
	if !ok {
		t.Fatal("the contract is not acknowledged")
	}
	var rec doc.Record
	p.until("it is read", func() bool { rec = p.record(r.ID); return rec.State.Settled() })
	if rec.Result == nil {
		t.Fatalf("%s %+v", rec.State, rec.Reason)
	}
	if rec.Result.Type != "contract" {
		t.Fatalf("recognised as %s (%v)", rec.Result.Type, rec.Result.TypeConfidence)
	}
	if got := rec.Result.Values("party"); !slices.Equal(got, []string{"Harbour Lane Analytics, Inc.", "Northfield Paper Mills Ltd."}) {
		t.Errorf("parties %q", got)
	}
	for name, want := range map[string]string{"effective_date": "2025-04-03", "term": "2 years", "jurisdiction": "New York"} {
		if f := fieldOf(rec, name); f.Value != want || f.Box == nil {
			t.Errorf("%s: %+v, want %s", name, f, want)
		}
	}
	at := "/api/v1/documents/" + string(rec.ID) + "/review"
	p.ask(http.MethodPost, at, `{"fields":{"party":"Maria Santos"}}`, http.StatusBadRequest, nil)
	said := []string{"Harbour Lane Analytics, Inc.", "Maria Santos"}
	rec = p.review(rec.ID, `{"values":{"party":["Harbour Lane Analytics, Inc.","Maria Santos"]},"approve":true}`)
	if got := rec.Result.Values("party"); !slices.Equal(got, said) || rec.State != doc.StateDone {
		t.Errorf("%s with parties %q", rec.State, got)
	}
	if f := rec.Result.Fields[1]; f.Source != doc.FromPerson || f.Box == nil || !f.Accepted {
		t.Errorf("who was named stands on the page: %+v", f)
	}
	p.ask(http.MethodPost, "/api/v1/documents/"+string(rec.ID)+"/retry", `{}`, http.StatusAccepted, nil)
	p.until("it is read again", func() bool { now := p.record(rec.ID); return now.Revision > rec.Revision && now.State.Settled() })
	if got := p.record(rec.ID).Result.Values("party"); !slices.Equal(got, said) {
		t.Errorf("read again: parties %q", got)
	}
}
