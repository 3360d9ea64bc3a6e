package eval

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Transcript reads the file of true words of a case as one page: lines of eight
// coordinates and a text (x1,y1,…,x4,y4,text), or a JSON object with
// "annotations" (box of eight, text) or with "form" (words with boxes of four).
// A text of several words is cut by their share of its characters, and each text
// is a line of its own. It gives nil for a case without such a file, and Invalid
// for one that cannot be read.
func Transcript(c Case) (*doc.Reading, error) {
	if c.Boxes == "" {
		return nil, nil
	}
	b, err := os.ReadFile(c.Boxes)
	if err != nil {
		return nil, fmt.Errorf("read transcript: %w", err)
	}
	p := doc.Page{Number: 1, Source: doc.FromPerson, Words: []doc.Word{}}
	if strings.HasSuffix(c.Boxes, ".json") {
		err = annotated(&p, b)
	} else {
		err = boxed(&p, string(b))
	}
	if err != nil {
		return nil, doc.Errorf(doc.Invalid, "transcript of %s: %w", c.ID, err)
	}
	for _, w := range p.Words {
		p.Width, p.Height = max(p.Width, w.Box[2]), max(p.Height, w.Box[3])
	}
	return &doc.Reading{Pages: []doc.Page{p}}, nil
}

// boxed reads lines of eight coordinates and a text.
func boxed(p *doc.Page, text string) error {
	for n, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		parts := strings.SplitN(line, ",", 9)
		if len(parts) < 9 {
			return fmt.Errorf("line %d is not eight coordinates and a text", n+1)
		}
		at := make([]float64, 8)
		for i := range at {
			v, err := strconv.ParseFloat(strings.TrimSpace(parts[i]), 64)
			if err != nil {
				return fmt.Errorf("line %d: %w", n+1, err)
			}
			at[i] = v
		}
		addLine(p, parts[8], around(at))
	}
	return nil
}

// annotated reads the two kinds of JSON.
func annotated(p *doc.Page, b []byte) error {
	type labelled struct {
		Box  []float64 `json:"box"`
		Text string    `json:"text"`
	}
	var file struct {
		Annotations []labelled `json:"annotations"`
		Form        []struct {
			Words []labelled `json:"words"`
		} `json:"form"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return err
	}
	for _, a := range file.Annotations {
		addLine(p, a.Text, around(a.Box))
	}
	line := len(p.Words)
	for _, f := range file.Form {
		before := doc.Box{}
		for i, w := range f.Words {
			box := around(w.Box)
			if i == 0 || box[0] < before[0] { // back at the left: a new line
				line++
			}
			before = box
			if text := strings.TrimSpace(w.Text); text != "" {
				p.Words = append(p.Words, doc.Word{Text: text, Box: box, Confidence: 1, Line: line})
			}
		}
	}
	return nil
}

// around gives the box around points x, y, x, y …
func around(at []float64) doc.Box {
	if len(at) < 4 {
		return doc.Box{}
	}
	b := doc.Box{int(at[0]), int(at[1]), int(at[0]), int(at[1])}
	for i := 2; i+1 < len(at); i += 2 {
		x, y := int(at[i]), int(at[i+1])
		b = doc.Box{min(b[0], x), min(b[1], y), max(b[2], x), max(b[3], y)}
	}
	return b
}

// addLine adds the words of a text that stands in box.
func addLine(p *doc.Page, text string, box doc.Box) {
	line := 0
	if n := len(p.Words); n > 0 {
		line = p.Words[n-1].Line + 1
	}
	from := 0
	for _, w := range strings.Fields(text) {
		at := from + strings.Index(text[from:], w)
		from = at + len(w)
		p.Words = append(p.Words, doc.Word{Text: w, Confidence: 1, Line: line,
			Box: doc.Box{box[0] + box.W()*at/len(text), box[1], box[0] + box.W()*from/len(text), box[3]}})
	}
}
