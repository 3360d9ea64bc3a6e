package extract

import (
	"fmt"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
	"github.com/recto-edge/recto/node/extract/split"
	"github.com/recto-edge/recto/node/extract/structured/einvoice"
)

// facts is what exact sources said about a document.
type facts struct {
	xml  []doc.Field // from an e-invoice, as a whole
	mrz  []doc.Field // from a machine-readable zone
	code []doc.Field // from payment codes (EPC, Swiss QR, GS1)
	form []doc.Field // filled-in PDF form fields
}

// Names of the shipped types that exact sources recognise by themselves.
const (
	typeInvoice  = "invoice"
	typeIdentity = "identity"
	typeGeneric  = "generic"
)

// exactAccept is the confidence from which a value of an exact source is
// accepted. Values picked from words are not accepted before their confidence
// is calibrated: a broken promise is worse than a question too many.
const exactAccept = 0.99

// choose gives the type a document is read as, and how sure that is.
func choose(in Input, f facts, pages []doc.Page) (doc.Type, fields.Verdict, error) {
	types, err := in.candidates()
	if err != nil {
		return doc.Type{}, fields.Verdict{}, err
	}
	v := fields.Verdict{Type: in.Type, Confidence: 1}
	switch {
	case in.Type != "":
	case len(f.xml) > 0:
		v.Type = typeInvoice
	case len(f.mrz) > 0:
		v.Type, v.Confidence = typeIdentity, 0.99
	default:
		v = fields.Classify(doc.Reading{Pages: pages}, types)
	}
	i := slices.IndexFunc(types, func(t doc.Type) bool { return t.Name == v.Type })
	if i < 0 {
		return doc.Type{}, v, doc.Errorf(doc.Internal, "there is no document type %s", v.Type)
	}
	return types[i], v, nil
}

// typeInDoubt says in a person's words why a recognised type needs a look; nothing
// when it needs none.
func typeInDoubt(v fields.Verdict) []string {
	switch {
	case v.Type == typeGeneric && v.Closest != "":
		return []string{fmt.Sprintf("no document type fits this document; the closest is %s, with a probability of %.0f %%: choose the type by hand", v.Closest, 100*v.Closeness)}
	case v.Confidence < fields.SureType:
		return []string{fmt.Sprintf("the document type is not certain: it is %s with a probability of %.0f %%", v.Type, 100*v.Confidence)}
	}
	return nil
}

// pick gives the fields of a document as type t: exact sources first, then what
// the words say about fields no exact source knows.
func pick(t doc.Type, f facts, pages []doc.Page, k fields.Knowledge) (fs []doc.Field, warnings []string) {
	switch {
	case t.Name == typeInvoice && len(f.xml) > 0:
		return einvoice.Reconcile(f.xml, pages)
	case t.Name == typeIdentity:
		if len(f.mrz) == 0 {
			warnings = append(warnings, "no machine-readable zone was found: is the lower edge of the page on the picture?")
		}
		return f.mrz, warnings
	}
	reading := doc.Reading{Pages: pages}
	fs = fields.PickWith(reading, t, k)
	for _, exact := range [][]doc.Field{f.xml, f.code, f.form} {
		for _, e := range exact {
			fs = overrule(fs, t, e)
		}
	}
	if t.OpenKeys {
		fs = append(open(reading, f, fs), fs...)
		fs = fs[:min(len(fs), maxOpen)]
	}
	return fs, warnings
}

// overrule puts an exact value in the place of the picked one for the same
// field; a field that t does not know stays out.
func overrule(fs []doc.Field, t doc.Type, exact doc.Field) []doc.Field {
	i := slices.IndexFunc(t.Fields, func(s doc.FieldSpec) bool {
		return s.Name == exact.Name || slices.Contains(s.Aliases, exact.Name)
	})
	if i < 0 {
		return fs
	}
	exact.Name = t.Fields[i].Name
	if t.Fields[i].Repeated { // one value more
		fs = slices.DeleteFunc(fs, func(x doc.Field) bool { return x.Name == exact.Name && x.Value == exact.Value })
		return append(fs, exact)
	}
	j := slices.IndexFunc(fs, func(x doc.Field) bool { return x.Name == exact.Name })
	if j < 0 {
		return append(fs, exact)
	}
	if exact.Box == nil && fs[j].Value == exact.Value { // seen on the page too
		exact.Page, exact.Box, exact.Raw = fs[j].Page, fs[j].Box, fs[j].Raw
	}
	fs[j] = exact
	return fs
}

// maxOpen bounds the fields reported for a type with open keys, so that a book
// does not become a record of megabytes.
const maxOpen = 1000

// open gives what exact sources say beside the fields of the type: form fields
// and barcodes. Pairs of key and value come with the picked fields.
func open(reading doc.Reading, f facts, known []doc.Field) []doc.Field {
	var out []doc.Field
	taken := map[string]bool{}
	for _, k := range known {
		taken[k.Name] = true
	}
	add := func(fs []doc.Field) {
		for _, x := range fs {
			if len(out) < maxOpen && !taken[x.Name] {
				out = append(out, x)
			}
		}
	}
	add(f.form)
	add(f.code)
	for _, p := range reading.Pages {
		for _, s := range p.Symbols {
			if strings.HasPrefix(s.Format, split.PatchFormat) {
				continue // bars for the scanner, without content
			}
			box := s.Box
			add([]doc.Field{{
				Name: "barcode", Value: s.Text, Raw: s.Text, Type: doc.Text, Confidence: sureCode(s.Format), Page: p.Number, Box: &box,
				Source: doc.FromBarcode, Method: s.Format, Checks: []string{"decoded"},
			}})
		}
	}
	return out
}

// sureCode is the confidence in a decoded code: matrix codes carry enough error
// correction to be certain, bars have one check digit or none.
func sureCode(format string) float64 {
	for _, matrix := range []string{"qr", "data_matrix", "aztec", "pdf417", "pdf_417", "maxicode"} {
		if strings.Contains(format, matrix) {
			return 1
		}
	}
	return 0.95
}

// accept marks what may be used without a look: values of exact sources that no
// check contradicts, and what was picked from words with the confidence that the
// type's target asks for. Cells of tables picked from words never are.
func accept(fs []doc.Field, k fields.Knowledge) {
	for i := range fs {
		f := &fs[i]
		exact := f.Source == doc.FromXML || f.Source == doc.FromMRZ || f.Source == doc.FromBarcode
		f.Accepted = exact && f.Confidence >= exactAccept && len(f.FailedChecks) == 0 || k.Accepts(*f)
		for _, row := range f.Rows {
			accept(row, fields.Knowledge{})
		}
	}
}

// route says who answered for the document: this machine alone, or a person is
// needed because a required field is missing, a check failed, or a field of the
// type is not accepted.
func route(t doc.Type, fs []doc.Field) doc.Route {
	if t.Open(fs, nil) {
		return doc.RouteReview
	}
	return doc.RouteLocal
}
