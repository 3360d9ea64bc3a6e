package intake

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName bounds a document's name in bytes, as file systems do.
const maxName = 255

// cleanName makes a label of what a sender calls a file: no folders, nothing that
// does not print, not too long, the ending kept. It is never used as a path.
func cleanName(s string) string {
	s = strings.ToValidUTF8(s, "�")
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		if unicode.IsSpace(r) {
			return ' '
		}
		return -1 // control characters, and marks that turn the direction of text
	}, s))
	if s == "" || s == "." || s == ".." {
		return "unnamed"
	}
	if len(s) <= maxName {
		return s
	}
	ending := ""
	if i := strings.LastIndexByte(s, '.'); i > 0 && len(s)-i <= 12 {
		ending = s[i:]
	}
	cut := maxName - len(ending)
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + ending
}

// validTraceparent says whether s is empty or a W3C trace context, version 00.
func validTraceparent(s string) bool {
	if s == "" {
		return true
	}
	if len(s) != 55 || s[:3] != "00-" || s[35] != '-' || s[52] != '-' {
		return false
	}
	return strings.Trim(s[3:], "0123456789abcdef-") == ""
}
