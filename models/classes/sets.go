package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
	"github.com/recto-edge/recto/node/extract/fields"
)

// sample is a document of a set.
type sample struct {
	fields.ClassSample
	set string
}

// want is the type a sample should be taken for.
func (s sample) want() string {
	if s.Type == "" {
		return fields.Generic
	}
	return s.Type
}

// library reads the sets.
type library struct {
	ctx            context.Context
	data, readings string
}

// others are short documents of many kinds that are none of the shipped types,
// written for this purpose: sets of such documents may be measured with, but not
// trained on.
//
//go:embed others.txt
var others string

// training gives what the licences let us train on.
func (l *library) training() ([]sample, error) {
	var out []sample
	add := func(set, name string, rasterise bool, group func(eval.Case, doc.Reading) string, typ func(eval.Case) string) error {
		return l.read(set, rasterise, func(c eval.Case, r doc.Reading) {
			out = append(out, sample{fields.ClassSample{Reading: r, Type: typ(c), Group: name + " " + group(c, r)}, name})
		})
	}
	is := func(t string) func(eval.Case) string { return func(eval.Case) string { return t } }
	forms, err := l.forms("my_receipts")
	if err != nil {
		return nil, err
	}
	myType := func(c eval.Case) string {
		if forms[c.ID] == "A4" {
			return "invoice"
		}
		return "receipt"
	}
	for _, s := range []struct {
		set   string
		group func(eval.Case, doc.Reading) string
		typ   func(eval.Case) string
	}{
		{"my_receipts", vendor, myType}, {"einvoice", vendor, is("invoice")}, {"parsee_invoices", vendor, is("invoice")},
		{"invoice2data", vendor, is("invoice")}, {"vrdu_adbuy", station, is("order")},
	} {
		for _, rasterise := range []bool{true, false} {
			name := s.set
			if rasterise {
				name += " (pictures)"
			}
			if err := add(s.set, name, rasterise, func(c eval.Case, r doc.Reading) string { return s.group(c, r) }, s.typ); err != nil {
				return nil, err
			}
		}
	}
	for i := range out { // a vendor is the same in both forms
		out[i].Group = strings.Replace(out[i].Group, " (pictures)", "", 1)
	}
	if err := add("sroie", "sroie", false, vendor, is("receipt")); err != nil {
		return nil, err
	}
	if err := add("mrz", "mrz", false, vendor, is("identity")); err != nil {
		return nil, err
	}
	if err := add("barcodes", "barcodes", false, vendor, is("")); err != nil {
		return nil, err
	}
	typed, err := l.transcripts("sroie")
	if err != nil {
		return nil, err
	}
	out = append(append(out, typed...), written(others)...)
	return slices.DeleteFunc(out, func(s sample) bool { return wordless(s.Reading) }), nil
}

