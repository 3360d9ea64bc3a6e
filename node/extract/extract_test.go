package extract

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

func TestTurn_BoxesGoWithThePicture(t *testing.T) {
	t.Parallel()
	// A box near the top left of a picture of 100 x 60 pixels.
	b := doc.Box{10, 5, 30, 15}
	for degrees, want := range map[int]doc.Box{
		0: b, 90: {45, 10, 55, 30}, 180: {70, 45, 90, 55}, 270: {5, 70, 15, 90},
	} {
		if got := turn(b, degrees, 100, 60); got != want {
			t.Errorf("turned by %d: %v, want %v", degrees, got, want)
		}
	}
}

func TestTwoToned_CodesAreAndPhotographsAreNot(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../embedded/zxing/testdata/code39-2-wide.png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	code, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if !twoToned(code) {
		t.Error("a bar code is not looked at")
	}
	slope := image.NewGray(image.Rect(0, 0, 256, 64))
	white := image.NewGray(slope.Rect)
	for y := range 64 {
		for x := range 256 {
			slope.SetGray(x, y, color.Gray{Y: uint8(64 + x/2)})
			white.SetGray(x, y, color.Gray{Y: 255})
		}
	}
	if twoToned(slope) || twoToned(white) {
		t.Error("grey or empty pictures are looked at")
	}
}

func TestOverrule_ExactValuesWin(t *testing.T) {
	t.Parallel()
	typ := doc.Type{Name: "invoice", Fields: []doc.FieldSpec{{Name: "iban", Type: doc.IBAN}, {Name: "total", Type: doc.Money, Aliases: []string{"due_total"}}}}
	box := doc.Box{1, 2, 3, 4}
	picked := []doc.Field{{Name: "total", Value: "10.00", Page: 2, Box: &box, Source: doc.FromOCR, Confidence: 0.9}}
	got := overrule(picked, typ, doc.Field{Name: "due_total", Value: "10.00", Source: doc.FromBarcode, Confidence: 1})
	got = overrule(got, typ, doc.Field{Name: "iban", Value: "DE89370400440532013000", Source: doc.FromBarcode, Confidence: 1})
	got = overrule(got, typ, doc.Field{Name: "unheard_of", Value: "x", Source: doc.FromBarcode})
	want := []doc.Field{
		{Name: "total", Value: "10.00", Page: 2, Box: &box, Source: doc.FromBarcode, Confidence: 1},
		{Name: "iban", Value: "DE89370400440532013000", Source: doc.FromBarcode, Confidence: 1},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAcceptAndRoute_NothingUncertainPasses(t *testing.T) {
	t.Parallel()
	typ := doc.Type{Name: "t", Fields: []doc.FieldSpec{{Name: "a", Required: true}, {Name: "b"}}}
	for _, c := range []struct {
		name string
		fs   []doc.Field
		want doc.Route
	}{
		{"exact", []doc.Field{{Name: "a", Source: doc.FromXML, Confidence: 1}}, doc.RouteLocal},
		{"required field missing", nil, doc.RouteReview},
		{"picked from words, however sure", []doc.Field{{Name: "a", Source: doc.FromOCR, Confidence: 1}}, doc.RouteReview},
		{"exact, but a check contradicts", []doc.Field{{Name: "a", Source: doc.FromXML, Confidence: 1, FailedChecks: []string{"iban"}}}, doc.RouteReview},
		{"another field uncertain", []doc.Field{{Name: "a", Source: doc.FromXML, Confidence: 1}, {Name: "b", Source: doc.FromText, Confidence: 1}}, doc.RouteReview},
	} {
		accept(c.fs, fields.Knowledge{})
		if got := route(typ, c.fs); got != c.want {
			t.Errorf("%s: route %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSlug(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Invoice No.": "invoice_no", "form1[0].#subform[2].Total": "form1_0_subform_2_total", "1st": "field_1st", "Straße": "stra_e", "€": "", "": "",
	} {
		if got := slug(in); got != want {
			t.Errorf("slug(%q) = %q, want %q", in, got, want)
		}
	}
}
