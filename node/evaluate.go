package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"

	"github.com/recto-edge/recto/node/cache"
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
	outcomes := eval.Run(ctx, cases, labelledReader(r, in), eval.RunOptions{Workers: workers, Progress: o.Progress})
	if err = errors.Join(context.Cause(ctx), r.close()); err != nil {
		return eval.Report{}, fmt.Errorf("evaluate: %w", err)
	}
	return eval.Score(cases, outcomes, eval.Options{Types: types, Form: fields.CompareForm}), nil
}

// labelledReader reads labelled documents, and finds the words that really stand
// there: those of the set, or for documents read by their pictures those of a text
// layer that agrees with the picture.
func labelledReader(r *reading, in extract.Input) eval.Read {
	return func(ctx context.Context, c eval.Case) (eval.Answer, error) {
		truth, err := eval.Transcript(c)
		if err != nil {
			return eval.Answer{}, err
		}
		res := readFile(ctx, r, in, c.Path, ExtractOptions{Words: true})[0]
		if res.Error != nil {
			return eval.Answer{}, res.Error
		}
		a := eval.Answer{Result: *res.Result, Truth: truth}
		if res.Reading != nil {
			a.Reading = *res.Reading
		}
		if truth == nil && in.PictureOnly {
			a.Truth, err = r.printed(ctx, c.Path)
		}
		return a, err
	}
}

// printed gives the pages of a file whose text layer can be trusted, nil when there
// is none, from what was kept when labelled folders are read again and again.
func (r *reading) printed(ctx context.Context, path string) (*doc.Reading, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read text layer: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return nil, fmt.Errorf("read text layer: %w", err)
	}
	in := extract.Input{Name: path, R: f, Size: size, SHA256: hex.EncodeToString(h.Sum(nil))}
	key := cache.Key(in.SHA256, "text layer")
	var layer *doc.Reading
	if r.kept != nil {
		layer, _ = r.kept.get(key)
	}
	if layer == nil {
		got, err := r.TextLayer(ctx, in)
		if err != nil {
			return nil, err
		}
		layer = &got
		if r.kept != nil {
			if err := r.kept.put(key, got); err != nil {
				return nil, err
			}
		}
	}
	if len(layer.Pages) == 0 {
		return nil, nil
	}
	return layer, nil
}
