package doc

// FieldType is the kind of a field's value and decides its canonical form.
type FieldType string

// The field types, with the canonical form of each.
const (
	Text       FieldType = "text"       // NFKC, single blanks
	Name       FieldType = "name"       // a person or company, as Text
	Address    FieldType = "address"    // several lines joined by ", "
	Money      FieldType = "money"      // decimal string with two digits; currency apart
	Number     FieldType = "number"     // decimal string with a point
	Percent    FieldType = "percent"    // decimal string without the sign
	Date       FieldType = "date"       // ISO 8601: 2026-11-23
	Identifier FieldType = "identifier" // no blanks, upper case
	IBAN       FieldType = "iban"       // no blanks, upper case, check digits hold
	VATID      FieldType = "vat_id"     // no blanks, upper case
	Currency   FieldType = "currency"   // ISO 4217
	Country    FieldType = "country"    // ISO 3166 alpha-2
	Email      FieldType = "email"
	Phone      FieldType = "phone"
	Duration   FieldType = "duration" // decimal, blank, unit in English: "18 months", "1 year"
	Table      FieldType = "table"    // rows of fields: line items, taxes
)

// Field is one value of a document, how sure it is and where it stands. A repeated field of a
// type gives one for each of its values, in the order of their places, all of its name.
type Field struct {
	Name       string    `json:"name"`
	Value      string    `json:"value"` // canonical
	Raw        string    `json:"raw,omitempty"`
	Type       FieldType `json:"type"`
	Currency   string    `json:"currency,omitempty"` // ISO 4217, for money
	Confidence float64   `json:"confidence"`         // 0..1
	// Before is the confidence before this site's reviews moved it; 0: they did not.
	Before       float64       `json:"confidence_before,omitempty"`
	Accepted     bool          `json:"accepted"`
	Page         int           `json:"page,omitempty"` // 1 for the first; 0 when it stands on no page (XML)
	Box          *Box          `json:"box,omitempty"`  // nil when it stands on no page
	Source       Source        `json:"source"`
	Method       string        `json:"method"`          // label, scorer, checksum, key …: how it was picked
	Model        string        `json:"model,omitempty"` // name@sha256:… of what picked it
	Checks       []string      `json:"checks,omitempty"`
	FailedChecks []string      `json:"failed_checks,omitempty"`
	Alternatives []Alternative `json:"alternatives,omitempty"`
	Rows         [][]Field     `json:"rows,omitempty"` // for tables: one slice of fields a row
}

// Alternative is another candidate for a field's value.
type Alternative struct {
	Value      string  `json:"value"`
	Confidence float64 `json:"confidence"`
}

// Route says which rung of the ladder answered for the whole document.
type Route string

// The routes.
const (
	RouteLocal    Route = "local"
	RouteLLMLocal Route = "llm-local"
	RouteLLMCloud Route = "llm-cloud"
	RouteReview   Route = "review"
)

// Result is what Recto answers about a document: the JSON contract.
type Result struct {
	Type           string         `json:"type"`
	TypeRevision   string         `json:"type_revision"`   // digest of the type's definition
	TypeConfidence float64        `json:"type_confidence"` // 1 when the sender gave the type
	Pages          int            `json:"pages"`
	Fields         []Field        `json:"fields"`
	Route          Route          `json:"route"`
	Usage          Usage          `json:"usage"`
	TimingsMS      map[string]int `json:"timings_ms"` // milliseconds by stage
	Warnings       []string       `json:"warnings"`
	Models         []string       `json:"models,omitempty"` // name@sha256:… of everything that read
	Cached         bool           `json:"cached,omitempty"`
	Split          *Split         `json:"split,omitempty"` // nil for a file that is one document
}

// Usage is what the answer cost outside this machine.
type Usage struct {
	TokensIn  int `json:"tokens_in"`
	TokensOut int `json:"tokens_out"`
	Cents     int `json:"cents"`
}

// Field gives the first field called name, or nil.
func (r *Result) Field(name string) *Field {
	for i := range r.Fields {
		if r.Fields[i].Name == name {
			return &r.Fields[i]
		}
	}
	return nil
}

// Values gives the values of the fields called name, in their order.
func (r *Result) Values(name string) []string {
	var out []string
	for _, f := range r.Fields {
		if f.Name == name {
			out = append(out, f.Value)
		}
	}
	return out
}
