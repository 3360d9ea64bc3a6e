package eval

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/recto-edge/recto/node/doc"
)

// ReportVersion is the form of a report as JSON; another one cannot be compared.
const ReportVersion = 2

// Report is what a set of labelled documents says about the reading.
type Report struct {
	Version   int     `json:"version"`
	Documents int     `json:"documents"` // with an outcome
	Unread    int     `json:"unread"`    // of these, could not be read at all
	Seconds   float64 `json:"seconds"`   // for all documents together
	Words     *Words  `json:"words,omitempty"`
	Part              // over all documents
	Tables    []Tally `json:"tables,omitempty"`
	Parts     []Part  `json:"parts,omitempty"` // of a cross-validation: vendors seen and unseen by what read them

	Curve    []Point       `json:"curve"`       // coverage against precision, surest first
	Reliable []Reliability `json:"reliability"` // all fields together first, then each
	Costs    []Cost        `json:"costs"`       // of thresholds, lowest first

	Misses     []Miss      `json:"misses"`
	Doubts     []Doubt     `json:"doubts,omitempty"` // labels that the document itself contradicts
	Failures   []Failure   `json:"failures,omitempty"`
	Marks      Marks       `json:"marks"`
	Comparison *Comparison `json:"comparison,omitempty"` // with an earlier report
}

// Part is the figures over some of the documents.
type Part struct {
	Name     string     `json:"name"` // all; or known, unseen: the vendor, to what was trained
	Of       int        `json:"of"`   // documents
	Micro    Tally      `json:"micro"`
	Fields   []Tally    `json:"fields"` // by label name, tables apart
	Coverage []Coverage `json:"coverage"`
	ECE      float64    `json:"ece"` // expected calibration error, 15 bins

	Accepted          int     `json:"accepted"`           // fields marked accepted
	SilentErrors      int     `json:"silent_errors"`      // of these, wrong
	AcceptedPrecision float64 `json:"accepted_precision"` // share of right ones; 0 when none
	AcceptedLower     float64 `json:"accepted_lower"`     // its lower bound at 95 %: see Lower
	AcceptedShare     float64 `json:"accepted_share"`     // of all labelled fields
}

// Tally counts one field over a set. Precision is over predictions, recall over
// labels; strict counts values equal as printed, without canonical form.
type Tally struct {
	Name        string  `json:"name"`
	Labelled    int     `json:"labelled"`
	Predicted   int     `json:"predicted"`
	Right       int     `json:"right"`
	RightStrict int     `json:"right_strict"`
	Precision   float64 `json:"precision"`
	Recall      float64 `json:"recall"`
	F1          float64 `json:"f1"`
	StrictF1    float64 `json:"strict_f1"`
}

// Coverage is the share of all labelled fields that can be accepted, surest
// first, while the share of right ones among them stays at or above Precision.
type Coverage struct {
	Precision float64 `json:"precision"`
	Share     float64 `json:"share"`
	Fields    int     `json:"fields"`
	Threshold float64 `json:"threshold"` // least confidence among them
}

// Point is what accepting every field of a confidence of Threshold or more gives.
type Point struct {
	Threshold float64 `json:"threshold"`
	Fields    int     `json:"fields"`    // accepted
	Share     float64 `json:"share"`     // of all labelled fields
	Precision float64 `json:"precision"` // share of right ones among the accepted
}

// Reliability holds confidence against what came true, for one field or for all.
type Reliability struct {
	Name string  `json:"name"`
	N    int     `json:"n"`
	ECE  float64 `json:"ece"`
	Bins []Bin   `json:"bins"` // those with a prediction, of 15 of equal width
}

// Bin is the predictions whose confidence lies from From up to To.
type Bin struct {
	From       float64 `json:"from"`
	To         float64 `json:"to"`
	N          int     `json:"n"`
	Right      int     `json:"right"`
	Confidence float64 `json:"confidence"` // mean
}

