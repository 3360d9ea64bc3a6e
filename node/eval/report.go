package eval

import "github.com/recto-edge/recto/node/doc"

// Report is what a set of labelled documents says about the reading.
type Report struct {
	Documents int     `json:"documents"` // with an outcome
	Unread    int     `json:"unread"`    // of these, could not be read at all
	Seconds   float64 `json:"seconds"`   // for all documents together
	Micro     Tally   `json:"micro"`     // over all fields that are no tables
	Fields    []Tally `json:"fields"`    // by label name
	Tables    []Tally `json:"tables,omitempty"`

	Coverage     []Coverage `json:"coverage"`
	ECE          float64    `json:"ece"`           // expected calibration error, 15 bins
	Accepted     int        `json:"accepted"`      // fields marked accepted
	SilentErrors int        `json:"silent_errors"` // of these, wrong
	Misses       []Miss     `json:"misses"`
	Failures     []Failure  `json:"failures,omitempty"`
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

// Miss is a field that is wrong, missing, or reported without a label.
type Miss struct {
	ID         string  `json:"id"`
	Field      string  `json:"field"`
	Label      string  `json:"label,omitempty"`
	Got        string  `json:"got,omitempty"`
	Confidence float64 `json:"confidence,omitempty"`
	Accepted   bool    `json:"accepted,omitempty"` // a silent error
	Page       int     `json:"page,omitempty"`
	Link       string  `json:"link,omitempty"` // the document, at the page
}

// Failure is a document that could not be read.
type Failure struct {
	ID    string   `json:"id"`
	Code  doc.Code `json:"code"`
	Error string   `json:"error"`
	Link  string   `json:"link"`
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
