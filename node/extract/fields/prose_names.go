package fields

import (
	"regexp"
	"sort"
	"strings"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
)

// Names in sentences: where one begins and ends, who is listed, and whom a defined term stands for.

// nameAt gives the name at an announcement: right behind it, or before the bracket of a defined
// term, over what describes it ("Palm, Inc., a Delaware corporation (the “Company”)").
func (r *reader) nameAt(spec doc.FieldSpec, a announced) []scored {
	p := r.prose()
	if !a.defined {
		start := a.end + len(p.text[a.end:]) - len(strings.TrimLeft(p.text[a.end:], ":,"+blanks))
		end, ok := nameEnd(p.text, start)
		if two := twoNames.FindString(p.text[min(start, len(p.text)):]); two != "" {
			end, ok = start+len(two), true
		}
		if !ok {
			return nil
		}
		return r.namedBetween(spec, a, start, end, start-a.end-1)
	}
	var best []scored // the nearest; described, of those with a legal form
	formed := false
	for k := sort.Search(len(p.words), func(i int) bool { return p.words[i].start >= a.start }) - 1; k >= 0 && a.start-p.words[k].start < describedBy; k-- {
		start := p.words[k].start
		if len(best) > 0 && (formed || otherTerm.MatchString(wordAt(p.text, start))) {
			break
		}
		if !beginsName(p.text, start) {
			continue
		}
		end, ok := nameEnd(p.text, start)
		if digits, letters := counts(p.text[start:end]); !ok || digits > letters || !describes(p.text[end:a.start]) {
			continue
		}
		form := endsInForm(p.text[start:end])
		if k > 0 && (p.continuesName(k) || !form && describing.MatchString(wordAt(p.text, p.words[k-1].start))) {
			continue
		}
		if len(best) > 0 && !form {
			continue
		}
		named := r.namedBetween(spec, a, start, end, (a.start-end)/8)
		if len(named) == 0 {
			break // "the Company": somebody who has a term already
		}
		best, formed = named, form || a.start-end <= termReach
	}
	return best
}

// twoNames are places whose one name has an "and".
var twoNames = regexp.MustCompile(`^(?i:England and Wales|Trinidad and Tobago|Antigua and Barbuda|Bosnia and Herzegovina|Newfoundland and Labrador)\b`)

// otherTerm ends the description of another name, or begins an enumerated one.
var otherTerm = regexp.MustCompile(`["”“»]\)|^\(\d+\)$`)

// describing is the word before a name that only describes another: "a Delaware corporation", "1100 Drive", "Miami, Florida",
// "doing business as".
var describing = regexp.MustCompile(`(?i)^(an?|at|in|under|à|en|te|\S*\d\S*|[^ ]+[\pL],|eine?|une?|par|durch|[dfn]/[bk]/a|formerly|as)$`)

// describedBy is over how many bytes a name may be described before it is given a term.
const describedBy = 420

// describes says whether a text behind a name still speaks of it: no sentence ends in it, and no
// other begins.
func describes(s string) bool {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	return depth == 0 && !sentenceEnd.MatchString(s) && !strings.ContainsAny(s, columnMark+paragraphMark)
}

var sentenceEnd = regexp.MustCompile(`(?:\p{Ll}{3,}|[)”])[.;]\s+["“(]?\p{Lu}|(?i:\bwhereas\b|\brecitals\b|witnesseth|background)`)

func (r *reader) namedBetween(spec doc.FieldSpec, a announced, start, end, gap int) []scored {
	p := r.prose()
	raw := strings.TrimRight(p.text[start:end], ",;:)"+blanks)
	if !endsInForm(raw) {
		raw = strings.TrimRight(raw, ".") // of the sentence
	}
	value, ok := Canonical(spec.Type, raw, r.hints)
	if _, letters := counts(value); !ok || letters < 3 || noName.MatchString(value) {
		return nil
	}
	return []scored{r.spoken(spec, a, p.candidate(r, spec.Type, start, start+len(raw), value), min(gap, 30))}
}

// noName is what begins with a capital in contracts and names nobody.
var noName = regexp.MustCompile(`(?i)^(?:(?:this|the|that|such|each|any|all|its|their|other|les|die|den)?\s*(?:the|amendment|parties|party|company|corporation|employee|executive|recipient|discloser|participant|director|bank|disclosing party|receiving party|exhibit.*|section.*|article.*|whereas|now|witnesseth|undersigned|soussignés?|unterzeichne\w+|parteien|i|you|we|it|usa|each)[’']?s?[.”]?` +
	`|.*\b(?:agreement|contract|information|materials?|release|warrant|act|plan|date|vertrag|vereinbarung|contrat)s?)[.”]?$`)

