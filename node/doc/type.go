package doc

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Type is a document type: a named schema. Types are data; the shipped ones and
// those an admin adds have the same form.
type Type struct {
	Name     string      `json:"name"`
	Title    string      `json:"title"`
	Keywords []string    `json:"keywords,omitempty"` // words that speak for this type when it is recognised
	Fields   []FieldSpec `json:"fields"`
	Checks   []string    `json:"checks,omitempty"`    // names of cross-field checks: net+tax=gross …
	OpenKeys bool        `json:"open_keys,omitempty"` // also report key and value pairs no field names
}

// FieldSpec is one field of a type.
type FieldSpec struct {
	Name     string      `json:"name"`
	Title    string      `json:"title,omitempty"`
	Type     FieldType   `json:"type"`
	Labels   []string    `json:"labels,omitempty"`  // words that stand near the value, in any language
	Aliases  []string    `json:"aliases,omitempty"` // other names of this field in labelled sets and exports
	Required bool        `json:"required,omitempty"`
	Repeated bool        `json:"repeated,omitempty"` // a document may have several values: the parties of a contract
	Hint     string      `json:"hint,omitempty"`     // where it usually stands: top, bottom, first-line, largest, last, prose
	Pattern  string      `json:"pattern,omitempty"`  // RE2 that the canonical value must match
	Columns  []FieldSpec `json:"columns,omitempty"`  // for tables
}

// Values gives the values that a label of the field says, in any form: only those of a repeated
// field stand one a line. An empty label has none.
func (f FieldSpec) Values(label string) []string {
	if label == "" || f.Repeated {
		return SplitValues(label)
	}
	return []string{label}
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

var fieldTypes = []FieldType{
	Text, Name, Address, Money, Number, Percent, Date, Identifier, IBAN, VATID,
	Currency, Country, Email, Phone, Duration, Table,
}

// Validate says what is wrong with t, naming the field, or gives nil.
func (t Type) Validate() error {
	if !nameForm.MatchString(t.Name) {
		return Errorf(Invalid, "type name %q: use lower-case letters, digits and _, starting with a letter", t.Name)
	}
	if len(t.Fields) == 0 && !t.OpenKeys {
		return Errorf(Invalid, "type %s: has no fields", t.Name)
	}
	return validateFields("type "+t.Name, t.Fields, true)
}

func validateFields(where string, specs []FieldSpec, tables bool) error {
	seen := map[string]bool{}
	for _, f := range specs {
		at := where + ", field " + f.Name
		switch {
		case !nameForm.MatchString(f.Name):
			return Errorf(Invalid, "%s: field name %q: use lower-case letters, digits and _, starting with a letter", where, f.Name)
		case seen[f.Name]:
			return Errorf(Invalid, "%s: named twice", at)
		case !slices.Contains(fieldTypes, f.Type):
			return Errorf(Invalid, "%s: unknown field type %q", at, f.Type)
		case f.Type == Table && (!tables || len(f.Columns) == 0):
			return Errorf(Invalid, "%s: a table needs columns and cannot stand in a table", at)
		case f.Repeated && (f.Type == Table || f.Type == Currency || !tables):
			return Errorf(Invalid, "%s: a table, its columns and a currency cannot be repeated: a table has rows already", at)
		}
		seen[f.Name] = true
		if _, err := regexp.Compile(f.Pattern); err != nil {
			return Errorf(Invalid, "%s: pattern: %v", at, err)
		}
		if f.Type == Table {
			if err := validateFields(at, f.Columns, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// Field gives the spec called name.
func (t Type) Field(name string) (FieldSpec, bool) {
	i := slices.IndexFunc(t.Fields, func(f FieldSpec) bool { return f.Name == name })
	if i < 0 {
		return FieldSpec{}, false
	}
	return t.Fields[i], true
}

// Meant gives the field that a label of a labelled set means: by name or by alias.
func (t Type) Meant(label string) (FieldSpec, bool) {
	if f, ok := t.Field(label); ok {
		return f, true
	}
	i := slices.IndexFunc(t.Fields, func(f FieldSpec) bool { return slices.Contains(f.Aliases, label) })
	if i < 0 {
		return FieldSpec{}, false
	}
	return t.Fields[i], true
}

// Open says whether fields of the type leave something to look at: one that is not accepted, or a
// required one that is missing. What a label names has been looked at.
func (t Type) Open(fs []Field, labels map[string]string) bool {
	for _, s := range t.Fields {
		if _, ok := labels[s.Name]; ok {
			continue
		}
		found := false
		for _, f := range fs {
			if f.Name == s.Name && !f.Accepted {
				return true
			}
			found = found || f.Name == s.Name
		}
		if s.Required && !found {
			return true
		}
	}
	return false
}

// Revision is the digest of the definition: it changes when anything in it
// does, and is part of the cache key.
func (t Type) Revision() string {
	b, err := json.Marshal(t)
	if err != nil {
		panic("doc: type does not marshal: " + err.Error()) // plain strings and slices always do
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:8])
}

// CleanLabel is the form in which labels and page words are compared: lower
// case, without punctuation at the ends.
func CleanLabel(s string) string {
	return strings.Trim(strings.ToLower(strings.Join(strings.Fields(s), " ")), ".:;,#* ")
}
