package fields

import (
	"regexp"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// assignRoles says which address is the seller's and which the buyer's: by the
// label above it, else by where it stands.
func (r *reader) assignRoles(p *parties) {
	var ls []label
	for i, role := range roles {
		for k, s := range roleLabels[role] {
			ls = append(ls, label{field: i, form: squash(s), rank: k, of: len(roleLabels[role])})
		}
	}
	var marks []labelMatch
	for _, m := range indexLabels(ls).matches(r.layout.rows) {
		if m.sim == 1 && m.edge && m.at.from == m.row.cells[m.row.tokens[m.at.from].cell].from {
			marks = append(marks, m)
		}
	}
	for i := range p.list {
		p.list[i].role = r.roleOf(p.list[i], marks)
	}
	for i := range p.list {
		x := &p.list[i]
		if x.role == "seller" && p.seller == nil {
			p.seller = x
		}
		if x.role == "buyer" && p.buyer == nil {
			p.buyer = x
		}
	}
	r.guessRoles(p, marks)
}

// roleOf gives the role of the nearest label that stands over the address, or
// left of it.
func (r *reader) roleOf(p party, marks []labelMatch) string {
	best, role := 1<<30, ""
	h := r.layout.height[p.page]
	for _, m := range marks {
		b := m.row.boxOf(m.at)
		if m.row.page != p.page || b[1] > p.box[3] || b[0] > p.box[2] {
			continue
		}
		dy := max(0, p.box[1]-b[3])
		if dy > 9*h {
			continue
		}
		dx := max(0, p.box[0]-b[2]) // a label to the left is farther than one above
		if d := dy + dx/3; d < best {
			best, role = d, roles[m.field]
		}
	}
	return role
}

// guessRoles fills in what labels did not say. A line in the window of the
// envelope, the foot of the page, an address whose name is that of a web or mail
// address, one with a telephone beside it, and one over a label of the buyer's are the seller's; what
// is left at the top is the buyer's.
func (r *reader) guessRoles(p *parties, marks []labelMatch) {
	free := func(x *party) bool { return x.role == "" && x != p.seller && x != p.buyer }
	if p.seller == nil {
		for _, want := range []func(*party) bool{
			func(x *party) bool { return x.oneLine && !x.footer },
			r.ownSite,
			func(x *party) bool { return x.note && !x.footer },
			func(x *party) bool { return p.buyer == nil && overBuyer(x, marks) },
			func(x *party) bool { return x.footer },
		} {
			for i := range p.list {
				if x := &p.list[i]; p.seller == nil && free(x) && want(x) {
					p.seller = x
				}
			}
		}
	}
	same := func(a, b *party) bool {
		return a != nil && b != nil && compact(a.code) == compact(b.code) && squash(a.place.city) == squash(b.place.city)
	}
	if p.buyer == nil {
		for i := range p.list {
			if x := &p.list[i]; p.buyer == nil && free(x) && !x.footer && !x.oneLine && !same(x, p.seller) {
				p.buyer = x
			}
		}
	}
	if p.seller == nil {
		for i := range p.list {
			if x := &p.list[i]; p.seller == nil && free(x) && !same(x, p.buyer) {
				p.seller = x
			}
		}
	}
	if p.seller != nil && p.seller.place.country == "" { // the same address elsewhere may name the country
		for i := range p.list {
			if x := &p.list[i]; same(x, p.seller) && x.place.country != "" {
				p.seller.place.country, p.seller.country = x.place.country, x.country
			}
		}
	}
}

// overBuyer says whether a label of the buyer's stands lower on the page than x: what is
// under it was not read as an address then.
func overBuyer(x *party, marks []labelMatch) bool {
	return slices.ContainsFunc(marks, func(m labelMatch) bool {
		return roles[m.field] == "buyer" && len(m.form) > len("to") && m.row.page == x.page && m.row.index > x.row
	})
}

// partyPart answers one part of the seller's or buyer's address.
func (r *reader) partyPart(i int, spec doc.FieldSpec, role, part string) []scored {
	ranked := r.rank(i)
	ps := r.findParties()
	p := ps.seller
	if role == "buyer" {
		p = ps.buyer
	}
	if part == "vat" {
		return r.partyVAT(i, role, ps)
	}
	ranked = append(ranked, r.otherValues(spec, role, part, p)...)
	if role == "seller" && part == "name" {
		ranked = append(ranked, r.imprints(spec, imprintAside)...)
	}
	if p == nil {
		if role == "seller" && part == "name" {
			ranked = append(ranked, r.headNames(spec)...)
			ranked = append(ranked, r.accountHolders(spec)...)
		}
		return r.bestOfEach(ranked)
	}
	at, text := p.city, ""
	switch part {
	case "name":
		at, text = p.name, p.name.text
		text, _ = trimName(line{row: at.row, at: at.at, text: text})
	case "street":
		at, text = p.street, p.street.text
	case "postcode":
		text = p.place.postcode
	case "city":
		text = p.place.city
	case "country":
		text = p.place.country
		if p.country.row != nil {
			at = p.country
		}
		if text == "" {
			return r.sameCountry(spec, role, ps, r.countryFromVAT(spec, role, ps, ranked))
		}
	}
	if text == "" || at.row == nil {
		return ranked
	}
	score := 0.55
	if p.role == role {
		score = 0.75
	}
	c := r.lineValue(spec.Type, at.row, at.at, text, score)
	if part == "street" && sourceOf(r.layout.pages[at.row.page]) == doc.FromOCR {
		c.Value, _ = Canonical(spec.Type, repairAddress(text, at.row.clear(at.at)), r.hints)
	}
	if part == "country" {
		c.Raw, c.Value = at.text, text
	}
	for k := range ranked { // a label of its own outranks the block only when it is sure
		ranked[k].score = min(ranked[k].score, 0.9)
	}
	return r.bestOfEach(append(ranked, c))
}

var accountHolder = regexp.MustCompile(`(?i)\b(?:account holder|kontoinhaber(?:in)?|titulaire du compte|intestatari[oa]|titular de la cuenta|rekeninghouder)\s*:?\s+(\S.*)`)

// accountHolders gives the names to which the account is said to belong that is paid to.
func (r *reader) accountHolders(spec doc.FieldSpec) []scored {
	var out []scored
	for _, rw := range r.layout.rows {
		if m := accountHolder.FindStringSubmatchIndex(rw.text); m != nil {
			at := rw.spanAt(m[2], m[3])
			at.to = min(at.to, rw.cells[rw.tokens[at.from].cell].to)
			name, at := trimName(line{row: rw, at: at, text: rw.textOf(at)})
			out = append(out, r.lineValue(spec.Type, rw, at, name, 0.65))
		}
	}
	return out
}

// countryFromVAT takes the country from the prefix of the party's VAT number.
func (r *reader) countryFromVAT(spec doc.FieldSpec, role string, ps *parties, ranked []scored) []scored {
	for k, f := range r.fields {
		if f.Hint != role+" vat" {
			continue
		}
		if vs := r.partyVAT(k, role, ps); len(vs) > 0 && vs[0].score >= least {
			v := vs[0]
			v.Type, v.Value, v.method, v.score = spec.Type, v.Value[:2], "prefix", 0.6
			if v.Value == "EL" {
				v.Value = "GR"
			}
			return r.bestOfEach(append(ranked, v))
		}
	}
	return ranked
}

// partyVAT ranks the VAT numbers: one that stands under a party's address in its
// column is that party's, else its label decides. Where the seller has one of its own, another
// one farther down the buyer's column is the buyer's.
func (r *reader) partyVAT(i int, role string, ps *parties) []scored {
	ranked := r.rank(i)
	mine, other := ps.seller, ps.buyer
	if role == "buyer" {
		mine, other = ps.buyer, ps.seller
	}
	others := "" // the number that is the other party's
	for _, c := range ranked {
		if others == "" && r.stands(c, func(x Candidate) bool { return r.under(other, x) }) != nil {
			others = c.Value
		}
	}
	for k := range ranked {
		c := &ranked[k]
		switch {
		case r.under(mine, c.Candidate):
			c.score += 0.3
		case c.Value == others:
			c.score -= 0.4
		case role == "buyer" && others != "" && r.moveDown(ps, c):
			c.score += 0.15
		case role == "buyer" && (c.Relation == NoLabel || c.Strength < 0.5):
			c.score -= 0.45
		}
		c.score = clamp(c.score)
	}
	return r.bestOfEach(ranked)
}

// moveDown finds the place of c's value that is farther down the buyer's column, with no other
// address between and not at the foot of the page, and gives c that place.
func (r *reader) moveDown(ps *parties, c *scored) bool {
	p := ps.buyer
	if p == nil {
		return false
	}
	h := r.layout.height[p.page]
	_, height := r.extent(r.layout.pages[p.page])
	begins := func(b doc.Box, bottom int) bool {
		return abs(int64(b[0]-p.box[0])) < int64(3*h) && b[1] > p.box[3] && b[1] < bottom
	}
	at := r.stands(*c, func(x Candidate) bool {
		rw := r.layout.rows[x.Row]
		return x.Page == p.page && begins(rw.boxOf(rw.cells[rw.tokens[x.at.from].cell]), footerFrom*height/100) &&
			!slices.ContainsFunc(ps.list, func(q party) bool { return q.page == p.page && begins(q.box, x.Box[1]) })
	})
	if at == nil {
		return false
	}
	c.Candidate, c.Features = *at, r.place(*at)
	return true
}

// stands gives the first place of c's value that is as asked for; nil when there is none.
func (r *reader) stands(c scored, where func(Candidate) bool) *Candidate {
	for i := range r.all {
		if x := &r.all[i]; x.Type == c.Type && x.Value == c.Value && where(*x) {
			return x
		}
	}
	return nil
}

// under says whether c stands within a few rows under the address of p, in its column.
func (r *reader) under(p *party, c Candidate) bool {
	if p == nil || c.Page != p.page || c.Row < p.row || c.Row > p.row+10 {
		return false
	}
	return c.Box[1]-p.box[3] < 16*r.layout.height[c.Page] && c.Box[0] < p.box[2]+6*r.layout.height[c.Page] && c.Box[2] > p.box[0]
}
