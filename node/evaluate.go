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
	"path/filepath"
	"runtime"
	"slices"

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
	// Only counts documents whose record says this alone, as member=value; empty: all.
	// With Folds the others teach all the same.
	Only    string
	Workers int // 0: one a core
	Misses  int
	Compare string // an earlier report as JSON to compare with; empty: none
	HTML    string // file for the report as a page; empty: none
	// Folds > 0 cross-validates: what was learned from the documents of all folds but
	// one reads that one. Folds share no vendor, or no Group when that is named (a
	// member of the records, or a label); with Random they are drawn without regard
	// to it, and vendors of the others are remembered.
	Folds  int
	Random bool
	Group  string
	// Deal says how vendors, or documents, are dealt into parts, from 1 (0 is 1): the same
	// number deals the same, so that two runs can be compared.
	Deal uint64
	// Confirm is how many other documents of its vendor are confirmed before a document is
	// read; vendors that have no more than these do not count: what one correction brings.
	Confirm int
	Model   string // file of the model to read with; empty: those shipped; "none": rules alone
	// Readings is a folder that keeps what was read between runs, so that only
	// picking is done again while the recogniser is the same; empty: none.
	Readings string
	Progress func(file string, n, of int)
}

// rowRules count the rows of tables by what the page can show: codes for pieces that no
// page tells apart, prices as they are printed, and the columns that every list of items has.
var rowRules = []eval.RowRule{
	{Name: "pieces alike", Alike: alike{fields.SamePiece}},
	{Name: "as printed", Alike: alike{fields.SamePiece, fields.SamePrinted}},
	{Name: "main columns", Columns: fields.MainColumns},
	{Name: "main columns, as printed", Columns: fields.MainColumns, Alike: alike{fields.SamePrinted}},
}

type alike = []func(cell doc.Field, label string) bool

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
	counted, err := eval.Saying(o.Only)
	if err != nil {
		return eval.Report{}, err
	}
	if o.Folds == 0 {
		cases = slices.DeleteFunc(cases, func(c eval.Case) bool { return !counted(c) })
	}
	if o.Only != "" && !slices.ContainsFunc(cases, counted) {
		return eval.Report{}, doc.Errorf(doc.NotFound, "no document of %s says %s", dir, o.Only)
	}
	if o.Limit > 0 {
		cases = cases[:min(o.Limit, len(cases))]
	}
	earlier, err := earlierReport(o.Compare)
	if err != nil {
		return eval.Report{}, err
	}
	if o.HTML != "" { // known before the reading, which may take long
		if info, err := os.Stat(filepath.Dir(o.HTML)); err != nil || !info.IsDir() {
			return eval.Report{}, doc.Errorf(doc.Invalid, "the report cannot be written to %s: there is no such folder", o.HTML)
		}
	}
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.NumCPU()
	}
	r, err := openReading(engineCache(), Default().Limits, nil, workers, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return eval.Report{}, err
	}
	if o.Readings != "" {
		if r.kept, err = keepReadings(o.Readings); err != nil {
			return eval.Report{}, errors.Join(err, r.close())
		}
	}
	in := extract.Input{Type: o.Type, Types: types, PictureOnly: o.Rasterise, Whole: true} // a labelled file is one document
	if in.Knowledge, err = knowledgeFrom(o.Model); err != nil {
		return eval.Report{}, errors.Join(err, r.close())
	}
	outcomes, err := o.outcomes(ctx, cases, r, in, workers)
	if err != nil {
		return eval.Report{}, errors.Join(fmt.Errorf("evaluate: %w", err), r.close())
	}
	cases = slices.DeleteFunc(cases, func(c eval.Case) bool { return !counted(c) }) // outcomes without a case do not count
	report := eval.Score(cases, outcomes, eval.Options{Types: types, Form: fields.CompareForm, Rows: rowRules})
	if earlier != nil {
		var c eval.Comparison
		if c, err = eval.Compare(*earlier, report); err == nil {
			report.Comparison = &c
		}
	}
	if err == nil && o.HTML != "" {
		err = o.writePage(ctx, report, dir, newPageCrops(r, in, cases, outcomes))
	}
	return report, errors.Join(err, r.close())
}

