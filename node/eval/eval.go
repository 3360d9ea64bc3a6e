// Package eval measures how well documents are read, on a folder of labelled
// ones. It owns the labelled case, the matching of labels with answers, and the
// report: precision, recall and F1 by field, coverage at a precision, calibration
// error, silent errors and the list of misses. It does not know how an answer is
// got: the caller hands in a function. It never changes a label and never counts
// a field that neither the label nor the set knows.
package eval

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// LabelFile is the name of the file of labels in a labelled folder: one JSON
// object a line with id, file and fields.
const LabelFile = "labels.jsonl"

// Case is one labelled document.
type Case struct {
	ID     string
	Path   string                     // of the document; empty when only labels are given
	Labels map[string]json.RawMessage // by the set's own field names
	Vendor string                     // who made the document, when the set says so
}

// record is a line of the label file; what else it holds does not matter here.
type record struct {
	ID     string                     `json:"id"`
	File   *string                    `json:"file"`
	Fields map[string]json.RawMessage `json:"fields"`
	Vendor string                     `json:"vendor"`
}

// maxLine is the longest line of a label file, in bytes.
const maxLine = 16 << 20

// Load reads the labels of the folder dir. Errors are of code NotFound when there
// is no label file and Invalid, naming the line, when one cannot be read.
func Load(dir string) ([]Case, error) {
	b, err := os.ReadFile(filepath.Join(dir, LabelFile))
	if os.IsNotExist(err) {
		return nil, doc.Errorf(doc.NotFound, "%s holds no %s: a labelled folder has one, with a JSON object a line: id, file, fields", dir, LabelFile)
	}
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	var out []Case
	seen := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, doc.Errorf(doc.Invalid, "%s line %d: %w", LabelFile, n, err)
		}
		if r.ID == "" || seen[r.ID] {
			return nil, doc.Errorf(doc.Invalid, "%s line %d: id %q is empty or stands there twice", LabelFile, n, r.ID)
		}
		seen[r.ID] = true
		c := Case{ID: r.ID, Labels: expand(r.Fields), Vendor: r.Vendor}
		if r.File != nil && *r.File != "" {
			if !filepath.IsLocal(*r.File) {
				return nil, doc.Errorf(doc.Invalid, "%s line %d: file %q is not below the folder", LabelFile, n, *r.File)
			}
			c.Path = filepath.Join(dir, *r.File)
		}
		out = append(out, c)
	}
	if err := lines.Err(); err != nil {
		return nil, doc.Errorf(doc.Invalid, "%s: %w", LabelFile, err)
	}
	return out, nil
}

// expand turns a list of key and value pairs ("kv") into labels named by the keys.
func expand(fields map[string]json.RawMessage) map[string]json.RawMessage {
	raw, ok := fields["kv"]
	if !ok {
		return fields
	}
	var pairs []struct{ Key, Value string }
	if json.Unmarshal(raw, &pairs) != nil {
		return fields
	}
	out := map[string]json.RawMessage{}
	for _, p := range pairs {
		name := slug(p.Key)
		if _, twice := out[name]; name == "" || p.Value == "" || twice {
			continue
		}
		out[name], _ = json.Marshal(p.Value) // a string always marshals
	}
	return out
}

// slug makes a field name of a key: lower case, runs of other characters as "_".
func slug(key string) string {
	parts := strings.FieldsFunc(strings.ToLower(key), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9')
	})
	return strings.Join(parts, "_")
}

// Read reads one document and gives what was found on it.
type Read func(ctx context.Context, path string) (doc.Result, error)

// Outcome is what reading one case gave.
type Outcome struct {
	ID      string
	Result  doc.Result
	Err     error // why the document could not be read
	Seconds float64
}

// Run reads all cases that have a document, one after the other, and calls
// progress (may be nil) after each. It stops early only when ctx ends.
func Run(ctx context.Context, cases []Case, read Read, progress func(done, total int)) []Outcome {
	var out []Outcome
	for i, c := range cases {
		if ctx.Err() != nil {
			return out
		}
		if c.Path != "" {
			start := time.Now()
			res, err := read(ctx, c.Path)
			out = append(out, Outcome{ID: c.ID, Result: res, Err: err, Seconds: time.Since(start).Seconds()})
		}
		if progress != nil {
			progress(i+1, len(cases))
		}
	}
	return out
}
