package ui

import (
	"fmt"
	"html/template"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// functions are what templates can call.
func functions(m messages) template.FuncMap {
	return template.FuncMap{
		"t":       m.text,
		"count":   m.count,
		"known":   m.known,
		"scripts": m.forScripts,
		"icon":    icon,
		"bytes":   size,
		"number":  func(n any) string { return grouped(fmt.Sprint(n)) },
		"percent": percent,
		"bar":     func(f float64) int { return int(math.Round(clamp(f) * 100)) },
		"level":   level,
		"moment":  moment,
		"short":   short,
		"few":     few,
		"tells":   tells,
		"check":   m.check,
		"query":   query,
		"ms":      milliseconds,
		"minus":   func(a, b int) int { return a - b },
		"pair":    func(a, b any) [2]any { return [2]any{a, b} },
		"lower":   strings.ToLower,
		"group":   groupIdentifier,
	}
}

// size writes a number of bytes for people: 772 kB.
func size(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, units := float64(n), []string{"kB", "MB", "GB", "TB"}
	for _, u := range units {
		v /= 1000
		if v < 999.5 || u == "TB" {
			if v < 10 {
				return fmt.Sprintf("%.1f %s", v, u)
			}
			return fmt.Sprintf("%.0f %s", v, u)
		}
	}
	return ""
}

// grouped writes a whole number with narrow blanks between thousands.
func grouped(s string) string {
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

func clamp(f float64) float64 { return max(0, min(1, f)) }

// percent writes a confidence. It rounds down, so that only what is certain
// reads as 100 %.
func percent(f float64) string {
	f = clamp(f)
	if f == 1 {
		return "100\u202f%"
	}
	return fmt.Sprintf("%.1f\u202f%%", math.Floor(f*1000+1e-9)/10)
}

// level sorts confidences into three kinds that look different.
func level(f float64) string {
	switch {
	case f >= 0.95:
		return "high"
	case f >= 0.8:
		return "mid"
	}
	return "low"
}

// moment writes a time in UTC; scripts turn it into the reader's own zone.
func moment(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `">` + t.Format("2006-01-02 15:04") + ` UTC</time>`)
}

// milliseconds writes a time that something took.
func milliseconds(n int) string {
	if n < 1000 {
		return strconv.Itoa(n) + " ms"
	}
	return fmt.Sprintf("%.1f s", float64(n)/1000)
}

// short is the beginning of a digest, enough to tell it from others.
func short(s string) string {
	s = strings.TrimPrefix(s, "sha256:")
	return s[:min(len(s), 12)]
}

// tells says whether what stands on the page says more than the value does: a
// currency sign, a decimal comma or blanks within a number do not.
func tells(kind, raw, value string) bool {
	keep := func(r rune) bool { return !unicode.IsSpace(r) }
	switch kind {
	case "money", "number", "percent":
		keep = unicode.IsDigit
	}
	bare := func(s string) string {
		return strings.Map(func(r rune) rune {
			if keep(r) {
				return unicode.ToUpper(r)
			}
			return -1
		}, s)
	}
	return raw != "" && bare(raw) != bare(value)
}

// few names the first of many words and how many more there are.
func few(words []string) string {
	const shown = 4
	if len(words) <= shown {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s +%d", strings.Join(words[:shown], ", "), len(words)-shown)
}

// query makes the query of a link from pairs of name and value; empty values
// are left out.
func query(pairs ...string) template.URL {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return ""
	}
	return template.URL("?" + v.Encode())
}

// groupIdentifier sets an IBAN in groups of four for the eye; what is copied
// stays the value.
func groupIdentifier(kind, value string) string {
	if kind != "iban" {
		return value
	}
	var b strings.Builder
	for i, r := range value {
		if i > 0 && i%4 == 0 {
			b.WriteRune('\u2009')
		}
		b.WriteRune(r)
	}
	return b.String()
}
