package node

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/recto-edge/recto/embedded/durable"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
	"github.com/recto-edge/recto/node/extract"
	"github.com/recto-edge/recto/node/extract/fields"
	"github.com/recto-edge/recto/node/extract/trust"
	"github.com/recto-edge/recto/node/extract/types"
)

// defaultTarget is what is asked of accepted values until an admin asks for
// something else: at most 4 wrong in 100, with a chance of 1 in 10 that the
// promise is false. The documents that trained the shipped models prove no more
// for a vendor never seen, though fewer were wrong: 1 in 100 takes 230 vendors
// without a mistake. A site's own reviews prove more.
var defaultTarget = trust.Target{Precision: 0.96, Delta: 0.1, Apart: true}

// rulesOnly names no model at all.
const rulesOnly = "none"

// knowledgeFrom gives what is known without a site: the shipped models, those but
// for the one in file, or nothing for "none".
func knowledgeFrom(file string) (map[string]fields.Knowledge, error) {
	out := map[string]fields.Knowledge{}
	if file == rulesOnly {
		return out, nil
	}
	for name, b := range types.Models() {
		m, err := fields.DecodeModel(b)
		if err != nil {
			return nil, doc.Errorf(doc.Internal, "the shipped model for %s: %w", name, err)
		}
		out[name] = fields.Know(m, nil, defaultTarget)
	}
	if file == "" {
		return out, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, doc.Errorf(doc.NotFound, "read model: %w", err)
	}
	m, err := fields.DecodeModel(b)
	if err != nil {
		return nil, err
	}
	out[m.Type] = fields.Know(m, nil, defaultTarget)
	return out, nil
}

// TrainOptions say what a model is trained from.
type TrainOptions struct {
	Type      string
	TypesDir  string
	Rasterise bool   // read pictures only, where there are pages
	Group     string // member of the records, or label, that names the vendor; empty: vendor
	Readings  string // folder that keeps the words read; empty: none
	Workers   int    // 0: one a core
	Out       string // file for the model
	Licences  []string
	MadeAt    time.Time
	Progress  func(file string, n, of int)
}

// Trained is a model as it was made.
type Trained struct {
	Digest   string          `json:"digest"`
	Bytes    int             `json:"bytes"`
	Card     fields.Card     `json:"card"`
	Promises fields.Promises `json:"promises"`
	Doubts   []string        `json:"doubts,omitempty"` // labels that do not stand on their document
}

// Train learns a document type from labelled folders and writes the model. A file
// that is there is replaced only by a whole model.
func Train(ctx context.Context, dirs []string, o TrainOptions) (Trained, error) {
	all, err := typesFrom(o.TypesDir)
	if err != nil {
		return Trained{}, err
	}
	t, err := findType(all, o.Type)
	if err != nil {
		return Trained{}, err
	}
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.NumCPU()
	}
	r, err := openReading(engineCache(), Default().Limits, nil, workers, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return Trained{}, err
	}
	if o.Readings != "" {
		if r.kept, err = keepReadings(o.Readings); err != nil {
			return Trained{}, errors.Join(err, r.close())
		}
	}
	var lessons []fields.Lesson
	card := fields.Card{MadeAt: o.MadeAt.UTC().Truncate(time.Second), Licences: o.Licences}
	for _, dir := range dirs {
		ls, err := o.lessons(ctx, r, t, dir)
		if err != nil {
			return Trained{}, errors.Join(err, r.close())
		}
		lessons, card.Sources = append(lessons, ls...), append(card.Sources, filepath.Base(dir))
	}
	if err := r.close(); err != nil {
		return Trained{}, err
	}
	m, err := fields.Learn(t, lessons, fields.LearnOptions{Card: card})
	if err != nil {
		return Trained{}, err
	}
	b, err := m.Encode()
	if err != nil {
		return Trained{}, err
	}
	out := Trained{Digest: m.Digest(), Bytes: len(b), Card: m.Card, Promises: m.Promises(defaultTarget), Doubts: fields.Doubts(t, lessons)}
	if o.Out == "" {
		return out, nil
	}
	return out, durable.WriteFile(o.Out, bytes.NewReader(b))
}

// lessons reads a labelled folder.
func (o TrainOptions) lessons(ctx context.Context, r *reading, t doc.Type, dir string) ([]fields.Lesson, error) {
	cases, err := eval.Load(dir)
	if err != nil {
		return nil, err
	}
	group := eval.Vendor
	if o.Group != "" {
		group = eval.GroupBy(o.Group)
	}
	in := extract.Input{Type: t.Name, Types: []doc.Type{t}, PictureOnly: o.Rasterise, Whole: true}
	answers := map[string]eval.Answer{}
	var paths, transcripts []eval.Case
	for _, c := range cases {
		if c.Path == "" {
			transcripts = append(transcripts, c)
		} else {
			paths = append(paths, c)
		}
	}
	for _, x := range eval.Run(ctx, paths, labelledReader(r, in), eval.RunOptions{Workers: o.Workers, Progress: o.Progress}) {
		if x.Err == nil {
			answers[x.ID] = x.Answer
		}
	}
	s := school{group: group, t: t, known: labelled(t, cases), answers: maps.Clone(answers),
		read: func(_ context.Context, c eval.Case) (eval.Answer, error) {
			return eval.Answer{}, doc.Errorf(doc.Invalid, "it could not be read")
		}}
	return s.lessons(ctx, paths, transcripts)
}
