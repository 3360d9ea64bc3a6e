package decode_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/decode"
)

const visible = "BT /F 12 Tf 50 700 Td (Invoice number 4711) Tj 0 -20 Td (Total 119,00) Tj ET "

func TestVisibleTextIsWords(t *testing.T) {
	p := firstPage(t, pdf(page{text: visible}))
	if !p.TextOK || p.Dropped != 0 || texts(p) != "Invoice number 4711 Total 119,00" {
		t.Fatalf("ok %v, dropped %d, %q", p.TextOK, p.Dropped, texts(p))
	}
	var lines []int
	for _, w := range p.Words {
		lines = append(lines, w.Line)
	}
	if d := cmp.Diff([]int{0, 0, 0, 1, 1}, lines); d != "" {
		t.Error(d)
	}
	// 50 points from the left at 200 dpi is pixel 139; the baseline lies 142 points from the top.
	if b := p.Words[0].Box; b[0] < 136 || b[0] > 144 || b[3] < 390 || b[3] > 398 {
		t.Errorf("box of the first word: %v", b)
	}
	img, err := p.Image(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Size(); got != image.Pt(p.Width, p.Height) || p.Width != 1653 || p.DPI != 200 {
		t.Errorf("image %v, page %d x %d at %v", got, p.Width, p.Height, p.DPI)
	}
	if !inked(img, p.Words[0].Box) || inked(img, doc.Box{0, 0, 100, 100}) {
		t.Error("the picture does not show the words where they are said to be")
	}
}

// inked says whether something dark lies in the box.
func inked(img image.Image, b doc.Box) bool {
	for y := b[1]; y < b[3]; y++ {
		for x := b[0]; x < b[2]; x++ {
			if color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y < 100 {
				return true
			}
		}
	}
	return false
}

func TestHiddenTextIsDropped(t *testing.T) {
	for name, hidden := range map[string]string{
		"white on white":        "1 g BT /F 12 Tf 50 500 Td (Pay me instead) Tj ET",
		"nearly white on white": "0.98 g BT /F 12 Tf 50 500 Td (Pay me instead) Tj ET",
		"no ink":                "BT 3 Tr /F 12 Tf 50 500 Td (Pay me instead) Tj ET",
		"clipped only":          "q BT 7 Tr /F 12 Tf 50 500 Td (Pay me instead) Tj ET Q",
		"tiny":                  "BT /F 0.5 Tf 50 500 Td (Pay me instead) Tj ET",
		"off the page":          "BT /F 12 Tf 50 -500 Td (Pay me instead) Tj ET",
		"blacked out":           "BT /F 12 Tf 50 500 Td (Pay me instead) Tj ET 0 g 40 490 200 30 re f",
		"outside the clip":      "q 0 0 10 10 re W n BT /F 12 Tf 50 500 Td (Pay me instead) Tj ET Q",
	} {
		p := firstPage(t, pdf(page{text: visible + hidden}))
		if !p.TextOK || p.Dropped != 3 || strings.Contains(texts(p), "Pay") || len(p.Warnings) != 1 {
			t.Errorf("%s: ok %v, dropped %d, %q, %q", name, p.TextOK, p.Dropped, texts(p), p.Warnings)
		}
	}
}

func TestLightTextOnDarkIsSeen(t *testing.T) {
	p := firstPage(t, pdf(page{text: visible + "0 0 0.4 rg 40 490 300 30 re f 1 g BT /F 12 Tf 50 500 Td (White heading here) Tj ET"}))
	if !p.TextOK || p.Dropped != 0 || !strings.Contains(texts(p), "White heading here") {
		t.Errorf("ok %v, dropped %d, %q", p.TextOK, p.Dropped, texts(p))
	}
}

func TestTextOverAScanIsNotBelieved(t *testing.T) {
	scan := "q 595 0 0 842 0 0 cm /I Do Q "
	for name, text := range map[string]string{
		"a layer of a text recogniser": scan + "BT 3 Tr /F 12 Tf 50 700 Td (Read by somebody else) Tj ET",
		"text below the picture":       "BT /F 12 Tf 50 700 Td (Read by somebody else) Tj ET " + scan,
		"a stamp on a scan":            scan + "1 g 40 20 200 30 re f 0 g BT /F 12 Tf 50 30 Td (Received today ok) Tj ET",
	} {
		p := firstPage(t, pdf(page{text: text, image: gray(826, 1169)}))
		if p.TextOK || len(p.Words) > 0 {
			t.Errorf("%s: believed %q", name, texts(p))
		}
		if p.Width < 826 || p.Width > 828 || p.DPI < 99 || p.DPI > 101 {
			t.Errorf("%s: %d x %d at %v dpi, want the scan's own 826 pixels", name, p.Width, p.Height, p.DPI)
		}
		if strings.Contains(name, "stamp") == (p.Dropped > 0) {
			t.Errorf("%s: dropped %d", name, p.Dropped)
		}
	}
}

func TestTextWithoutMeaningIsNotBelieved(t *testing.T) {
	// Codes that the font's own mapping calls private: what a subset font
	// without a way back to Unicode gives.
	cmap := "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <ff> endcodespacerange " +
		"1 beginbfrange <20> <7e> <E020> endbfrange endcmap end"
	b := pdfWith("", []string{
		"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 15 0 R>>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(cmap), cmap),
	}, page{text: "BT /X 12 Tf 50 700 Td (Invoice 4711) Tj ET", dict: "/Resources <</Font <</X 14 0 R>>>>"})
	b = bytes.Replace(b, []byte("/Resources <</Font <</F 3 0 R>> >>"), bytes.Repeat([]byte(" "), len("/Resources <</Font <</F 3 0 R>> >>")), 1)
	p := firstPage(t, b)
	if p.TextOK || p.Blank {
		t.Errorf("believed %q", texts(p))
	}
}

func TestTurnedPages(t *testing.T) {
	for _, tt := range []struct {
		name     string
		page     page
		rotation int
		w, h     int
	}{
		{"against the page's own angle", page{text: visible, dict: "/Rotate 90"}, 270, 1653, 2339},
		{"by text that runs upwards", page{text: "BT /F 12 Tf 0 1 -1 0 100 100 Tm (Invoice number 4711) Tj ET"}, 90, 2339, 1653},
		{"by text that runs downwards", page{text: "BT /F 12 Tf 0 -1 1 0 100 700 Tm (Invoice number 4711) Tj ET"}, 270, 2339, 1653},
		{"by text upside down", page{text: "BT /F 12 Tf -1 0 0 -1 300 300 Tm (Invoice number 4711) Tj ET"}, 180, 1653, 2339},
		{"by both, which cancel out", page{text: "BT /F 12 Tf 0 1 -1 0 100 100 Tm (Invoice number 4711) Tj ET", dict: "/Rotate 90"}, 0, 2339, 1653},
	} {
		p := firstPage(t, pdf(tt.page))
		if !p.TextOK || p.Rotation != tt.rotation || p.Width != tt.w || p.Height != tt.h {
			t.Errorf("%s: ok %v, turned %d, %d x %d", tt.name, p.TextOK, p.Rotation, p.Width, p.Height)
			continue
		}
		img, err := p.Image(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range p.Words {
			if !inked(img, w.Box) {
				t.Errorf("%s: nothing is printed at %q %v", tt.name, w.Text, w.Box)
			}
			if w.Box.W() < w.Box.H() {
				t.Errorf("%s: %q stands upright: %v", tt.name, w.Text, w.Box)
			}
		}
		if !strings.HasPrefix(texts(p), "Invoice number 4711") {
			t.Errorf("%s: %q", tt.name, texts(p))
		}
	}
}

func TestBlankPage(t *testing.T) {
	if p := firstPage(t, pdf(page{})); !p.Blank || p.TextOK {
		t.Error("an empty page is not blank")
	}
	if p := firstPage(t, pdf(page{text: "100 100 50 50 re f"})); p.Blank {
		t.Error("a page with a square is blank")
	}
}

func TestAttachmentsAndFields(t *testing.T) {
	xml := "<?xml version='1.0'?><Invoice/>"
	b := pdfWith("/Names <</EmbeddedFiles <</Names [(factur-x.xml) 14 0 R]>>>> /AF [14 0 R] /AcroForm <</Fields [16 0 R 17 0 R] /DA (/F 12 Tf)>>",
		[]string{
			"<</Type /Filespec /F (factur-x.xml) /UF (factur-x.xml) /AFRelationship /Data /EF <</F 15 0 R>>>>",
			fmt.Sprintf("<</Type /EmbeddedFile /Subtype /text#2Fxml /Length %d>>\nstream\n%s\nendstream", len(xml), xml),
			"<</Type /Annot /Subtype /Widget /FT /Tx /T (customer) /V (Example GmbH) /Rect [100 600 300 620] /DA (/F 12 Tf) /P 10 0 R>>",
			"<</Type /Annot /Subtype /Widget /FT /Btn /T (paid) /V /Yes /AS /Yes /Rect [100 560 112 572] /P 10 0 R /AP <</N <</Yes 18 0 R /Off 18 0 R>>>>>>",
			"<</Type /XObject /Subtype /Form /BBox [0 0 12 12] /Length 0>>\nstream\n\nendstream",
		},
		page{text: visible, dict: "/Annots [16 0 R 17 0 R]"})
	f := open(t, b)
	if d := cmp.Diff([]decode.Attachment{{Name: "factur-x.xml", Data: []byte(xml)}}, f.Attachments); d != "" {
		t.Error(d)
	}
	p, err := f.Page(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Fields) != 2 {
		t.Fatalf("fields: %+v", p.Fields)
	}
	c := p.Fields[0]
	if c.Name != "customer" || c.Value != "Example GmbH" || c.Page != 1 || c.Box[0] != 277 || c.Box[1] != 616 {
		t.Errorf("text field: %+v", c)
	}
	if paid := p.Fields[1]; paid.Name != "paid" || paid.Value != "true" {
		t.Errorf("check box: %+v", paid)
	}
}
