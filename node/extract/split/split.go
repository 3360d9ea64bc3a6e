// Package split finds the documents in a batch: the pages of a file that came out
// of a feeder, where separator sheets or the pages themselves say where one
// document ends and the next begins.
//
// It guarantees that every page is in exactly one document unless it is a
// separator sheet, that blank pages stay with the document before or around them,
// and that a file without a sign of a boundary stays whole. Sheets are certain;
// what is only likely is proposed and not done. It knows nothing of files.
package split

import (
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Document is a part of a batch.
type Document struct {
	Pages      []int   // numbers, 1 for the first, ascending
	Type       string  // document type that the sheet before it asks for; "" for none
	Confidence float64 // that it begins there; 1 at the start and behind a sheet
}

// Plan says what a batch consists of. One document and no sheets: it is no batch.
type Plan struct {
	Documents []Document
	Sheets    []int          // numbers of the separator sheets, which are in no document
	Proposed  []doc.Boundary // boundaries that are likely, and not split at
}

// Whole says whether the file is to stay as it is: one document without a sheet,
// or nothing but sheets.
func (p Plan) Whole() bool {
	return len(p.Documents) == 0 || len(p.Documents) == 1 && len(p.Sheets) == 0
}

// SeparatorText is what the text of a code on a separator sheet begins with.
// "RECTO-SEPARATOR type=invoice" also names the type of the document that follows.
const SeparatorText = "RECTO-SEPARATOR"

// patchText is what other scanning programs print as a bar code on their sheets.
const patchText = "PATCHT"

// SheetWords is how many words a sheet may have beside its code: with more it is
// the first page of a document that carries a code itself.
const SheetWords = 80

// separator says whether a page separates documents, and which type it asks for.
// Patch 2 and 3 separate as T does: upside down a T is a 3, and scanning programs
// use all three.
func separator(p doc.Page) (typ string, ok bool) {
	for _, s := range p.Symbols {
		text := strings.TrimSpace(s.Text)
		if rest, mine := strings.CutPrefix(strings.ToUpper(text), SeparatorText); mine {
			if at := strings.Index(rest, "TYPE="); at >= 0 {
				typ, _, _ = strings.Cut(strings.ToLower(rest[at+len("TYPE="):]), " ")
			}
			ok = true
			continue
		}
		switch {
		case strings.EqualFold(text, patchText), s.Format == PatchFormat+"t", s.Format == PatchFormat+"2", s.Format == PatchFormat+"3":
			ok = true
		}
	}
	return typ, ok
}

// Find says which documents the pages of a file are: at its separator sheets or,
// when it has none, at boundaries that the pages show by themselves.
func Find(pages []doc.Page) Plan {
	plan := atSheets(pages)
	if len(plan.Sheets) > 0 || len(plan.Documents) != 1 {
		return plan
	}
	return atBoundaries(pages)
}

// atBoundaries parts a file where the learned model is sure that a document ends.
// Blank pages stay with what is before them.
func atBoundaries(pages []doc.Page) Plan {
	var plan Plan
	cur := Document{Confidence: 1}
	var before *side
	for i, p := range pages {
		if len(p.Words) > 0 {
			here := newSide(p)
			if before != nil {
				switch sure := shippedBoundaries().between(before, here); {
				case sure >= SplitAt:
					plan.Documents = append(plan.Documents, cur)
					cur = Document{Confidence: sure}
				case sure >= ProposeAt:
					plan.Proposed = append(plan.Proposed, doc.Boundary{Page: i + 1, Confidence: sure})
				}
			}
			before = here
		}
		cur.Pages = append(cur.Pages, i+1)
	}
	plan.Documents = append(plan.Documents, cur)
	return plan
}

// atSheets parts a file at its separator sheets.
func atSheets(pages []doc.Page) Plan {
	var plan Plan
	cur := Document{Confidence: 1}
	flush := func() {
		if len(cur.Pages) == 0 {
			return
		}
		if last := len(plan.Documents) - 1; last >= 0 && blank(pages, cur.Pages) {
			plan.Documents[last].Pages = append(plan.Documents[last].Pages, cur.Pages...)
		} else {
			plan.Documents = append(plan.Documents, cur)
		}
		cur = Document{Confidence: 1}
	}
	for i, p := range pages {
		typ, ok := separator(p)
		switch {
		case ok && len(p.Words) <= SheetWords:
			flush()
			plan.Sheets = append(plan.Sheets, i+1)
			if typ != "" {
				cur.Type = typ
			}
			continue
		case ok:
			flush()
			if typ != "" {
				cur.Type = typ
			}
		}
		cur.Pages = append(cur.Pages, i+1)
	}
	flush()
	if d := plan.Documents; len(d) > 1 && blank(pages, d[0].Pages) {
		d[1].Pages = append(d[0].Pages, d[1].Pages...)
		plan.Documents = d[1:]
	}
	return plan
}

// blank says whether there is nothing on any of the numbered pages.
func blank(pages []doc.Page, numbers []int) bool {
	for _, n := range numbers {
		if !pages[n-1].Blank {
			return false
		}
	}
	return true
}
