package api

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever a sender calls a file, the label is short, whole text, and no path.
func FuzzCleanName(f *testing.F) {
	for _, seed := range []string{"", "a.pdf", "../../etc/passwd", `C:\a\..\b`, "\x00", "\xff\xfe", strings.Repeat("ü", 300), "/", "..", "a/.. ", "x " + strings.Repeat("y", 254)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		got := cleanName(sent)
		if got == "" || got == "." || got == ".." || len(got) > maxName || !utf8.ValidString(got) || strings.ContainsAny(got, "/\\\x00\r\n") {
			t.Errorf("%q became %q", sent, got)
		}
		if again := cleanName(got); again != got {
			t.Errorf("%q became %q, and that %q", sent, got, again)
		}
	})
}