// listed gives the names that an announcement lists: "between A, a Delaware corporation (“A”), and
// B GmbH". A further one stands behind a word for "and", or behind a comma or semicolon after another
// or its term.
func (r *reader) listed(spec doc.FieldSpec, a announced) []scored {
	p := r.prose()
	var out []scored
	at := a.end + len(p.text[a.end:]) - len(strings.TrimLeft(p.text[a.end:], ":,"+blanks))
	for n := 0; n < mostListed; n++ {
		at = skipLead(p.text, at)
		if end, ok := nameEnd(p.text, at); ok {
			out = append(out, r.namedBetween(spec, a, at, end, 2*n)...)
			if strings.HasSuffix(p.text[at:end], ".") && !endsInForm(p.text[at:end]) {
				break // the sentence ends
			}
			at = end
		}
		if len(out) == 0 {
			return nil // "between the parties"
		}
		next, ok := nextListed(p.text, at, min(len(p.text), at+listReach))
		if !ok {
			break
		}
		at = next
	}
	return out
}

const (
	mostListed = 12  // names in one list
	listReach  = 900 // bytes that may describe one of them
)

// skipLead skips what stands before a name in a list: numbers of an enumeration, articles and titles.
var leadForm = regexp.MustCompile(`^(?:\(?(?:[0-9]{1,2}|[a-z]|i{1,3}|iv|v)[.)]\s+|(?:der|die|den|dem|the|la|le|les|el|il|de)\s+|(?i:(?:mr|mrs|ms|dr|prof|herrn?|frau|monsieur|madame|firma|the company|société|sociedad)\.?\s+))*`)

func skipLead(s string, at int) int { return at + len(leadForm.FindString(s[at:min(len(s), at+60)])) }

var listJoin = regexp.MustCompile(`^(?:and|und|et|y|e|en|sowie)(?:,)?\s+`)

// nextListed finds where the next name of a list begins: in the sentence, outside of brackets.
func nextListed(s string, at, limit int) (int, bool) {
	depth, closed := 0, false // closed: right behind a bracket
	for i := at; i < limit; i++ {
		switch c := s[i]; {
		case c == '(':
			item := leadForm.FindString(s[i:min(len(s), i+60)])
			if depth == 0 && item != "" && standsAsName(s, i+len(item)) {
				return i + len(item), true // "(b) Ash Ltd."
			}
			depth++
			continue
		case c == ')':
			depth, closed = max(depth-1, 0), true
			continue
		case depth > 0:
			continue
		case s[i:i+1] == columnMark:
			return 0, false
		case c == '.' && i+2 < len(s) && s[i+1] == ' ' && sentenceEnd.MatchString(s[max(at, i-12):min(len(s), i+4)]):
			return 0, false
		}
		if i > 1 && strings.Contains(" "+paragraphMark, s[i-1:i]) {
			m := listJoin.FindString(s[i:min(len(s), i+12)])
			begin := skipLead(s, i+len(m))
			switch {
			case m != "" && begin < limit && standsAsName(s, begin):
				return begin, true
			case m == "" && (closed && strings.ContainsAny(s[i-2:i-1], ",;") || s[i-2] == ';') && beginsName(s, i) && standsAsName(s, i):
				return i, true
			}
		}
		if s[i] != ' ' && s[i] != ',' && s[i] != ';' {
			closed = false
		}
	}
	return 0, false
}

// standsAsName says whether a name begins at a place that is more than a capital: it has several words,
// or a description, a term or the sentence's end follows.
func standsAsName(s string, at int) bool {
	end, ok := nameEnd(s, at)
	if !ok {
		return false
	}
	name := strings.TrimRight(s[at:end], ",;:"+blanks)
	if noName.MatchString(name) {
		return false
	}
	if strings.ContainsRune(name, ' ') {
		return true
	}
	rest := strings.TrimLeft(s[end:min(len(s), end+4)], blanks)
	return rest == "" || strings.ContainsAny(s[end-1:end], ",") || strings.ContainsAny(rest[:1], `,("“`)
}

var (
	nameLink   = regexp.MustCompile(`^(of|the|de|del|della|di|da|do|dos|du|des|la|le|van|von|der|den|zu|für|for|&|\+)$`)
	companyEnd = regexp.MustCompile(`(?i)^[,.]?(inc|incorporated|corp|corporation|llc|l\.l\.c|llp|lp|l\.p|l\.l\.p|ltd|limited|co|company|plc|n\.v|b\.v|s\.a|s\.à|sa|ag|gmbh|kg|kgaa|ohg|se|s\.p\.a|s\.r\.l|sarl|s\.à\.?r\.l|sas|pty|pte|n\.a|jr|sr|ii|iii|iv|esq|ph\.d|m\.d)[.,;]*$`)
	formEnd    = regexp.MustCompile(`(?i)(^|[\s,])(inc|incorporated|llc|l\.l\.c|llp|lp|l\.p|ltd|n\.v|b\.v|ag|gmbh|plc|s\.p\.a|jr|sr)\.?,?$`)
	initial    = regexp.MustCompile(`^\p{Lu}\.(\p{Lu}\.)*$`)
	partners   = regexp.MustCompile(`^ (?:& ?Co\.? ?KGa?A?|et Cie|y C[ií]a\.?)`)
	abbreviate = regexp.MustCompile(`(?i)^(inc|corp|co|ltd|l\.p|n\.v|b\.v|s\.a|jr|sr|st|dr|mr|mrs|ms|no|n\.a|bros|llc)\.$`)
)

