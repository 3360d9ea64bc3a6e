package einvoice

import (
	"fmt"
	"math/big"

	"github.com/recto-edge/recto/node/doc"
)

// Names of the sums that are checked; a field carries those it takes part in.
const (
	checkLines    = "lines=line_total"
	checkNet      = "lines-allowances+charges=net"
	checkGross    = "net+tax=gross"
	checkDue      = "gross-prepaid=due"
	checkTaxes    = "taxes=tax_total"
	checkTax      = "basis*rate=amount"
	checkQuantity = "quantity*price=line_total"
)

var (
	cent    = big.NewRat(1, 100)
	hundred = big.NewRat(100, 1)
)

// check does the sums of the invoice and notes on each field taking part
// whether they hold. What cannot be computed, because a value is missing, is
// not noted at all.
func (b *builder) check() {
	b.checkRows()
	lines, taxes := b.find("line_items"), b.find("taxes")
	line, allow, charge := b.amount("line_total"), b.orZero("allowance_total"), b.orZero("charge_total")
	net, tax, gross := b.amount("net_total"), b.amount("tax_total"), b.amount("gross_total")
	prepaid, rounding, due := b.orZero("prepaid_total"), b.orZero("rounding"), b.amount("due_total")

	if lines != nil {
		b.sum(checkLines, columnSum(lines.Rows, "line_total", true), line, "line_items", "line_total")
	}
	b.sum(checkNet, add(line, neg(allow), charge), net, "line_total", "net_total")
	if taxes != nil {
		b.sum(checkTaxes, columnSum(taxes.Rows, "amount", false), tax, "taxes", "tax_total")
	}
	b.sum(checkGross, add(net, tax), gross, "net_total", "tax_total", "gross_total")
	b.sum(checkDue, add(gross, neg(prepaid), rounding), due, "gross_total", "due_total")
}

// sum compares two amounts, either of which may be unknown (nil), and notes the
// outcome on the named fields.
func (b *builder) sum(check string, got, want *big.Rat, names ...string) {
	if got == nil || want == nil {
		return
	}
	holds := got.Cmp(want) == 0
	if !holds {
		b.warnings = append(b.warnings, fmt.Sprintf("The e-invoice does not add up: %s (computed %s, stated %s).", check, got.FloatString(2), want.FloatString(2)))
	}
	for _, name := range names {
		if f := b.find(name); f != nil {
			note(f, check, holds)
		}
	}
}

func note(f *doc.Field, check string, holds bool) {
	if holds {
		f.Checks = append(f.Checks, check)
	} else {
		f.FailedChecks = append(f.FailedChecks, check)
	}
}

// checkRows checks each tax and each line. Rounding may move an amount by a
// cent, so a cent of difference holds.
func (b *builder) checkRows() {
	if taxes := b.find("taxes"); taxes != nil {
		for _, row := range taxes.Rows {
			computed := div(mul(cellValue(row, "basis"), cellValue(row, "rate")), hundred)
			checkRow(row, "amount", checkTax, computed)
		}
	}
	if lines := b.find("line_items"); lines != nil {
		for _, row := range lines.Rows {
			per := cellValue(row, "price_quantity")
			if per == nil {
				per = big.NewRat(1, 1)
			}
			computed := div(mul(cellValue(row, "quantity"), cellValue(row, "unit_price")), per)
			computed = add(computed, neg(orZero(cellValue(row, "allowances"))), orZero(cellValue(row, "charges")))
			checkRow(row, "line_total", checkQuantity, computed)
		}
	}
}

func checkRow(row []doc.Field, name, check string, computed *big.Rat) {
	f := cellOf(row, name)
	stated := cellValue(row, name)
	if f == nil || stated == nil || computed == nil {
		return
	}
	diff := new(big.Rat).Sub(computed, stated)
	note(f, check, diff.Abs(diff).Cmp(cent) <= 0)
}

func (b *builder) find(name string) *doc.Field {
	for i := range b.fields {
		if b.fields[i].Name == name {
			return &b.fields[i]
		}
	}
	return nil
}

func (b *builder) amount(name string) *big.Rat {
	f := b.find(name)
	if f == nil {
		return nil
	}
	r, _ := decimal(f.Value)
	return r
}

func (b *builder) orZero(name string) *big.Rat { return orZero(b.amount(name)) }

func orZero(r *big.Rat) *big.Rat {
	if r == nil {
		return new(big.Rat)
	}
	return r
}

func cellOf(row []doc.Field, name string) *doc.Field {
	for i := range row {
		if row[i].Name == name {
			return &row[i]
		}
	}
	return nil
}

func cellValue(row []doc.Field, name string) *big.Rat {
	f := cellOf(row, name)
	if f == nil {
		return nil
	}
	r, _ := decimal(f.Value)
	return r
}

// columnSum adds up a column; nil when a value is missing. With details, rows
// that only group or inform (EXTENDED profile) are left out, because the lines
// below them count.
func columnSum(rows [][]doc.Field, name string, details bool) *big.Rat {
	sum := new(big.Rat)
	for _, row := range rows {
		if kind := cellOf(row, "kind"); details && kind != nil && (kind.Value == "group" || kind.Value == "information") {
			continue
		}
		v := cellValue(row, name)
		if v == nil {
			return nil
		}
		sum.Add(sum, v)
	}
	return sum
}

// total adds decimals up; "" when there are none or one is not a decimal.
func total(amounts []string) string {
	if len(amounts) == 0 {
		return ""
	}
	sum := new(big.Rat)
	for _, a := range amounts {
		r, ok := decimal(a)
		if !ok {
			return ""
		}
		sum.Add(sum, r)
	}
	return sum.FloatString(2)
}

// The arithmetic below passes an unknown operand (nil) on.

func add(terms ...*big.Rat) *big.Rat {
	sum := new(big.Rat)
	for _, t := range terms {
		if t == nil {
			return nil
		}
		sum.Add(sum, t)
	}
	return sum
}

func neg(r *big.Rat) *big.Rat {
	if r == nil {
		return nil
	}
	return new(big.Rat).Neg(r)
}

func mul(a, b *big.Rat) *big.Rat {
	if a == nil || b == nil {
		return nil
	}
	return new(big.Rat).Mul(a, b)
}

func div(a, b *big.Rat) *big.Rat {
	if a == nil || b == nil || b.Sign() == 0 {
		return nil
	}
	return new(big.Rat).Quo(a, b)
}
