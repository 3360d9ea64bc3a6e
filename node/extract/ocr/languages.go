package ocr

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// The recogniser reads all Latin scripts of Europe at once. On faint or broken
// print that costs: a speck over an A makes an À on an English receipt. A
// language pack says which marked letters its language uses; the packs named
// in Config count, or else those for which the page itself speaks.

// packs are the marked letters of each language, as small letters.
var packs = map[string]string{
	"cs": "áčďéěíňóřšťúůýž", "da": "æøåé", "de": "äöüß", "en": "", "es": "áéíñóúü", "et": "äõöüšž",
	"fi": "äöå", "fr": "àâæçèéêëîïôœùûüÿ", "hr": "čćđšž", "hu": "áéíóöőúüű", "is": "áðéíóúýþæö",
	"it": "àèéìòù", "lt": "ąčęėįšųūž", "lv": "āčēģīķļņšūž", "mt": "ċġħż", "nl": "éëïóöü", "no": "æøåéòô",
	"pl": "ąćęłńóśźż", "pt": "áâãàçéêíóôõú", "ro": "ăâîșțşţ", "sk": "áäčďéíĺľňóôŕšťúýž", "sl": "čšž",
	"sv": "åäöé", "tr": "çğıöşüâî",
}

// plains gives each marked letter the plain one that it is taken for. The
// typographic apostrophe counts as one: on tills it is a worn plain one.
var plains = plainLetters("aàáâãäåāăąæ", "cçćċč", "dďđð", "eèéêëēėęě", "gğģġ", "hħ", "iìíîïīįı", "kķ", "lĺľłļ",
	"nñńňņ", "oòóôõöøőœ", "pþ", "rŕř", "sśşšșß", "tťţț", "uùúûüūůűų", "yýÿ", "zźżž", "'’")

func plainLetters(rows ...string) map[rune]rune {
	out := map[rune]rune{}
	for _, row := range rows {
		letters, upper := []rune(row), []rune(strings.ToUpper(row))
		for i := 1; i < len(letters); i++ {
			if len(upper) == len(letters) && upper[i] > 0x7f {
				out[upper[i]] = upper[0]
			}
			out[letters[i]] = letters[0]
		}
	}
	return out
}

// Languages are the codes (ISO 639-1) that Config.Languages may hold.
func Languages() []string {
	out := make([]string, 0, len(packs))
	for code := range packs {
		out = append(out, code)
	}
	sort.Strings(out)
	return out
}

// CheckLanguages says which of the codes is not among Languages.
func CheckLanguages(codes []string) error {
	for _, c := range codes {
		if _, ok := packs[c]; !ok {
			return fmt.Errorf("language %q is not known; known are %s", c, strings.Join(Languages(), ", "))
		}
	}
	return nil
}

const (
	// foreign is how likely a marked letter is that the language does not use,
	// before it is seen. On receipts in English the net prefers a mark that is not
	// there to the plain letter by up to 100 to 1, seldom by more; on clear print
	// one that is there by 1,000 to 1 at least.
	foreign = 0.01
	native  = 0.5 // and one that it uses: the net's own posterior decides
	nothing = 0.5 // of pages: no marked letter is used
)

// settle goes over all lines of a page and takes back marked letters that
// neither the languages given nor the page's other letters support.
func settle(lines []line, given []string) {
	var marked []*char
	for i := range lines {
		for j := range lines[i].words {
			chars := lines[i].words[j].chars
			for k := range chars {
				if chars[k].plain != 0 {
					marked = append(marked, &chars[k])
				}
			}
		}
	}
	if len(marked) == 0 {
		return
	}
	weights := speak(marked, given)
	for _, c := range marked {
		prior := 0.0
		for code, w := range weights {
			prior += w * usual(code, c.r)
		}
		if prior*c.p < (1-prior)*c.plainP {
			c.r, c.p, c.plain = c.plain, c.plainP, 0
		}
	}
	for i := range lines {
		for j := range lines[i].words {
			lines[i].words[j].spell()
		}
	}
}

// speak gives each language the probability that the page is written in it, ""
// standing for one without marked letters. Languages given share it evenly.
func speak(marked []*char, given []string) map[string]float64 {
	logs := map[string]float64{}
	if len(given) > 0 {
		for _, code := range given {
			logs[code] = 0
		}
	} else {
		logs[""] = math.Log(nothing)
		for code := range packs {
			logs[code] = math.Log((1 - nothing) / float64(len(packs)))
		}
	}
	top := math.Inf(-1)
	for code := range logs {
		for _, c := range marked {
			u := usual(code, c.r)
			logs[code] += math.Log(u*c.p + (1-u)*c.plainP + 1e-6)
		}
		top = math.Max(top, logs[code])
	}
	var sum float64
	for code, l := range logs {
		logs[code] = math.Exp(l - top)
		sum += logs[code]
	}
	for code := range logs {
		logs[code] /= sum
	}
	return logs
}

// usual is how likely a language uses the marked letter r.
func usual(code string, r rune) float64 {
	if strings.ContainsRune(packs[code], r) || strings.ContainsRune(strings.ToUpper(packs[code]), r) {
		return native
	}
	return foreign
}
