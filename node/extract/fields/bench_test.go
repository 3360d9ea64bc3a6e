package fields_test

import (
	"fmt"
	"testing"

	"github.com/recto-edge/recto/node/extract/fields"
)

// BenchmarkPick is the cost of one dense page as an invoice.
func BenchmarkPick(b *testing.B) {
	var lines []string
	for i := range 50 {
		lines = append(lines, fmt.Sprintf("%d | Article %d net total | %d.00 | 19 %% %d,25", i, i, i, i*3))
	}
	lines = append(lines, "12345 Berlin", "Invoice date 01.02.2026 | IBAN DE88 2008 0000 0970 3757 00")
	r := page(lines...)
	t := shipped(b, "invoice")
	b.ReportAllocs()
	for b.Loop() {
		fields.Pick(r, t)
	}
}
