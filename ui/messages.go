package ui

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// messages are all texts of one language by key. Keys that begin with "js."
// are handed to the scripts of a page as well.
type messages map[string]string

func loadMessages(lang string) (messages, error) {
	raw, err := files.ReadFile("messages/" + lang + ".json")
	if err != nil {
		return nil, fmt.Errorf("read the texts: %w", err)
	}
	groups := map[string]messages{}
	if err := json.Unmarshal(raw, &groups); err != nil {
		return nil, fmt.Errorf("read the texts in messages/%s.json: %w", lang, err)
	}
	all := messages{}
	for group, texts := range groups {
		for key, text := range texts {
			all[group+"."+key] = text
		}
	}
	return all, nil
}

// text gives the text of key with its %s, %d filled in. A key without a text is
// an error, so that a test of the pages finds it.
func (m messages) text(key string, args ...any) (string, error) {
	s, ok := m[key]
	if !ok {
		return "", fmt.Errorf("no text for %q", key)
	}
	if len(args) == 0 {
		return s, nil
	}
	return fmt.Sprintf(s, args...), nil
}

// count gives the text of key for n things: key.one or key.other.
func (m messages) count(key string, n any) (string, error) {
	if fmt.Sprint(n) == "1" {
		return m.text(key + "_one")
	}
	return m.text(key+"_other", n)
}

// known gives the text of group.word, or the word itself made readable when
// there is none: a new engine may use a word the pages do not know yet.
func (m messages) known(group, word string) string {
	if s, ok := m[group+"."+word]; ok {
		return s
	}
	s := strings.TrimSpace(strings.ReplaceAll(word, "_", " "))
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// formula sets the signs of a check apart from the names of its fields.
var formula = strings.NewReplacer("_", " ", "?", "", "+", " + ", "=", " = ", "*", " × ", "-", " − ")

// check names a check: by its text, or as the formula that its name is.
func (m messages) check(name string) string {
	if s, ok := m["check."+name]; ok {
		return s
	}
	if strings.ContainsAny(name, "=+*") {
		return formula.Replace(name)
	}
	return strings.NewReplacer("_", " ", "-", " ").Replace(name)
}

// forScripts are the texts that scripts use.
func (m messages) forScripts() messages {
	out := maps.Clone(m)
	maps.DeleteFunc(out, func(key, _ string) bool {
		return !strings.HasPrefix(key, "js.") && !strings.HasPrefix(key, "state.") && !strings.HasPrefix(key, "stage.")
	})
	return out
}
