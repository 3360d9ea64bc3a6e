package node_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/split"
)

// batchPDF makes a PDF of A4 pages with a content stream each.
func batchPDF(contents ...string) []byte {
	var b bytes.Buffer
	var at []int
	object := func(body string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), body)
	}
	b.WriteString("%PDF-1.7\n")
	object("<</Type /Catalog /Pages 2 0 R>>")
	var kids strings.Builder
	for i := range contents {
		fmt.Fprintf(&kids, "%d 0 R ", 4+2*i)
	}
	object(fmt.Sprintf("<</Type /Pages /Count %d /Kids [%s]>>", len(contents), kids.String()))
	object("<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>")
	for i, c := range contents {
		object(fmt.Sprintf("<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources <</Font <</F 3 0 R>>>>>>", 5+2*i))
		object(fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(c), c))
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, off := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", off)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
	return b.Bytes()
}

// typed is a page of lines.
func typed(lines ...string) string {
	var b strings.Builder
	for i, l := range lines {
		fmt.Fprintf(&b, "BT /F 11 Tf 70 %d Td (%s) Tj ET\n", 780-22*i, l)
	}
	return b.String()
}

// shopInvoice is an invoice with its own number and total.
func shopInvoice(number, total string) string {
	return typed("Papier GmbH", "Lindenweg 4", "10115 Berlin", "", "Invoice", "Invoice number: "+number, "Invoice date: 2026-11-02", "Bill to: Kunde AG",
		"Quantity   Unit price   Line total", "Payment terms: 30 days", "Amount due: "+total+" EUR", "IBAN: DE89370400440532013000")
}

// printed is the content of a separator sheet as the program prints it.
func printed(t *testing.T, typ string) string {
	t.Helper()
	b, err := split.Sheet(typ)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "stream\n")
	content, _, ok := strings.Cut(rest, "\nendstream")
	if !ok {
		t.Fatal("the sheet has no content")
	}
	return content
}

// qrSheet is a sheet that carries nothing but a QR code made by another program.
func qrSheet(t *testing.T) string {
	t.Helper()
	f, err := os.Open("extract/split/testdata/separator-qr.png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y < 128 {
				fmt.Fprintf(&b, "%d %d 4 4 re f\n", 200+4*x, 600-4*y)
			}
		}
	}
	return b.String()
}

// bars is a sheet with the bars of patch code T and nothing else.
const bars = "100 790 400 6 re 100 770 400 14.4 re 100 758 400 6 re 100 738 400 14.4 re f"

// TestBatchIsTakenApart: one file of a feeder becomes a document for each, durable
// before the batch is done, and the same ones when it is read again.
func TestBatchIsTakenApart(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.start()
	p.ready()
	batch := batchPDF(shopInvoice("RE-1001", "119.00"), bars, shopInvoice("RE-1002", "238.00"), "", qrSheet(t), shopInvoice("RE-1003", "357.00"),
		printed(t, "generic"), typed("Dear neighbours", "the street festival is on the second Saturday of June"))
	receipt, ok := p.upload("monday.pdf", batch)
	if !ok {
		t.Fatal("the batch was not accepted")
	}
	p.settled(5)
	parent := p.record(receipt.ID)
	if parent.State != doc.StateDone || parent.Result.Split == nil || len(parent.Children) != 4 || len(parent.Result.Split.Documents) != 4 {
		t.Fatalf("the batch is %s with children %v: %+v", parent.State, parent.Children, parent.Result)
	}
	if got := fmt.Sprint(parent.Result.Split.Sheets); got != "[2 5 7]" {
		t.Errorf("sheets %s, want [2 5 7]", got)
	}
	want := []struct {
		pages, typ, number, total string
	}{{"[1]", "invoice", "RE-1001", "119.00"}, {"[3 4]", "invoice", "RE-1002", "238.00"}, {"[6]", "invoice", "RE-1003", "357.00"}, {"[8]", "generic", "", ""}}
	for i, w := range want {
		child := p.record(parent.Children[i])
		if got := fmt.Sprint(parent.Result.Split.Documents[i].Pages); got != w.pages {
			t.Errorf("document %d is pages %s of the batch, want %s", i, got, w.pages)
		}
		if child.Parent != parent.ID || child.Result == nil || child.Result.Type != w.typ || child.Result.Pages != len(parent.Result.Split.Documents[i].Pages) {
			t.Fatalf("document %d: %+v", i, child)
		}
		if w.number != "" && (value(child, "invoice_number") != w.number || value(child, "due_total") != w.total) {
			t.Errorf("document %d has number %q and amount %q, want %q and %q", i, value(child, "invoice_number"), value(child, "due_total"), w.number, w.total)
		}
	}
	if third := p.record(parent.Children[2]); third.Type != "invoice" {
		t.Errorf("the sheet asked for an invoice, the document was asked for as %q", third.Type)
	}
	before := len(p.all())
	if code, body, err := p.call("POST", "/api/v1/documents/"+string(parent.ID)+"/retry", nil); err != nil || code/100 != 2 {
		t.Fatalf("read again: %d %s %v", code, body, err)
	}
	p.until("the batch was read again", func() bool {
		r := p.record(parent.ID)
		return r.State.Settled() && r.Revision > parent.Revision
	})
	if again := p.record(parent.ID); fmt.Sprint(again.Children) != fmt.Sprint(parent.Children) || len(p.all()) != before {
		t.Errorf("read again, the batch has children %v, want %v, and there are %d documents, want %d", again.Children, parent.Children, len(p.all()), before)
	}
}

func value(r doc.Record, field string) string {
	if f := r.Result.Field(field); f != nil {
		return f.Value
	}
	return ""
}

// TestArchiveIsUnpacked: what is in an archive becomes documents of their own.
func TestArchiveIsUnpacked(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.start()
	p.ready()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, number := range []string{"Z-1", "Z-2"} {
		w, err := z.Create(number + ".xml")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(invoiceXML(number)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	receipt, ok := p.upload("two.zip", b.Bytes())
	if !ok {
		t.Fatal("the archive was not accepted")
	}
	p.settled(3)
	parent := p.record(receipt.ID)
	if parent.State != doc.StateDone || len(parent.Children) != 2 {
		t.Fatalf("the archive is %s (%v) with children %v", parent.State, parent.Reason, parent.Children)
	}
	for i, id := range parent.Children {
		if child := p.record(id); child.Parent != parent.ID || value(child, "invoice_number") != fmt.Sprintf("Z-%d", i+1) {
			t.Errorf("child %d: parent %s, number %q", i, child.Parent, value(child, "invoice_number"))
		}
	}
}
