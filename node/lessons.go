package node

import (
	"context"
	"encoding/json"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
	"github.com/recto-edge/recto/node/extract/fields"
)

// school makes lessons of labelled documents, and reads each only once.
type school struct {
	read    eval.Read
	group   func(eval.Case) string // who made a document
	t       doc.Type
	known   map[string]bool // fields of t that the set's labels name
	answers map[string]eval.Answer
}

// teach learns from cases and transcripts.
func (s *school) teach(ctx context.Context, cases, transcripts []eval.Case) (*fields.Model, []fields.Lesson, error) {
	lessons, err := s.lessons(ctx, cases, transcripts)
	if err != nil {
		return nil, nil, err
	}
	m, err := fields.Learn(s.t, lessons, fields.LearnOptions{})
	return m, lessons, err
}

func (s *school) lessons(ctx context.Context, cases, transcripts []eval.Case) ([]fields.Lesson, error) {
	var lessons []fields.Lesson
	for _, c := range cases {
		l, err := s.lesson(ctx, c)
		if err != nil {
			return nil, err
		}
		lessons = append(lessons, l)
	}
	for _, c := range transcripts {
		words, err := eval.Transcript(c)
		if err != nil {
			return nil, err
		}
		if words != nil {
			lessons = append(lessons, fields.Lesson{ID: c.ID, Vendor: s.vendor(c, *words), Reading: *words, Labels: labelsFor(s.t, c, s.known), Transcript: true})
		}
	}
	return lessons, nil
}

func (s *school) lesson(ctx context.Context, c eval.Case) (fields.Lesson, error) {
	a, ok := s.answers[c.ID]
	if !ok {
		var err error
		if a, err = s.read(ctx, c); err != nil {
			return fields.Lesson{}, doc.Errorf(doc.CodeOf(err), "document %s cannot be learned from: %w", c.ID, err)
		}
		s.answers[c.ID] = a
	}
	return fields.Lesson{ID: c.ID, Vendor: s.vendor(c, a.Reading), Reading: a.Reading, Labels: labelsFor(s.t, c, s.known)}, nil
}

func (s *school) vendor(c eval.Case, r doc.Reading) string {
	if v := s.group(c); v != "" {
		return v
	}
	return fields.Vendor(r)
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
		values, list := eval.Values(raw)
		switch {
		case f.Repeated && list && len(values) > 0:
			out[f.Name] = doc.JoinValues(values)
		case json.Unmarshal(raw, &text) == nil && text == "":
			delete(out, f.Name) // an empty label is one that nobody gave
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
