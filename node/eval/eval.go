// Package eval measures how well documents are read, on a folder of labelled
// ones. It owns the labelled case, folds of cases that share no vendor, the
// matching of labels with answers, and the report: words and characters,
// precision, recall and F1 by field, coverage at a precision, calibration, what a
// threshold would cost, silent errors, misses and doubtful labels; as text, as
// JSON and as one page of HTML; and the comparison of two reports. It does not
// know how an answer is got or a model trained: the caller hands in functions. It
// never changes a label and never counts a field that neither the label nor the
// set knows.
package eval

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// LabelFile is the name of the file of labels in a labelled folder: one JSON
// object a line with id, file and fields, and where the set knows them vendor and
// boxes (the file of its true words).
const LabelFile = "labels.jsonl"

// Case is one labelled document.
type Case struct {
	ID     string
	Path   string                     // of the document; empty when only labels are given
	Labels map[string]json.RawMessage // by the set's own field names
	Vendor string                     // who made the document, when the set says so
	Boxes  string                     // path of the file of true words; empty: there is none
	Line   int                        // in the label file, 1 for the first
	Notes  map[string]string          // what else the record says in words, by its key
}

// record is a line of the label file; what else it holds goes to Case.Notes.
type record struct {
	ID     string                     `json:"id"`
	File   *string                    `json:"file"`
	Fields map[string]json.RawMessage `json:"fields"`
	Vendor string                     `json:"vendor"`
	Boxes  string                     `json:"boxes"`
}

// maxLine is the longest line of a label file, in bytes.
const maxLine = 16 << 20

// Load reads the labels of the folder dir. Errors are of code NotFound when there
// is no label file and Invalid, naming the line, when one cannot be read, repeats
// an id or a field, or names a file that is not there.
func Load(dir string) ([]Case, error) {
	b, err := os.ReadFile(filepath.Join(dir, LabelFile))
	if os.IsNotExist(err) {
		return nil, doc.Errorf(doc.NotFound, "%s holds no %s: a labelled folder has one, with a JSON object a line: id, file, fields", dir, LabelFile)
	}
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	var out []Case
	seen := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		c, err := caseOf(dir, line)
		if err != nil {
			return nil, doc.Errorf(doc.Invalid, "%s line %d: %w", LabelFile, n, err)
		}
		if before := seen[c.ID]; before > 0 {
			return nil, doc.Errorf(doc.Invalid, "%s line %d: id %q stands in line %d already", LabelFile, n, c.ID, before)
		}
		seen[c.ID], c.Line = n, n
		out = append(out, c)
	}
	if err := lines.Err(); err != nil {
		return nil, doc.Errorf(doc.Invalid, "%s: %w", LabelFile, err)
	}
	return out, nil
}

// caseOf reads one line of the label file of the folder dir.
func caseOf(dir string, line []byte) (Case, error) {
	var r record
	if err := json.Unmarshal(line, &r); err != nil {
		return Case{}, err
	}
	if name, twice := repeatedName(line); twice {
		return Case{}, fmt.Errorf("the name %q stands twice in one object, and only one of them can be meant", name)
	}
	if r.ID == "" {
		return Case{}, fmt.Errorf("there is no id")
	}
	c := Case{ID: r.ID, Labels: expand(r.Fields), Vendor: r.Vendor, Notes: notesOf(line)}
	var err error
	if r.File != nil && *r.File != "" {
		if c.Path, err = below(dir, "file", *r.File); err != nil {
			return Case{}, err
		}
	}
	if r.Boxes != "" {
		if c.Boxes, err = below(dir, "boxes", r.Boxes); err != nil {
			return Case{}, err
		}
	}
	return c, nil
}

// below gives the path of a file that a record names, which must be there.
func below(dir, key, name string) (string, error) {
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%s %q is not below the folder", key, name)
	}
	path := filepath.Join(dir, name)
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return "", fmt.Errorf("%s %q is not there, or is no file", key, name)
	}
	return path, nil
}

// notesOf gives the members of a record that are plain strings.
func notesOf(line []byte) map[string]string {
	var all map[string]json.RawMessage
	if json.Unmarshal(line, &all) != nil {
		return nil
	}
	out := map[string]string{}
	for k, v := range all {
		var s string
		if k != "id" && k != "file" && k != "boxes" && json.Unmarshal(v, &s) == nil && s != "" {
			out[k] = s
		}
	}
	return out
}

// repeatedName gives a name that stands twice in one object of well-formed JSON.
func repeatedName(b []byte) (string, bool) {
	dec := json.NewDecoder(bytes.NewReader(b))
	var open []map[string]bool // of the objects and lists around; a list has none
	key := false               // the next token is a name
	for {
		tok, err := dec.Token()
		if err != nil {
			return "", false
		}
		switch {
		case tok == json.Delim('{'):
			open = append(open, map[string]bool{})
		case tok == json.Delim('['):
			open = append(open, nil)
		case tok == json.Delim('}') || tok == json.Delim(']'):
			open = open[:len(open)-1]
		case key:
			name, _ := tok.(string) // a name is a string
			names := open[len(open)-1]
			if names[name] {
				return name, true
			}
			names[name], key = true, false
			continue
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}

// expand turns a list of key and value pairs ("kv") into labels named by the keys. One that
// comes again is numbered from top to bottom, where the labels say where it stands.
func expand(fields map[string]json.RawMessage) map[string]json.RawMessage {
	raw, ok := fields["kv"]
	if !ok {
		return fields
	}
	type pair struct {
		Key, Value string
		Box        [4]int `json:"key_box"` // pixels
	}
	var pairs []pair
	if json.Unmarshal(raw, &pairs) != nil {
		return fields
	}
	slices.SortStableFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.Box[1], b.Box[1]), cmp.Compare(a.Box[0], b.Box[0]))
	})
	out, times := map[string]json.RawMessage{}, map[string]int{}
	for _, p := range pairs {
		name := slug(p.Key)
		if name == "" || p.Value == "" {
			continue
		}
		if times[name]++; times[name] > 1 {
			name = fmt.Sprintf("%s_%d", name, times[name])
		}
		out[name], _ = json.Marshal(p.Value) // a string always marshals
	}
	return out
}

// slug makes a field name of a key: lower case, runs of other characters as "_", without the
// numbers before and behind.
func slug(key string) string {
	parts := strings.FieldsFunc(strings.ToLower(key), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9')
	})
	name := strings.Join(parts, "_")
	return cmp.Or(strings.Trim(name, "_0123456789"), name)
}