// isForm says whether a word is a company's legal form, or a person's: "limited" and "incorporated" in
// small letters only describe one, and CO without a stop is Colorado.
func isForm(word string) bool {
	return companyEnd.MatchString(word) && !describesForm.MatchString(word)
}

func endsInForm(name string) bool { return isForm(name[strings.LastIndexAny(name, blanks)+1:]) }

var describesForm = regexp.MustCompile(`^(incorporated|limited|company|corporation|se|sa)\b|^CO[,;]?$`)

// beginsName says whether a word that may begin a name stands at a place: one with a capital or, as in
// "3M" and "uDate.com", a capital further on.
func beginsName(s string, at int) bool {
	word := wordAt(s, at)
	return word != "" && capitalised(word) && strings.IndexAny(word, openers) != 0 && !small.MatchString(word)
}

func wordAt(s string, at int) string {
	if at >= len(s) {
		return ""
	}
	if end := strings.IndexAny(s[at:], blanks); end >= 0 {
		return s[at : at+end]
	}
	return s[at:]
}

func capitalised(word string) bool {
	letters := 0
	for i, r := range word {
		switch {
		case unicode.IsUpper(r):
			return true
		case unicode.IsDigit(r) && i == 0:
			continue
		case unicode.IsLetter(r):
			if letters++; letters > 2 {
				return false
			}
		}
	}
	return false
}

// continuesName says whether word k is of one name with the one before it, or before an "&".
func (p *prose) continuesName(k int) bool {
	for back := 1; back <= min(k, 2); back++ {
		before := p.words[k-back].start
		if end, ok := nameEnd(p.text, before); ok && end > p.words[k].start && beginsName(p.text, before) {
			return true
		}
		if wordAt(p.text, before) != "&" {
			break
		}
	}
	return false
}

// nameEnd gives where the name ends that begins at start: words with capitals and the small ones
// between them, with a legal form behind a comma. False where none begins.
func nameEnd(s string, start int) (int, bool) {
	end, at := start, start
	for n := 0; n < mostNameWords && at < len(s); n++ {
		word := wordAt(s, at)
		sentence := n > 0 && word == "The" && end == at-1 // and not "of The"
		if word == "" || sentence || strings.IndexAny(word, openers) == 0 || small.MatchString(word) {
			return end, end > start
		}
		bare := strings.TrimRight(word, ",;:")
		form := isForm(word)
		switch {
		case n > 0 && form, capitalised(bare):
		case n > 0 && nameLink.MatchString(bare) && bare == word && linksName(s, at+len(word)+1, s[start:end], bare):
			at += len(word) + 1
			continue
		default:
			return end, end > start
		}
		if i := strings.IndexAny(word, openers+")”»"); i > 0 { // "Inc.(the"
			return at + i, true
		}
		if possessive := strings.TrimSuffix(strings.TrimSuffix(bare, "'s"), "’s"); n > 0 && possessive != bare && !form && formEnd.MatchString(s[start:end]) {
			return end, true
		}
		end = at + len(word)
		at = end + 1
		if at > len(s) || end < len(s) && s[end] != ' ' {
			return end, true
		}
		next := wordAt(s, at)
		switch last := word[len(word)-1]; {
		case last == ';', last == ':':
			return end, true
		case last == ',' && !isForm(next):
			return end, true
		case last == '.' && !initial.MatchString(bare) && !isForm(next) && !abbreviate.MatchString(bare):
			return end, true
		case formEnd.MatchString(s[start:end]) && !isForm(next):
			return end + len(partners.FindString(s[end:])), true
		}
	}
	return end, end > start
}

// openers begin what is no name any more, and small are words that end one also where all letters are
// capitals.
const openers = "([“\"‘„«_*"

var small = regexp.MustCompile(`^(?i:whereas|without|with|applicable|shall|excluding|regardless|except|this|is|to|in|by|as|hereby|hereinafter|and|or|between|among|other|than|that|which|into|dated|made|effective|whose|having|organized|located|on|if|you|your)[,.;:]?$`)

// mostNameWords bounds the words of a name.
const mostNameWords = 12

// linksName says whether a small word links two parts of one name: what follows has a capital, and
// "the" stands behind "of". Behind a legal form a name is whole.
func linksName(s string, next int, before, link string) bool {
	word := wordAt(s, next)
	if nameLink.MatchString(word) {
		word = wordAt(s, next+len(word)+1)
	}
	if !capitalised(word) || link == "the" && !strings.HasSuffix(s[:next-1], "of the") {
		return false
	}
	return !formEnd.MatchString(before)
}
