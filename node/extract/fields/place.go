package fields

import (
	"regexp"
	"strings"
)

// place is the last line of a postal address.
type place struct {
	postcode, city, country string
}

var (
	placeCode = regexp.MustCompile(`^(?:([A-Z]{1,3})\s?[-–]?\s?)?(\d{5}|\d{4})\s+([\p{L}][\p{L}\s.'’()/\-]{1,40}?)(?:\s*,\s*([A-Z]{2}))?$`)
	placeNL   = regexp.MustCompile(`^(?:NL[- ])?(\d{4}\s?[A-Z]{2})\s+([\p{L}][\p{L}\s.'’\-]{1,40})$`)
	placeGB   = regexp.MustCompile(`^([A-Z]{1,2}\d[A-Z0-9]?\s?\d[A-Z]{2})\s+([\p{L}][\p{L}\s.'’\-]{2,40})$`)
	placeGB2  = regexp.MustCompile(`^([\p{L}][\p{L}\s.'’\-]{2,40}?),?\s+([A-Z]{1,2}\d[A-Z0-9]?\s?\d[A-Z]{2})$`)
	placeIE   = regexp.MustCompile(`^([A-Z]\d[\dW]\s?[A-Z0-9]{4})\s+([\p{L}][\p{L}\s.'’\-]{2,40})$`)
	placeUS   = regexp.MustCompile(`^([\p{L}][\p{L}\s.'’\-]{2,40}?),?\s+([A-Z]{2})\.?,?\s+(\d{5}(?:-\d{4})?)(?:,?\s+(?:USA?|United States))?$`)
	placeCA   = regexp.MustCompile(`^([\p{L}][\p{L}\s.'’\-]{2,40}?),?\s+([A-Z]{2})\.?,?\s+([A-Z]\d[A-Z]\s?\d[A-Z]\d)$`)
	placeSE   = regexp.MustCompile(`^(?:([A-Z]{2})[- ])?(\d{3}\s\d{2})\s+([\p{L}][\p{L}\s.'’\-]{1,40})$`)
)

var placePrefix = map[string]string{"D": "DE", "A": "AT", "CH": "CH", "F": "FR", "I": "IT", "B": "BE", "L": "LU", "E": "ES", "S": "SE", "N": "NO", "FIN": "FI", "DK": "DK"}

// parsePlace reads a line such as "80333 München", "DE 80333 München",
// "75018 PARIS, FR", "M1 1AA Manchester" or "Fremont, CA 94538".
func parsePlace(s string) (place, bool) {
	s = strings.TrimSpace(strings.Trim(tidy(s), ",;.·•|"))
	prefixed := func(p, code, city, tail string) (place, bool) {
		c, ok := placePrefix[p]
		if !ok && p != "" {
			if c, ok = canonicalCountry(p); !ok {
				return place{}, false
			}
		}
		if tail != "" {
			c, _ = canonicalCountry(tail)
		}
		return place{code, strings.TrimSpace(city), c}, !monthOnly(city)
	}
	if m := placeCode.FindStringSubmatch(s); m != nil && (m[1] != "" || !streetEnd.MatchString(m[3])) {
		return prefixed(m[1], m[2], m[3], m[4])
	}
	if m := placeSE.FindStringSubmatch(s); m != nil {
		return prefixed(m[1], m[2], m[3], "")
	}
	if m := placeNL.FindStringSubmatch(s); m != nil {
		return place{m[1], m[2], "NL"}, true
	}
	if m := placeGB.FindStringSubmatch(s); m != nil {
		return place{m[1], m[2], "GB"}, true
	}
	if m := placeIE.FindStringSubmatch(s); m != nil {
		return place{m[1], m[2], "IE"}, true
	}
	if m := placeUS.FindStringSubmatch(s); m != nil {
		return place{m[3], m[1], "US"}, true
	}
	if m := placeCA.FindStringSubmatch(s); m != nil {
		return place{m[3], m[1], "CA"}, true
	}
	if m := placeGB2.FindStringSubmatch(s); m != nil {
		return place{m[2], m[1], "GB"}, true
	}
	return place{}, false
}

// streetEnd ends a street with its number in front: "4557 De Silva St".
var streetEnd = regexp.MustCompile(`(?i)\s(st|street|ave|avenue|rd|road|dr|drive|blvd|boulevard|ln|lane|ct|court|pkwy|parkway|hwy|highway|terrace|way)\.?$`)

// monthOnly guards against "2018 March".
func monthOnly(s string) bool {
	_, ok := monthOf(s)
	return ok
}

var partSeparator = regexp.MustCompile(`\s*[·•●∙|◦■*]\s*|\s+[-–—]\s+|\s*,\s+|\s*;\s*`)

// parseOneLine reads a sender's address on one line, as it stands in the window
// of an envelope: name, street and place between separators.
func parseOneLine(s string) (name, street string, p place, ok bool) {
	parts := partSeparator.Split(s, -1)
	for n := len(parts) - 1; n >= 2; n-- {
		if p, ok = parsePlace(parts[n]); ok {
			if houseNumber.MatchString(strings.TrimSpace(parts[1])) {
				return "", "", place{}, false // "Avenida Baleares, 2 · 46023 Valencia" has no name
			}
			return strings.TrimSpace(parts[0]), strings.TrimSpace(strings.Join(parts[1:n], ", ")), p, parts[0] != ""
		}
	}
	return "", "", place{}, false
}
