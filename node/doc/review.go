package doc

import (
	"strings"
	"time"
)

// Correction is what a person says about a document.
type Correction struct {
	// Fields gives the right value of fields by name, in any form; null says that
	// the document has no such value.
	Fields map[string]*string `json:"fields,omitempty"`
	// Values gives all right values of repeated fields by name, in any form; none says that
	// the document has no such value.
	Values map[string][]string `json:"values,omitempty"`
	// Rows gives the right rows of tables by field name, each row by column.
	Rows map[string][]map[string]string `json:"rows,omitempty"`
	// Type is what the document really is; empty: what it was read as.
	Type string `json:"type,omitempty"`
	// Approve says that everything not named is right as it stands.
	Approve bool `json:"approve,omitempty"`
	// Revision is the one the person looked at; 0: whichever is newest.
	Revision uint64 `json:"revision,omitempty"`
}

// Review is what is known of a document because a person looked. It stays with
// the record when the document is read again.
type Review struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Type   string    `json:"type"`
	Vendor string    `json:"vendor,omitempty"` // key of who made the document
	// Labels is the right value of each field somebody looked at, canonical, by
	// name; "" says that the document has no such value. Those of a repeated field stand one
	// a line, see JoinValues.
	Labels map[string]string `json:"labels"`
	// Unfound names labels that do not stand on the document: their values are
	// used, and nothing is learned from them.
	Unfound []string `json:"unfound,omitempty"`
	// Read is what had been picked from words before anybody looked.
	Read []Pick `json:"read,omitempty"`
}

// Pick is what was picked for a field, and how sure that was.
type Pick struct {
	Field      string  `json:"field"`
	Value      string  `json:"value"`
	Confidence float64 `json:"confidence"`      // of the model, before this site's reviews moved it
	Known      bool    `json:"known,omitempty"` // memory of its vendor spoke for it
	Model      string  `json:"model,omitempty"`
}

// JoinValues makes one label of the values of a repeated field: one a line, since no canonical
// value has an end of a line in it.
func JoinValues(values []string) string { return strings.Join(values, "\n") }

// SplitValues gives the values of a canonical label: those of a repeated field, or the only one
// of another. An empty label has none.
func SplitValues(label string) []string {
	if label == "" {
		return nil
	}
	return strings.Split(label, "\n")
}
