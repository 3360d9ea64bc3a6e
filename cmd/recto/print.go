package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printFields prints fields for a person: name, value, confidence, place, source.
func printFields(w io.Writer, fields []doc.Field) {
	width := 4
	for _, f := range fields {
		width = max(width, len(f.Name))
	}
	for _, f := range fields {
		if len(f.Rows) > 0 {
			fmt.Fprintf(w, "  %-*s  %d rows\n", width, f.Name, len(f.Rows))
			for _, row := range f.Rows {
				cells := make([]string, 0, len(row))
				for _, c := range row {
					cells = append(cells, c.Name+"="+c.Value)
				}
				fmt.Fprintf(w, "  %-*s    %s\n", width, "", strings.Join(cells, "  "))
			}
			continue
		}
		value := f.Value
		if f.Currency != "" {
			value += " " + f.Currency
		}
		where := string(f.Source)
		if f.Page > 0 {
			where += fmt.Sprintf(", page %d", f.Page)
		}
		mark := " "
		if f.Accepted {
			mark = "✓"
		}
		fmt.Fprintf(w, "%s %-*s  %-44s %5.1f %%  %s\n", mark, width, f.Name, clip(value, 44), f.Confidence*100, where)
	}
}

func clip(s string, n int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n-1]) + "…"
}

// bar shows progress on a terminal and nothing elsewhere.
type bar struct {
	w    io.Writer
	live bool
	on   bool
}

func progress(w io.Writer) *bar {
	f, ok := w.(*os.File)
	if !ok {
		return &bar{w: w}
	}
	info, err := f.Stat()
	return &bar{w: w, live: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

func (b *bar) show(label string, n, of int) {
	if !b.live {
		return
	}
	b.on = true
	const width = 24
	fill := 0
	if of > 0 {
		fill = min(width, n*width/of)
	}
	fmt.Fprintf(b.w, "\r\x1b[K%s%s %d/%d %s", strings.Repeat("█", fill), strings.Repeat("░", width-fill), n, of, clip(label, 50))
}

// done clears the line.
func (b *bar) done() {
	if b.on {
		fmt.Fprint(b.w, "\r\x1b[K")
		b.on = false
	}
}
