package extract

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/decode"
	"github.com/recto-edge/recto/node/extract/split"
)

// batchOf says which documents a file consists of. A file that is certainly one
// stays whole: an e-invoice, one that needed a password (its pages are not put
// down in the open), and one that is only measured.
func batchOf(in Input, f *decode.File, pages []doc.Page, known facts) split.Plan {
	if in.Whole || in.PictureOnly || in.Password != "" || len(known.xml) > 0 || f.NumPages < 2 {
		return split.Plan{}
	}
	return split.Find(pages)
}

// takeApart gives the documents of a batch as files of their own.
func (r *Reader) takeApart(in Input, f *decode.File, reading doc.Reading, plan split.Plan, warnings []string, sw *stopwatch) Output {
	b := &doc.Split{Sheets: orEmpty(plan.Sheets), Proposed: plan.Proposed}
	out := Output{Reading: reading}
	for _, d := range plan.Documents {
		typ := d.Type
		if typ != "" && !slices.ContainsFunc(in.Types, func(t doc.Type) bool { return t.Name == typ }) {
			warnings = append(warnings, fmt.Sprintf("the separator sheet before page %d asks for document type %q, which does not exist; the type is recognised instead", d.Pages[0], typ))
			typ = ""
		}
		part := decode.PagesOf(decode.Input{Name: in.Name, R: in.R, Size: in.Size}, f.Kind, r.cfg.Limits, r.cfg.PDF, partName(in.Name, d.Pages), d.Pages)
		part.Type, part.Reading = typ, readingOf(f, reading, d.Pages)
		out.Parts = append(out.Parts, part)
		b.Documents = append(b.Documents, doc.SplitDocument{Pages: d.Pages, Type: typ, Confidence: d.Confidence})
	}
	out.Result = doc.Result{
		Type: typeGeneric, TypeConfidence: 1, Pages: f.NumPages, Fields: []doc.Field{}, Route: doc.RouteLocal,
		TimingsMS: sw.milliseconds(), Warnings: orEmpty(warnings), Models: r.used(reading), Split: b,
	}
	return out
}

// readingOf gives what was read of some pages, to be the reading of the file they
// become; nil when that file shows them at another size.
func readingOf(f *decode.File, all doc.Reading, numbers []int) *doc.Reading {
	if f.Kind != decode.KindPDF {
		return nil
	}
	out := &doc.Reading{}
	for i, n := range numbers {
		p := all.Pages[n-1]
		p.Number = i + 1
		p.Form = slices.Clone(p.Form)
		for j := range p.Form {
			p.Form[j].Page = p.Number
		}
		out.Pages = append(out.Pages, p)
	}
	return out
}

// partName names the file of some pages after the batch they come from.
func partName(batch string, pages []int) string {
	base := path.Base(strings.ReplaceAll(batch, `\`, "/"))
	base = strings.TrimSuffix(base, path.Ext(base))
	if first, last := pages[0], pages[len(pages)-1]; first != last {
		return fmt.Sprintf("%s, pages %d-%d.pdf", base, first, last)
	}
	return fmt.Sprintf("%s, page %d.pdf", base, pages[0])
}

// proposed gives the boundaries that a person may want to split at; nil for none.
func proposed(plan split.Plan) *doc.Split {
	if len(plan.Proposed) == 0 {
		return nil
	}
	return &doc.Split{Documents: []doc.SplitDocument{}, Sheets: []int{}, Proposed: plan.Proposed}
}

// splitInDoubt says in a person's words where a file may be several documents.
func splitInDoubt(plan split.Plan) []string {
	var out []string
	for _, b := range plan.Proposed {
		out = append(out, fmt.Sprintf("another document may begin on page %d, with a probability of %.0f %%: the file was not split", b.Page, 100*b.Confidence))
	}
	return out
}
