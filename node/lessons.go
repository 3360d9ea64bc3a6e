package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
	"github.com/recto-edge/recto/node/extract"
	"github.com/recto-edge/recto/node/extract/fields"
)

// LessonOptions say how labelled documents are read to learn from them.
type LessonOptions struct {
	Rasterise bool   // read pictures only
	Readings  string // folder that keeps what was read; empty: none
	Workers   int    // 0: one a core
	Progress  func(file string, n, of int)
}

// Lessons reads the labelled documents of a folder as lessons about type t; where
// only a transcript is there, that is the lesson's reading. A document that cannot be read is left out and named in skipped.
func Lessons(ctx context.Context, t doc.Type, dir string, o LessonOptions) (lessons []fields.Lesson, skipped []string, err error) {
	cases, err := eval.Load(dir)
	if err != nil {
		return nil, nil, err
	}
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.NumCPU()
	}
	r, err := openReading(engineCache(), Default().Limits, workers, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	if o.Readings != "" {
		if r.kept, err = keepReadings(o.Readings); err != nil {
			return nil, nil, errors.Join(err, r.close())
		}
	}
	in := extract.Input{Type: t.Name, Types: []doc.Type{t}, PictureOnly: o.Rasterise}
	known := labelled(t, cases)
	type lesson struct {
		reading *doc.Reading
		err     *doc.Error
	}
	n := 0
	err = inOrder(ctx, cases, workers, func(ctx context.Context, c eval.Case) lesson {
		if c.Path == "" {
			words, err := eval.Transcript(c)
			if err != nil {
				return lesson{err: reasonOf(err)}
			}
			return lesson{reading: words}
		}
		res := readFile(ctx, r, in, c.Path, ExtractOptions{Words: true})[0]
		return lesson{res.Reading, res.Error}
	}, func(l lesson) error {
		c := cases[n]
		n++
		if o.Progress != nil {
			o.Progress(c.ID, n, len(cases))
		}
		if l.err != nil {
			skipped = append(skipped, c.ID+": "+l.err.Message)
		}
		if l.reading == nil {
			return nil
		}
		vendor := c.Vendor
		if vendor == "" {
			vendor = fields.Vendor(*l.reading)
		}
		lessons = append(lessons, fields.Lesson{ID: c.ID, Vendor: vendor, Reading: *l.reading, Labels: labelsFor(t, c, known), Transcript: c.Path == ""})
		return nil
	})
	if err = errors.Join(err, r.close()); err != nil {
		return nil, nil, fmt.Errorf("read lessons: %w", err)
	}
	return lessons, skipped, nil
}

// labelled gives the fields of t that some label of the set names.
func labelled(t doc.Type, cases []eval.Case) map[string]bool {
	out := map[string]bool{}
	for _, c := range cases {
		for name := range c.Labels {
			if f, ok := t.Meant(name); ok && f.Type != doc.Table {
				out[f.Name] = true
			}
		}
	}
	return out
}

// labelsFor gives the labels of a case by t's field names. A field that the set
// knows and the case does not name is not on the document.
func labelsFor(t doc.Type, c eval.Case, known map[string]bool) map[string]string {
	out := map[string]string{}
	for name := range known {
		out[name] = ""
	}
	for name, raw := range c.Labels {
		f, ok := t.Meant(name)
		if !ok || !known[f.Name] {
			continue
		}
		var text string
		var number json.Number
		switch {
		case json.Unmarshal(raw, &text) == nil:
			out[f.Name] = text
		case json.Unmarshal(raw, &number) == nil:
			out[f.Name] = number.String()
		default:
			delete(out, f.Name) // a list of loose values: nothing to learn from
		}
	}
	return out
}