// measured gives sets that must not train.
func (l *library) measured() ([]sample, error) {
	var out []sample
	for _, s := range []struct{ set, typ string }{{"wildreceipt", "receipt"}, {"kleister_nda", "contract"}, {"funsd", ""}, {"tables_icdar2013", ""}} {
		err := l.read(s.set, false, func(c eval.Case, r doc.Reading) {
			out = append(out, sample{fields.ClassSample{Reading: r, Type: s.typ}, s.set})
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// wordless says whether nothing was read, from which nothing is to be learned.
func wordless(r doc.Reading) bool {
	return !slices.ContainsFunc(r.Pages, func(p doc.Page) bool { return len(p.Words) > 0 })
}

func vendor(c eval.Case, _ doc.Reading) string {
	if c.Vendor != "" {
		return c.Vendor
	}
	return c.ID
}

var callSign = regexp.MustCompile(`\b[KW][A-Z]{3}\b`)

// station groups orders by the call sign of the broadcaster that stands on them
// most often.
func station(c eval.Case, r doc.Reading) string {
	count, best := map[string]int{}, c.ID
	for _, p := range r.Pages {
		for _, w := range p.Words {
			for _, s := range callSign.FindAllString(w.Text, -1) {
				if count[s]++; count[s] > count[best] {
					best = s
				}
			}
		}
	}
	return best
}

// forms gives what the labels say about the form of each document of a set.
func (l *library) forms(set string) (map[string]string, error) {
	out := map[string]string{}
	return out, l.lines(set, func(b []byte) error {
		var r struct{ ID, Form string }
		err := json.Unmarshal(b, &r)
		out[r.ID] = r.Form
		return err
	})
}

func (l *library) lines(set string, each func([]byte) error) error {
	f, err := os.Open(filepath.Join(l.data, set, eval.LabelFile))
	if err != nil {
		return fmt.Errorf("read labels: %w", err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		if err := each(s.Bytes()); err != nil {
			return fmt.Errorf("read labels of %s: %w", set, err)
		}
	}
	return s.Err()
}

// transcripts gives the documents of a set whose picture is missing and whose
// lines somebody typed.
func (l *library) transcripts(set string) ([]sample, error) {
	var out []sample
	err := l.lines(set, func(b []byte) error {
		var r struct {
			ID, Vendor, Boxes string
			File              *string
		}
		if err := json.Unmarshal(b, &r); err != nil || r.File != nil || r.Boxes == "" {
			return err
		}
		text, err := os.ReadFile(filepath.Join(l.data, set, r.Boxes))
		if err != nil {
			return err
		}
		out = append(out, sample{fields.ClassSample{Reading: boxed(string(text)), Type: "receipt", Group: set + " " + r.Vendor}, set + " (typed)"})
		return nil
	})
	return out, err
}

// boxed makes a reading of lines "x,y,x,y,x,y,x,y,text".
func boxed(text string) doc.Reading {
	p := doc.Page{Number: 1, Source: doc.FromOCR}
	for n, line := range strings.Split(text, "\n") {
		parts := strings.SplitN(strings.TrimSpace(line), ",", 9)
		if len(parts) < 9 {
			continue
		}
		var at [8]int
		for i := range at {
			at[i], _ = strconv.Atoi(parts[i])
		}
		box := doc.Box{at[0], at[1], at[4], at[5]}
		words := strings.Fields(parts[8])
		letters := len(strings.Join(words, " "))
		x := 0
		for _, w := range words {
			p.Words = append(p.Words, doc.Word{Text: w, Line: n, Confidence: 1,
				Box: doc.Box{box[0] + box.W()*x/max(letters, 1), box[1], box[0] + box.W()*(x+len(w))/max(letters, 1), box[3]}})
			x += len(w) + 1
		}
		p.Width, p.Height = max(p.Width, box[2]+20), max(p.Height, box[3]+20)
	}
	return doc.Reading{Pages: []doc.Page{p}}
}

// writtenTypes names the written documents that are of a shipped type after all.
var writtenTypes = map[string]string{"contract": "contract", "mietvertrag": "contract"}

// written makes samples of the documents in a file of texts: each as it stands,
// and three times with a part of its lines and at another size, as pages differ.
func written(all string) []sample {
	rng := rand.New(rand.NewPCG(3, 5))
	var out []sample
	for _, text := range strings.Split(all, "=== ")[1:] {
		name, body, _ := strings.Cut(text, "\n")
		for variant := range 4 {
			var lines []string
			for _, line := range strings.Split(body, "\n") {
				if variant == 0 || rng.Float64() < 0.75 {
					lines = append(lines, line)
				}
			}
			pages := 1
			if variant == 2 {
				pages = 3
			}
			out = append(out, sample{fields.ClassSample{Reading: typeset(lines, pages), Type: writtenTypes[name], Group: "written " + name}, "written"})
		}
	}
	return out
}

// typeset sets lines on sheets, wrapping long ones; "|" divides cells.
func typeset(lines []string, pages int) doc.Reading {
	const width, height, letter, line, margin = 1654, 2339, 15, 38, 150
	r := doc.Reading{}
	for n := range pages {
		p := doc.Page{Number: n + 1, Width: width, Height: height, DPI: 200, Source: doc.FromText}
		y, count := margin, 0
		for _, text := range lines {
			cells := strings.Split(text, "|")
			for i, cell := range cells {
				x := margin + i*(width-2*margin)/len(cells)
				for _, w := range strings.Fields(cell) {
					if len(cells) == 1 && x+letter*len(w) > width-margin {
						x, y, count = margin, y+line, count+1
					}
					p.Words = append(p.Words, doc.Word{Text: w, Line: count, Confidence: 1, Box: doc.Box{x, y, x + letter*len(w), y + 24}})
					x += letter * (len(w) + 1)
				}
			}
			y, count = y+line, count+1
		}
		r.Pages = append(r.Pages, p)
	}
	return r
}
