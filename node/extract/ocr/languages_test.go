package ocr

import (
	"strings"
	"testing"
)

// spelled makes lines of one word each; a letter followed by ? is one that the net
// is not sure of.
func spelled(words ...string) []line {
	var out []line
	for _, w := range words {
		var chars []char
		for _, r := range w {
			if r == '?' {
				last := &chars[len(chars)-1]
				last.p, last.plainP = 0.7, 0.29
				continue
			}
			c := char{r: r, p: 0.99}
			if plain, ok := plains[r]; ok {
				c.plain, c.plainP = plain, 0.00001
			}
			chars = append(chars, c)
		}
		x := word{chars: chars}
		x.spell()
		out = append(out, line{words: []word{x}})
	}
	return out
}

func TestSettle(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		languages []string
		read      string
		want      string
	}{
		{"a speck is no accent", nil, "HARDWÀ?RE KUALA LUMPUR", "HARDWARE KUALA LUMPUR"},
		{"nor a worn apostrophe a typographic one", nil, "McDonald’?s", "McDonald's"},
		{"a clear accent stays on an English page", nil, "Café LATTE", "Café LATTE"},
		{"a page of German speaks for its umlauts", nil, "Müller Straße Größe für?", "Müller Straße Größe für"},
		{"and not for Czech letters", nil, "Müller Straße Größe PLEČ?", "Müller Straße Größe PLEC"},
		{"a French page", nil, "Société à payer échéance reç?u", "Société à payer échéance reçu"},
		{"the site's language is given", []string{"de"}, "fü?r", "für"},
		{"another is given", []string{"en"}, "fü?r", "fur"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lines := spelled(strings.Fields(tt.read)...)
			settle(lines, tt.languages)
			var got []string
			for _, l := range lines {
				got = append(got, l.words[0].text)
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("got %q, want %q", g, tt.want)
			}
		})
	}
}

func TestCheckLanguages(t *testing.T) {
	t.Parallel()
	if err := CheckLanguages([]string{"de", "fr"}); err != nil {
		t.Error(err)
	}
	if err := CheckLanguages([]string{"de", "xx"}); err == nil || !strings.Contains(err.Error(), `"xx"`) {
		t.Errorf("got %v, want an error that names xx", err)
	}
}

func TestMarkedLettersHavePlainOnes(t *testing.T) {
	t.Parallel()
	for code, letters := range packs {
		for _, r := range letters + strings.ToUpper(letters) {
			if plain := plains[r]; (plain < 'a' || plain > 'z') && (plain < 'A' || plain > 'Z') && r > 0x7f && r != 'İ' {
				t.Errorf("%s: %q has no plain letter", code, r)
			}
		}
	}
}
