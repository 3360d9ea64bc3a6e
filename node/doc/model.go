package doc

import "time"

// ModelState says what a model of a type is to this site.
type ModelState string

// The states.
const (
	ModelLive     ModelState = "live"     // reads documents
	ModelPrevious ModelState = "previous" // read them before; one step back
	ModelAside    ModelState = "aside"    // made here and kept, not live
	ModelShipped  ModelState = "shipped"  // came with Recto, not live
)

// Names by which a model is asked for beside its digest.
const (
	AsLive    = "live"
	AsShipped = "shipped" // the one that came with Recto; the rules, where none came
	AsRules   = "rules"   // no model at all
)

// ModelInfo is a model as the registry knows it.
type ModelInfo struct {
	Digest    string         `json:"digest"` // name@sha256:…; "rules" for none
	State     ModelState     `json:"state"`
	MadeAt    time.Time      `json:"made_at"`
	Documents int            `json:"documents"` // it was trained on
	Vendors   int            `json:"vendors"`
	Labels    map[string]int `json:"labels,omitempty"` // by field: how many documents had a value
	Gain      *Gain          `json:"gain,omitempty"`   // against the model that was live when it was made
	Why       string         `json:"why,omitempty"`    // it is live, or is not
	Erased    int            `json:"erased,omitempty"` // documents it was trained on that have been erased since
}

// Gain is how much better a model reads this site's reviewed documents than
// another one, by predictions of documents that neither was trained on.
type Gain struct {
	Against   string  `json:"against"`
	Documents int     `json:"documents"`
	Vendors   int     `json:"vendors"`
	Fields    int     `json:"fields"`       // labels compared
	Right     int     `json:"right"`        // of them, by this model
	Before    int     `json:"right_before"` // by the other
	Mean      float64 `json:"mean"`         // fields more right, a document
	Low       float64 `json:"low"`          // ends of the 90 % interval of Mean
	High      float64 `json:"high"`
}

// Training is what the background is doing about a type.
type Training struct {
	State   string     `json:"state"`              // idle, waiting, training
	Stage   string     `json:"stage,omitempty"`    // while training: reading, learning, comparing
	Done    int        `json:"done,omitempty"`     // of Of, in this stage
	Of      int        `json:"of,omitempty"`       //
	Reviews int        `json:"reviews"`            // documents reviewed since the last training
	EndedAt *time.Time `json:"ended_at,omitempty"` // of the last one
	Error   string     `json:"error,omitempty"`    // why the last one gave no model
	LeftOut int        `json:"left_out,omitempty"` // reviewed documents without a readable page, of which the last one learned nothing
}

// ModelList is everything about the models of a type.
type ModelList struct {
	Type     string      `json:"type"`
	Live     string      `json:"live"` // digest; "rules" for none
	Models   []ModelInfo `json:"models"`
	Reviewed int         `json:"reviewed"` // documents there are to learn from
	Training Training    `json:"training"`
	Warning  string      `json:"warning,omitempty"` // the live model is not the one that was chosen, and why
	// Labels are those whose worth corrections have shown, field by field as the type has them.
	Labels []LabelUse `json:"labels,omitempty"`
}

// LabelUse is how often a label led to the confirmed value of its field.
type LabelUse struct {
	Field   string `json:"field"`
	Label   string `json:"label"`
	Learned bool   `json:"learned,omitempty"` // nobody named it: it stood beside a confirmed value
	Right   int    `json:"right"`
	Of      int    `json:"of"` // documents on which it led anywhere
}

// Target is what an admin asks of accepted values.
type Target struct {
	Precision float64 `json:"precision"`            // least share right, as 0.99
	Delta     float64 `json:"delta,omitempty"`      // chance that the promise is false all the same; 0: 0.1
	MinGroups int     `json:"min_groups,omitempty"` // least number of vendors it must rest on; 0: 20
	Apart     bool    `json:"apart,omitempty"`      // each field of a vendor has its own vote: fewer vendors are needed, and more is assumed
}

// Targets are the targets of a type's fields.
type Targets struct {
	Default Target            `json:"default"`
	Fields  map[string]Target `json:"fields,omitempty"`
}

// Promise is a threshold of confidence and what is known about the values it
// accepts.
type Promise struct {
	Threshold float64 `json:"threshold"` // accepted from here on; above 1: nothing is
	Accepted  int     `json:"accepted"`  // samples at or above it
	Wrong     int     `json:"wrong"`     // of these
	Groups    int     `json:"groups"`    // vendors of which something is accepted
	Bound     float64 `json:"bound"`     // upper confidence bound of the share wrong, for a new vendor
	Coverage  float64 `json:"coverage"`  // accepted among all samples
	Holds     bool    `json:"holds"`
	Missing   int     `json:"missing,omitempty"` // vendors whose documents must be reviewed yet, at least
	Why       string  `json:"why"`
}

// Bin is a column of a reliability plot: what was said, and what was true.
type Bin struct {
	From   float64 `json:"from"`
	To     float64 `json:"to"`
	N      int     `json:"n"`
	Score  float64 `json:"score"` // mean confidence
	Right  float64 `json:"right"` // share right
	Margin float64 `json:"margin"`
}

// Settled is the promise in force for values picked from words, and where it comes
// from.
type Settled struct {
	Promise Promise `json:"promise"` // in force
	Held    Promise `json:"held"`    // by the documents held back when the live model was made
	Site    Promise `json:"site"`    // by what the live model read here before a person looked
	Samples int     `json:"samples"` // of this site
}

// FieldTarget is a target and what follows from it.
type FieldTarget struct {
	Field  string `json:"field"` // empty: all fields without a target of their own
	Target Target `json:"target"`
	// New is for values that no confirmed document of the vendor speaks for, and a
	// promise about vendors never seen; Known for those that one does.
	New   Settled `json:"new_vendors"`
	Known Settled `json:"known_vendors"`
}

// Reliability says for one field how sure was said to be and what was true.
type Reliability struct {
	Field   string  `json:"field"` // empty: all together
	Samples int     `json:"samples"`
	Bins    []Bin   `json:"bins"`
	ECE     float64 `json:"ece"`   // mean distance of what was said from what was true
	Noise   float64 `json:"noise"` // of it, what chance alone would show
	Site    bool    `json:"site"`  // what was read here; else held back when the model was made
}

// TargetReport is the targets of a type and what follows from them.
type TargetReport struct {
	Type    string  `json:"type"`
	Model   string  `json:"model"` // the live one's digest
	Targets Targets `json:"targets"`
	// Promises is one entry for all fields together, then one a field with a target
	// of its own.
	Promises    []FieldTarget `json:"promises"`
	Reliability []Reliability `json:"reliability"`
}

// Comparison is one document as several models read it. Nothing of it is kept.
type Comparison struct {
	ID     ID              `json:"id"`
	Type   string          `json:"type"`
	Models []string        `json:"models"` // digests, in the order asked for
	Fields []ComparedField `json:"fields"`
}

// ComparedField is one field as several models read it.
type ComparedField struct {
	Name   string   `json:"name"`
	Label  *string  `json:"label,omitempty"` // what a person said; "" for no such value
	Values []Answer `json:"values"`          // one a model
}

// Answer is what one model reads for a field; an empty value is none.
type Answer struct {
	Value      string  `json:"value"`
	Confidence float64 `json:"confidence"`
	Accepted   bool    `json:"accepted"`
}