// Cost is what a threshold costs: what people still look at, and what slips through.
type Cost struct {
	Threshold float64 `json:"threshold"`
	Accepted  int     `json:"accepted"` // fields of that confidence or more
	Errors    int     `json:"errors"`   // of these, wrong
	Lower     float64 `json:"lower"`    // bound of the precision of Accepted: see Lower
	Review    int     `json:"review"`   // fields to look at: the other predictions, and what was missed
	Straight  int     `json:"straight"` // documents without a field to look at
}

// Miss is a field that is wrong, missing, or reported without a label, or a cell of a
// table that is wrong or missing, as "line_items row 2 quantity", or a whole row: "line_items row 2".
type Miss struct {
	ID         string   `json:"id"`
	Field      string   `json:"field"`
	Label      string   `json:"label,omitempty"`
	Got        string   `json:"got,omitempty"`
	Confidence float64  `json:"confidence,omitempty"`
	Accepted   bool     `json:"accepted,omitempty"` // a silent error
	Doubt      bool     `json:"doubt,omitempty"`    // the label itself is in Report.Doubts
	Page       int      `json:"page,omitempty"`
	Box        *doc.Box `json:"box,omitempty"`        // of what was got, on Page
	LabelPage  int      `json:"label_page,omitempty"` // where the label's value stands; 0: not found
	LabelBox   *doc.Box `json:"label_box,omitempty"`
	Link       string   `json:"link,omitempty"` // the document, at the page
}

// Doubt is a label whose value is not found on the pages of its document. It still
// counts as it stands: a label is never changed.
type Doubt struct {
	ID    string `json:"id"`
	Line  int    `json:"line"` // of the label file
	Field string `json:"field"`
	Label string `json:"label"`
}

// Failure is a document that could not be read.
type Failure struct {
	ID    string   `json:"id"`
	Code  doc.Code `json:"code"`
	Error string   `json:"error"`
	Link  string   `json:"link"`
}

// Marks says of every document and field how it went, for comparing two reports:
// a character a field, in the order of Fields.
type Marks struct {
	Fields    []string        `json:"fields"`
	Documents map[string]Mark `json:"documents"` // by id
}

// Mark is how one document went: r right, w wrong, m missed, x found where the
// label has nothing, - neither; in upper case when the field was accepted.
type Mark struct {
	Vendor string `json:"vendor,omitempty"`
	Marks  string `json:"marks"`
}

// LoadReport reads a report written as JSON. It gives Invalid for anything else,
// and for a report of another version.
func LoadReport(r io.Reader) (Report, error) {
	var out Report
	if err := json.NewDecoder(r).Decode(&out); err != nil {
		return Report{}, doc.Errorf(doc.Invalid, "this is no report of recto eval --json: %w", err)
	}
	if out.Version != ReportVersion {
		return Report{}, doc.Errorf(doc.Invalid, "this report has form %d and this program writes form %d: make it anew", out.Version, ReportVersion)
	}
	for id, m := range out.Marks.Documents {
		if len(m.Marks) != len(out.Marks.Fields) {
			return Report{}, doc.Errorf(doc.Invalid, "this report is damaged: document %s has %d marks for %d fields", id, len(m.Marks), len(out.Marks.Fields))
		}
	}
	return out, nil
}

// document links a path, at a page when there is one.
func document(path string, page int) string {
	if page > 0 && path != "" {
		return fmt.Sprintf("%s#page=%d", path, page)
	}
	return path
}

func (t *Tally) finish() {
	t.Precision = ratio(t.Right, t.Predicted)
	t.Recall = ratio(t.Right, t.Labelled)
	t.F1 = ratio(2*t.Right, t.Predicted+t.Labelled)
	t.StrictF1 = ratio(2*t.RightStrict, t.Predicted+t.Labelled)
}

func (t *Tally) add(o Tally) {
	t.Labelled += o.Labelled
	t.Predicted += o.Predicted
	t.Right += o.Right
	t.RightStrict += o.RightStrict
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