// outcomes reads the cases as they are, or cross-validates.
func (o EvalOptions) outcomes(ctx context.Context, all []eval.Case, r *reading, in extract.Input, workers int) ([]eval.Outcome, error) {
	run := eval.RunOptions{Workers: workers, Progress: o.Progress}
	if o.Folds == 0 {
		if o.Confirm > 0 {
			return nil, doc.Errorf(doc.Invalid, "what one confirmed document brings is measured on vendors held back: say --folds too")
		}
		out := eval.Run(ctx, all, labelledReader(r, in), run)
		return out, context.Cause(ctx)
	}
	types, err := in.Asked()
	if err != nil || len(types) != 1 {
		return nil, doc.Errorf(doc.Invalid, "what is trained is one document type: name it with --type")
	}
	group := eval.Vendor
	if o.Group != "" {
		group = eval.GroupBy(o.Group)
	}
	// What has a transcript and no document can be learned from and not be tested.
	var cases, transcripts []eval.Case
	for _, c := range all {
		if c.Path != "" {
			cases = append(cases, c)
		} else {
			transcripts = append(transcripts, c)
		}
	}
	if o.Group == "" && !slices.ContainsFunc(cases, func(c eval.Case) bool { return eval.Vendor(c) != "" }) {
		group = lettersOf(eval.Run(ctx, cases, labelledReader(r, in), run))
	}
	var folds [][]int
	if o.Random {
		folds, err = eval.RandomFolds(len(cases), o.Folds, max(1, o.Deal))
	} else {
		folds, err = eval.Folds(cases, o.Folds, max(1, o.Deal), group)
	}
	if err != nil {
		return nil, err
	}
	others := companionsOf(cases, o.Confirm, group)
	if o.Confirm > 0 && len(others) == 0 {
		return nil, doc.Errorf(doc.Invalid, "no vendor has %d documents or more: confirm fewer, or name with --group what stands for a vendor", o.Confirm+1)
	}
	s := &school{read: labelledReader(r, in), group: group, t: types[0], known: labelled(types[0], all), answers: map[string]eval.Answer{}}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	fit := func(ctx context.Context, train []eval.Case) (eval.Read, error) {
		m, lessons, err := s.teach(ctx, train, o.allowed(cases, train, transcripts, group))
		if err != nil {
			return nil, err
		}
		k := fields.Know(m, nil, defaultTarget)
		if o.Random {
			k.Memory = fields.NewMemory(s.t, lessons)
		}
		with := in
		with.Knowledge = map[string]fields.Knowledge{s.t.Name: k}
		if o.Confirm > 0 {
			return s.confirmed(r, with, others), nil
		}
		return labelledReader(r, with), nil
	}
	out, err := eval.CrossValidate(ctx, cases, folds, group, fit, run)
	if o.Confirm > 0 {
		out = slices.DeleteFunc(out, func(x eval.Outcome) bool { return others[x.ID] == nil })
	}
	return out, err
}

// lettersOf groups documents whose set does not say who made them by what their
// pages say.
func lettersOf(read []eval.Outcome) func(eval.Case) string {
	vendors := map[string]string{}
	for _, x := range read {
		if x.Err == nil {
			vendors[x.ID] = fields.Vendor(x.Reading)
		}
	}
	return func(c eval.Case) string { return vendors[c.ID] }
}

// allowed gives the transcripts that may train together with train: those of no
// vendor that is held back.
func (o EvalOptions) allowed(cases, train, transcripts []eval.Case, group func(eval.Case) string) []eval.Case {
	if o.Random {
		return transcripts
	}
	held := map[string]bool{}
	for _, c := range cases {
		held[group(c)] = true
	}
	for _, c := range train {
		delete(held, group(c))
	}
	return slices.DeleteFunc(slices.Clone(transcripts), func(c eval.Case) bool { return held[group(c)] })
}

// earlierReport reads the report to compare with; nil when path names none.
func earlierReport(path string) (*eval.Report, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, doc.Errorf(doc.NotFound, "open the earlier report: %w", err)
	}
	defer f.Close()
	r, err := eval.LoadReport(f)
	if err != nil {
		return nil, err
	}
	return &r, nil
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
