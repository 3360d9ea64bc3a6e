package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/decode"
	"github.com/recto-edge/recto/node/extract/fields"
	"github.com/recto-edge/recto/node/extract/structured/einvoice"
	"github.com/recto-edge/recto/node/extract/structured/mrz"
	"github.com/recto-edge/recto/node/extract/structured/symbol"
)

// maxXML bounds a plain XML file, in bytes.
const maxXML = 64 << 20

// Read reads one file. Errors are *doc.Error with a Detail, or the cause of ctx
// when it ends first. An archive or e-mail gives Parts and an empty result.
func (r *Reader) Read(ctx context.Context, in Input) (Output, error) {
	sw := newStopwatch()
	stop := sw.stage("open")
	f, err := decode.Open(ctx, decode.Input{Name: in.Name, R: in.R, Size: in.Size, Password: in.Password}, r.cfg.Limits, r.cfg.PDF)
	stop()
	if err != nil {
		return Output{}, err
	}
	if f.Kind == decode.KindArchive || f.Kind == decode.KindMail {
		// Parts read from in.R, which outlives f.
		return Output{Parts: f.Parts, Result: doc.Result{
			Type: typeGeneric, Fields: []doc.Field{}, Route: doc.RouteLocal,
			TimingsMS: sw.milliseconds(), Warnings: orEmpty(f.Warnings),
		}}, errors.Join(f.Close(), anyParts(f))
	}
	out, err := r.read(ctx, in, f, sw)
	return out, errors.Join(err, f.Close())
}

func anyParts(f *decode.File) error {
	if len(f.Parts) > 0 {
		return nil
	}
	return doc.Unreadable(doc.DetailEmpty, "there is no file in it that Recto could read", nil)
}

func (r *Reader) read(ctx context.Context, in Input, f *decode.File, sw *stopwatch) (Output, error) {
	warnings := slices.Clone(f.Warnings)
	facts := facts{}
	if !in.PictureOnly || f.Kind == decode.KindXML {
		stop := sw.stage("structured")
		xml, notes, err := invoiceXML(in, f)
		stop()
		if err != nil {
			return Output{}, err
		}
		facts.xml, warnings = xml, append(warnings, notes...)
	}
	reading := doc.Reading{}
	if in.Reading != nil {
		reading = *in.Reading
	} else if err := r.readPages(ctx, in, f, sw, &reading); err != nil {
		return Output{}, err
	}
	plan := batchOf(in, f, reading.Pages, facts)
	if len(plan.Documents) > 0 && !plan.Whole() {
		return r.takeApart(in, f, reading, plan, warnings, sw), nil
	}
	stop := sw.stage("fields")
	defer stop()
	for _, p := range reading.Pages {
		for _, w := range p.Warnings {
			warnings = append(warnings, fmt.Sprintf("page %d: %s", p.Number, w))
		}
		facts.code = append(facts.code, symbol.Fields(p.Symbols, p.Number)...)
		facts.form = append(facts.form, p.Form...)
	}
	if zone, ok := mrz.Read(zones(reading.Pages)); ok {
		facts.mrz = zone
	}
	t, verdict, err := choose(in, facts, reading.Pages)
	if err != nil {
		return Output{}, err
	}
	known := in.Knowledge[t.Name]
	fs, notes := pick(t, facts, reading.Pages, known)
	fs = fields.Check(t, fs)
	accept(fs, known)
	way := route(t, fs)
	for _, doubt := range append(typeInDoubt(verdict), splitInDoubt(plan)...) {
		way, warnings = doc.RouteReview, append(warnings, doubt)
	}
	in.step("fields", f.NumPages, f.NumPages)
	stop()
	return Output{Reading: reading, Result: doc.Result{
		Type: t.Name, TypeRevision: t.Revision(), TypeConfidence: verdict.Confidence, Pages: f.NumPages,
		Fields: orEmpty(fs), Route: way, TimingsMS: sw.milliseconds(),
		Warnings: orEmpty(append(warnings, notes...)), Models: append(r.used(reading), known.Models()...), Split: proposed(plan),
	}}, nil
}

// used names the models that had a part in a reading.
func (r *Reader) used(reading doc.Reading) []string {
	if slices.ContainsFunc(reading.Pages, func(p doc.Page) bool { return p.Source == doc.FromOCR }) {
		return r.Models()
	}
	return []string{Revision}
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// invoiceXML reads the e-invoice that the file is or holds. A PDF whose
// attachment looks like one and cannot be read is read by its picture, with a
// warning; an XML file that is no invoice cannot be read at all.
func invoiceXML(in Input, f *decode.File) (fs []doc.Field, warnings []string, err error) {
	if f.Kind == decode.KindXML {
		raw, err := io.ReadAll(io.NewSectionReader(in.R, 0, min(in.Size, maxXML+1)))
		if err != nil {
			return nil, nil, fmt.Errorf("read xml: %w", err)
		}
		fs, _, warnings, err = einvoice.Parse(raw)
		return fs, warnings, err
	}
	for _, a := range f.Attachments {
		if !strings.HasSuffix(strings.ToLower(a.Name), ".xml") {
			continue
		}
		got, _, notes, err := einvoice.Parse(a.Data)
		if err == nil {
			return got, append(warnings, notes...), nil
		}
		if doc.DetailOf(err) != doc.DetailUnsupported {
			warnings = append(warnings, "the attached invoice data cannot be read, the page was read instead: "+err.Error())
		}
	}
	return nil, warnings, nil
}

func message(err error) string {
	var e *doc.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
