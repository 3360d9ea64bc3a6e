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

// ReadLabelled reads the documents of a labelled folder as Evaluate does, and
// hands out their words instead of a report, in the order of the labels. Documents
// that cannot be read, or hold others, are left out.
func ReadLabelled(ctx context.Context, dir string, o EvalOptions, emit func(eval.Case, doc.Reading) error) error {
	types, err := typesFrom(o.TypesDir)
	if err != nil {
		return err
	}
	cases, err := eval.Load(dir)
	if err != nil {
		return err
	}
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.NumCPU()
	}
	r, err := openReading(engineCache(), Default().Limits, nil, workers, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if o.Readings != "" {
		if r.kept, err = keepReadings(o.Readings); err != nil {
			return errors.Join(err, r.close())
		}
	}
	in := extract.Input{Type: fields.Generic, Types: types, PictureOnly: o.Rasterise, Whole: true}
	type answer struct {
		c       eval.Case
		reading *doc.Reading
	}
	err = inOrder(ctx, cases, workers, func(ctx context.Context, c eval.Case) answer {
		if c.Path == "" {
			return answer{}
		}
		return answer{c, readFile(ctx, r, in, c.Path, ExtractOptions{Words: true})[0].Reading}
	}, func(a answer) error {
		if a.reading == nil {
			return nil
		}
		return emit(a.c, *a.reading)
	})
	if err = errors.Join(err, r.close()); err != nil {
		return fmt.Errorf("read labelled folder: %w", err)
	}
	return nil
}
