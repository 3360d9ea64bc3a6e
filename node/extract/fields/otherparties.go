package fields

import (
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Scores of what the rules would not answer with: it is offered to a scorer that
// has learned to tell better, and to a person as an alternative.
const (
	ownBlock   = 0.19 // another line of the party's own block
	otherBlock = 0.14 // the same part of another party
	anyCompany = 0.12 // any line of the document that names a company
	maxAny     = 12   // of these
)

// domestic is the method of a country that is not printed but the sender's own.
const domestic = "domestic"

// otherValues gives what may also be a part of the party mine: other lines of its
// block, the same part of all other parties, and for the seller's name any line
// with a legal form.
func (r *reader) otherValues(spec doc.FieldSpec, role, part string, mine *party) []scored {
	var out []scored
	add := func(p piece, text string, score float64) {
		if p.row != nil && strings.TrimSpace(text) != "" {
			out = append(out, r.lineValue(spec.Type, p.row, p.at, text, score))
		}
	}
	ps := r.findParties()
	for i := range ps.list {
		p := &ps.list[i]
		if p.page > 1 && p.page < len(r.layout.pages)-1 {
			continue
		}
		score := otherBlock
		if p == mine {
			score = ownBlock
		}
		switch part {
		case "name":
			add(p.name, p.name.text, score)
			for k := 1; k < len(p.lines) && p == mine; k++ {
				add(p.lines[k], p.lines[k].text, score)
				if k+1 < len(p.lines) && gapAbove(p.lines[k], p.lines[k+1]) < p.lines[k].row.box.H()*3/2 {
					add(p.lines[k+1], p.lines[k+1].text+" "+p.lines[k].text, score)
				}
			}
		case "street":
			add(p.street, p.street.text, score)
			text := ""
			for k := 0; k < len(p.lines) && p == mine && p.lines[k].row != p.name.row; k++ {
				text = strings.TrimSuffix(p.lines[k].text+", "+text, ", ")
				add(p.lines[k], text, score)
			}
		case "postcode":
			add(p.city, p.place.postcode, score)
		case "city":
			add(p.city, p.place.city, score)
		}
	}
	if role == "seller" && part == "name" {
		out = append(out, r.companies(spec)...)
	}
	return out
}

// companies gives the cells of the first and last page that hold a legal form.
func (r *reader) companies(spec doc.FieldSpec) []scored {
	var out []scored
	for _, rw := range r.layout.rows {
		if rw.page > 0 && rw.page < len(r.layout.pages)-1 {
			continue
		}
		for _, c := range rw.cells {
			text := rw.textOf(c)
			if len(text) > 80 || !legalForm.MatchString(text) {
				continue
			}
			name, at := trimName(line{row: rw, at: c, text: text})
			if _, l := counts(name); l > 3 && len(out) < maxAny {
				out = append(out, r.lineValue(spec.Type, rw, at, name, anyCompany))
			}
		}
	}
	return out
}

// sameCountry gives the buyer the seller's country where nothing on the page says
// another: letters within a country are addressed without it.
func (r *reader) sameCountry(spec doc.FieldSpec, role string, ps *parties, ranked []scored) []scored {
	if role != "buyer" || ps.buyer == nil || ps.seller == nil || len(ranked) > 0 && ranked[0].score >= least {
		return ranked
	}
	for i, f := range r.fields {
		if f.Hint != "seller country" {
			continue
		}
		if cs := r.partyPart(i, f, "seller", "country"); len(cs) > 0 && cs[0].score >= least {
			c := r.lineValue(spec.Type, ps.buyer.city.row, ps.buyer.city.at, ps.buyer.city.text, 0.45)
			c.Value, c.method = cs[0].Value, domestic
			return append([]scored{c}, ranked...)
		}
	}
	return ranked
}

// keepApart lets a name or VAT number be only one party's, since nobody sends invoices to
// himself: of names the seller's, unless the addresses say that it is the buyer's, of numbers
// whose they more likely are.
func (r *reader) keepApart(ranked [][]scored) {
	for _, part := range []string{"name", "vat"} {
		seller, buyer := r.hinted("seller "+part), r.hinted("buyer "+part)
		if seller < 0 || buyer < 0 {
			continue
		}
		for len(ranked[seller]) > 0 && len(ranked[buyer]) > 0 {
			s, b := ranked[seller][0], ranked[buyer][0]
			if squash(s.Value) != squash(b.Value) {
				break
			}
			sellers := s.score >= b.score
			if part == "name" {
				ps := r.findParties()
				sellers = !ps.named(ps.buyer, b)
				if !sellers && ps.named(ps.seller, s) {
					break
				}
			}
			if sellers {
				ranked[buyer] = ranked[buyer][1:]
			} else {
				ranked[seller] = ranked[seller][1:]
			}
		}
	}
}

// hinted gives the field with a hint; -1 when there is none.
func (r *reader) hinted(hint string) int {
	return slices.IndexFunc(r.fields, func(f doc.FieldSpec) bool { return f.Hint == hint })
}

// named says whether c is the name of a party.
func (p *parties) named(x *party, c scored) bool {
	return x != nil && squash(x.name.text) == squash(c.Value)
}
