// Package types holds the document types that Recto ships, as data: one JSON
// file a type, of the same form as the types an admin adds. It guarantees that
// what it hands out is valid, and knows nothing of how fields are picked.
package types

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

//go:embed *.json models
var files embed.FS

// Models gives the files of the models that are shipped, by type name.
func Models() map[string][]byte {
	names, err := fs.Glob(files, "models/*.model")
	if err != nil {
		panic("types: " + err.Error()) // the pattern is a constant
	}
	out := map[string][]byte{}
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			panic("types: " + err.Error()) // it was embedded
		}
		out[strings.TrimSuffix(path.Base(name), ".model")] = b
	}
	return out
}

// Shipped gives the shipped document types, sorted by name. Each call gives its
// own copy.
func Shipped() []doc.Type {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		panic("types: " + err.Error()) // the pattern is a constant
	}
	out := make([]doc.Type, 0, len(names))
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err == nil {
			var t doc.Type
			if t, err = Parse(b); err == nil {
				out = append(out, t)
			}
		}
		if err != nil {
			panic(fmt.Sprintf("types: shipped file %s: %v", name, err)) // a broken build, found by the package's tests
		}
	}
	return out
}

// Parse reads a document type from JSON and validates it. Unknown keys are
// errors, with code Invalid.
func Parse(b []byte) (doc.Type, error) {
	var t doc.Type
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return doc.Type{}, doc.Errorf(doc.Invalid, "document type: %w", err)
	}
	if err := t.Validate(); err != nil {
		return doc.Type{}, err
	}
	return t, nil
}
