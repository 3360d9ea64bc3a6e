package fields

import (
	"regexp"
	"strings"
	"unicode"
)

// lexicon holds words that stand in many addresses and company names: kinds of
// streets, buildings and businesses, legal forms, and names of countries, states
// and large towns. A word that OCR got wrong by one character is read as the one
// it comes closest to. Names of companies do not belong here.
var lexicon = wordSet(`
address alley avenue bandar bangunan basement batu besar block boulevard building bukit centre center complex court damansara desa drive estate floor gardens ground heights highway indah industrial industri jalan kampung kawasan kompleks level lorong lower mall medan menara off park perindustrian persiaran plaza pusat puteri road seksyen section sector sentral shopping square street suite taman tingkat tower unit upper village wisma
strasse straße platz allee gasse hauptstrasse hauptstraße bahnhofstrasse bahnhofstraße hausnummer ring ufer chaussee boulevard place avenue chemin quai route via viale piazza corso calle avenida plaza
malaysia selangor johor bahru kuala lumpur penang pulau pinang perak kedah pahang melaka negeri sembilan terengganu kelantan sabah sarawak putrajaya labuan wilayah persekutuan darul ehsan takzim petaling jaya subang sungei puchong cheras kajang klang kepong ampang rawang seremban shah alam setapak serdang kembangan sungai skudai tebrau masai ipoh georgetown kuching kinabalu singapore
deutschland österreich schweiz france italia españa portugal nederland belgique luxembourg kingdom ireland london manchester birmingham berlin hamburg münchen köln frankfurt stuttgart düsseldorf leipzig dortmund dresden hannover nürnberg wien zürich genève paris lyon marseille toulouse milano roma madrid barcelona amsterdam rotterdam bruxelles stockholm københavn
enterprise enterprises trading hardware restaurant restoran stationery stationer bakery bakeries marketing supermarket hypermarket minimarket electrical machinery services service industries holdings furniture pharmacy healthcare confectionery seafood kitchen company limited gesellschaft betriebs apotheke bäckerei metzgerei gasthaus gaststätte gastronomie baumarkt drogerie markt boulangerie pharmacie pâtisserie supermarché ristorante trattoria farmacia international corporation motor motors parking station optical fashion bookshop
`)

func wordSet(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(s) {
		out[squash(w)] = true
	}
	return out
}

// byLength holds the lexicon's words by length, for the search of near ones.
var byLength = func() map[int][]string {
	out := map[int][]string{}
	for w := range lexicon {
		out[len(w)] = append(out[len(w)], w)
	}
	return out
}()

// byShape holds the lexicon's words by their letters' shapes.
var byShape = func() map[string]string {
	out := map[string]string{}
	for w := range lexicon {
		out[shapes(w)] = w
	}
	return out
}()

// repairAddress puts right what OCR commonly gets wrong in addresses: digits
// inside words and letters inside codes, words cut in two, and words of the lexicon with
// one wrong character. What it cannot know it leaves alone, and so it does the words of
// clear, in the form of squash: a place may be called almost like another word.
func repairAddress(s string, clear map[string]bool) string {
	words := strings.Fields(s)
	var out []string
	for i := 0; i < len(words); i++ {
		if i+1 < len(words) && joinsToKnown(words[i], words[i+1]) {
			out = append(out, words[i]+words[i+1])
			i++
			continue
		}
		w := zeroInCode(digitsInWord(markInWord(shortWord(words[i]))))
		out = append(out, repairWord(w, clear[squash(words[i])]))
	}
	return strings.Join(out, " ")
}

// spacedInitials are two letters in brackets that OCR set apart: "(K L)".
var spacedInitials = regexp.MustCompile(`\(\s?(\p{Lu})\s(\p{Lu})\s?\)`)

// repairName puts right the legal form of a name and digits inside its words;
// the other words of a name may be anything.
func repairName(s string) string {
	words := strings.Fields(spacedInitials.ReplaceAllString(s, "($1$2)"))
	for i, w := range words {
		bare := strings.ToUpper(strings.Trim(w, ".,"))
		legal, ok := legalSlips[bare]
		last := i == len(words)-1
		switch {
		case ok && i > 0 && legal == "SDN" && !last && (legalForm.MatchString("SDN "+words[i+1]) || legalSlips[strings.ToUpper(strings.Trim(words[i+1], ".,"))] == "BHD"):
			words[i] = legal
		case ok && i > 0 && legal != "SDN" && last:
			words[i] = legal
		default:
			words[i] = digitsInWord(w)
		}
	}
	return strings.Join(words, " ")
}

// joinsToKnown says whether two pieces make a word of the lexicon that neither is.
func joinsToKnown(a, b string) bool {
	x, y := squash(a), squash(b)
	if len(x) < 2 || len(y) == 0 || len(x)+len(y) < 6 || strings.ContainsAny(a, ".,;:)") {
		return false
	}
	return lexicon[x+y] && !(lexicon[x] && lexicon[y])
}

// codeWithO is a postcode or other number in which a zero was read as a letter.
var codeWithO = regexp.MustCompile(`^\d*[Oo]\d*[,.]?$`)

// zeroInCode reads one O among four digits or more as a zero.
func zeroInCode(w string) string {
	if d, _ := counts(w); d < 4 || !codeWithO.MatchString(w) {
		return w
	}
	return strings.Map(func(c rune) rune {
		if c == 'O' || c == 'o' {
			return '0'
		}
		return c
	}, w)
}

