package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
	"github.com/recto-edge/recto/node/extract"
	"github.com/recto-edge/recto/node/extract/fields"
)

// EvalOptions say what is measured.
type EvalOptions struct {
	Type      string
	TypesDir  string
	Rasterise bool // read pictures only: no text layer, no attachments
	Limit     int  // only the first so many files; 0: all
	Workers   int  // 0: one a core
	Misses    int
	// Readings is a folder that keeps what was read between runs, so that only
	// picking is done again while the recogniser is the same; empty: none.
	Readings string
	Progress func(file string, n, of int)
}

// Evaluate reads every labelled document of a folder and compares.
func Evaluate(ctx context.Context, dir string, o EvalOptions) (eval.Report, error) {
	types, err := typesFrom(o.TypesDir)
	if err != nil {
		return eval.Report{}, err
	}
	cases, err := eval.Load(dir)
	if err != nil {
		return eval.Report{}, err
	}
	if o.Limit > 0 {
		cases = cases[:min(o.Limit, len(cases))]
	}
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.NumCPU()
	}
	r, err := openReading(engineCache(), Default().Limits, workers, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return eval.Report{}, err
	}
	if o.Readings != "" {
		if r.kept, err = keepReadings(o.Readings); err != nil {
			return eval.Report{}, errors.Join(err, r.close())
		}
	}
	in := extract.Input{Type: o.Type, Types: types, PictureOnly: o.Rasterise}
	var outcomes []eval.Outcome
	err = inOrder(ctx, cases, workers, func(ctx context.Context, c eval.Case) []eval.Outcome {
		if c.Path == "" {
			return nil
		}
		return eval.Run(ctx, []eval.Case{c}, func(ctx context.Context, path string) (doc.Result, error) {
			res := readFile(ctx, r, in, path, ExtractOptions{})[0]
			if res.Error != nil {
				return doc.Result{}, res.Error
			}
			return *res.Result, nil
		}, nil)
	}, func(done []eval.Outcome) error {
		outcomes = append(outcomes, done...)
		if o.Progress != nil && len(done) > 0 {
			o.Progress(done[0].ID, len(outcomes), len(cases))
		}
		return nil
	})
	if err = errors.Join(err, r.close()); err != nil {
		return eval.Report{}, fmt.Errorf("evaluate: %w", err)
	}
	return eval.Score(cases, outcomes, eval.Options{Types: types, Form: fields.CompareForm}), nil
}
