package split

import (
	"fmt"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Measures of the separator sheet, in points (1/72 inch): A4, with the bars of a
// patch code along all four edges, so that it may lie in the feeder either way.
const (
	sheetWidth  = 595.0
	sheetHeight = 842.0
	patchModule = 0.08 * 72
	patchEdge   = 0.35 * 72
	patchLength = 4.5 * 72
	codeHeight  = 60.0
	codeWidth   = 400.0 // at most
	codeModule  = 1.1   // at most
	leastModule = 0.7   // what a scan of 200 dpi still shows
)

// Sheet gives a PDF of a separator sheet to print. With typ, a document type's
// name, the document behind it is read as that type. It is Invalid when the name is
// too long for a code that a scanner can read.
func Sheet(typ string) ([]byte, error) {
	text := SeparatorText
	if typ != "" {
		text += " type=" + typ
	}
	modules, err := code128(text)
	if err != nil {
		return nil, err
	}
	total := 0
	for _, m := range modules {
		total += m
	}
	module := min(codeModule, codeWidth/float64(total))
	if module < leastModule {
		return nil, doc.Errorf(doc.Invalid, "the name of type %s is too long for a bar code that can be read from a scan", typ)
	}
	var b strings.Builder
	rect := func(x, y, w, h float64) { fmt.Fprintf(&b, "%.2f %.2f %.2f %.2f re f\n", x, y, w, h) }
	at := patchEdge
	for _, bar := range []float64{1, 2.5, 1, 2.5} { // T, from every edge inwards
		w := bar * patchModule
		rect((sheetWidth-patchLength)/2, sheetHeight-at-w, patchLength, w)
		rect((sheetWidth-patchLength)/2, at, patchLength, w)
		rect(at, (sheetHeight-patchLength)/2, w, patchLength)
		rect(sheetWidth-at-w, (sheetHeight-patchLength)/2, w, patchLength)
		at += w + patchModule
	}
	x := (sheetWidth - module*float64(total)) / 2
	for i, m := range modules {
		if i%2 == 0 {
			rect(x, sheetHeight/2-codeHeight/2, module*float64(m), codeHeight)
		}
		x += module * float64(m)
	}
	line := func(y, size float64, s string) {
		fmt.Fprintf(&b, "BT /F %.0f Tf %.2f %.2f Td (%s) Tj ET\n", size, sheetWidth/2-0.27*size*float64(len(s)), y, s)
	}
	line(sheetHeight/2+110, 30, "Separator sheet")
	line(sheetHeight/2+70, 12, "A new document begins behind this sheet.")
	line(sheetHeight/2-60, 10, text)
	line(sheetHeight/2-110, 10, "Print at full size, black on white. It can be used again and again.")
	return onePage(b.String()), nil
}

// onePage makes a PDF of a page's content.
func onePage(content string) []byte {
	var b strings.Builder
	var at []int
	object := func(format string, args ...any) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n", len(at))
		fmt.Fprintf(&b, format, args...)
		b.WriteString("\nendobj\n")
	}
	b.WriteString("%PDF-1.4\n")
	object("<</Type /Catalog /Pages 2 0 R>>")
	object("<</Type /Pages /Kids [3 0 R] /Count 1>>")
	object("<</Type /Page /Parent 2 0 R /MediaBox [0 0 %.0f %.0f] /Contents 4 0 R /Resources <</Font <</F 5 0 R>>>>>>", sheetWidth, sheetHeight)
	object("<</Length %d>>\nstream\n%s\nendstream", len(content)+1, content)
	object("<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>")
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, off := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", off)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
	return []byte(b.String())
}