// leastWord is of how many letters a word must be to be told by the others when one is wrong.
const leastWord = 5

// repairWord reads a word that is almost one of the lexicon as that: a clear one only
// where a doubled letter was read once or l and i were taken for each other, which OCR
// does without a doubt.
func repairWord(w string, clear bool) string {
	form := squash(w)
	if len(form) < leastWord || lexicon[form] || hasDigit(form) {
		return w
	}
	if known, ok := byShape[shapes(form)]; ok {
		return likeCase(w, form, known)
	}
	for i := range len(form) {
		if known := form[:i+1] + form[i:]; lexicon[known] {
			return likeCase(w, form, known)
		}
	}
	if clear {
		return w
	}
	found := ""
	for n := len(form) - 1; n <= len(form)+1; n++ {
		if n < leastWord {
			continue
		}
		for _, known := range byLength[n] {
			if (n != len(form) && len(form) < 7) || distance(form, known, 1) > 1 {
				continue
			}
			if found != "" {
				return w // between two words there is nothing to choose
			}
			found = known
		}
	}
	if found == "" {
		return w
	}
	return likeCase(w, form, found)
}

// legalSlips are ways in which OCR misreads short legal forms.
var legalSlips = map[string]string{"5/B": "S/B", "S/D": "S/B", "S/8": "S/B", "5/8": "S/B", "SDW": "SDN", "SBN": "SDN", "SIN": "SDN", "SON": "SDN", "5DN": "SDN", "SDM": "SDN", "8HD": "BHD", "BHO": "BHD", "3HD": "BHD", "BH0": "BHD", "6MBH": "GMBH"}

// shorts are short words of addresses in which OCR takes l, I, i and 1 for each
// other, by what they look like.
var shorts = map[string]string{"jln": "Jln", "blk": "Blk", "lvl": "Lvl", "lrg": "Lrg", "blvd": "Blvd", "pl": "Pl", "apt": "Apt", "bldg": "Bldg", "flr": "Flr", "lot": "Lot"}

// alike writes the letters that look like an l as one.
var alike = strings.NewReplacer("I", "l", "i", "l", "1", "l", "!", "l", "|", "l")

// shortWord reads "JIn", "J1n" and "BIk" as what they were meant to be.
func shortWord(w string) string {
	core := strings.TrimRight(w, ".,")
	if len(core) < 2 || len(core) > 5 || w == strings.ToUpper(w) && !strings.ContainsAny(w, "1!|") {
		return w
	}
	known, ok := shorts[strings.ToLower(alike.Replace(core))]
	if !ok || strings.EqualFold(known, core) {
		return w
	}
	if core == strings.ToUpper(core) {
		known = strings.ToUpper(known)
	}
	return known + w[len(core):]
}

// markInWord reads an exclamation mark within or behind a word of capitals as I,
// within small letters as i.
func markInWord(w string) string {
	i := strings.IndexByte(w, '!')
	if _, l := counts(w); i <= 0 || l < 2 {
		return w
	}
	if strings.ContainsFunc(w, unicode.IsLower) {
		return w[:i] + "i" + w[i+1:]
	}
	return w[:i] + "I" + w[i+1:]
}

// digitsInWord reads a digit between letters of a longer word as the letter it
// looks like, and any digit of a word that then is in the lexicon.
func digitsInWord(w string) string {
	d, l := counts(w)
	if d == 0 || l < 2 || d > 2 || strings.ContainsAny(w, "/-&#") {
		return w
	}
	rs, all := []rune(w), []rune(w)
	lower := strings.ContainsFunc(w, unicode.IsLower)
	for i, r := range rs {
		x, ok := letterOf(r, lower)
		if !ok {
			continue
		}
		all[i] = x
		if i > 0 && i+1 < len(rs) && unicode.IsLetter(rs[i-1]) && unicode.IsLetter(rs[i+1]) && l >= 3 {
			rs[i] = x
		}
	}
	if lexicon[squash(string(all))] {
		return string(all)
	}
	return string(rs)
}

func letterOf(r rune, lower bool) (rune, bool) {
	switch r {
	case '0':
		if lower {
			return 'o', true
		}
		return 'O', true
	case '1':
		if lower {
			return 'l', true
		}
		return 'I', true
	case '5':
		if lower {
			return 's', true
		}
		return 'S', true
	case '8':
		return 'B', !lower
	}
	return r, false
}

// likeCase writes known in the case of w and with the marks around it.
func likeCase(w, form, known string) string {
	start := strings.IndexFunc(w, isAlnum)
	end := strings.LastIndexFunc(w, isAlnum)
	core := w[start:]
	if end >= start {
		size := len(string([]rune(w[end:])[:1]))
		core = w[start : end+size]
	}
	if len(squash(core)) != len(form) || strings.ContainsFunc(core, func(r rune) bool { return !isAlnum(r) }) {
		return w // marks inside: two words that were glued
	}
	fixed := known
	switch {
	case core == strings.ToUpper(core):
		fixed = strings.ToUpper(known)
	case unicode.IsUpper([]rune(core)[0]):
		fixed = strings.ToUpper(known[:1]) + known[1:]
	}
	return strings.Replace(w, core, fixed, 1)
}
