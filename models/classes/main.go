// Command classes trains the model that tells the shipped document types apart
// and says how good it is. It owns nothing of the product: it knows the
// development sets, what their licences allow, and what they are for.
//
//	go run ./models/classes -data ../shared/data -readings /var/tmp/readings -out node/extract/fields/classes.json
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/recto-edge/recto/embedded/durable"
	"github.com/recto-edge/recto/node"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
	"github.com/recto-edge/recto/node/extract/fields"
	"github.com/recto-edge/recto/node/extract/types"
)

// learned are the shipped types with enough examples to learn from; the others,
// and those of an admin, are known by their own words.
var learned = []string{"identity", "invoice", "order", "receipt"}

// worded are those of the others of which there are documents to measure with.
var worded = []string{"contract"}

func main() {
	data := flag.String("data", "../shared/data", "folder of labelled sets")
	readings := flag.String("readings", filepath.Join(os.TempDir(), "recto-readings"), "folder that keeps the words read")
	out := flag.String("out", "node/extract/fields/classes.json", "the model's file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *data, *readings, *out); err != nil {
		fmt.Fprintln(os.Stderr, "classes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, data, readings, out string) error {
	l := &library{ctx: ctx, data: data, readings: readings}
	train, err := l.training()
	if err != nil {
		return err
	}
	shipped := types.Shipped()
	model, answers := fields.TrainClasses(samplesOf(train), shipped, learned)
	fmt.Fprintf(w, "Held back, vendors never seen (%d documents, %d words learned, temperature %.2f)\n\n", len(train), len(model.Words), model.Temperature)
	report(w, train, answers)
	unseen, err := unseenTypes(train, shipped)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nTypes as an admin would add them, known by their own words only\n\n")
	report(w, train, unseen)
	measured, err := l.measured()
	if err != nil {
		return err
	}
	answers = nil
	for i, d := range measured {
		answers = append(answers, fields.ClassAnswer{Sample: i, Verdict: model.Classify(d.Reading, shipped)})
	}
	fmt.Fprintf(w, "\nSets that trained nothing\n\n")
	report(w, measured, answers)
	b, err := json.Marshal(model)
	if err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	fmt.Fprintf(w, "\n%s: %d bytes\n", out, len(b))
	return durable.WriteFile(out, bytes.NewReader(append(b, '\n')))
}

// unseenTypes gives the answers about each learned type's documents of a model
// that never heard of that type.
func unseenTypes(train []sample, shipped []doc.Type) ([]fields.ClassAnswer, error) {
	var out []fields.ClassAnswer
	for _, left := range learned {
		var rest []sample
		var at []int
		for i, s := range train {
			if s.Type != left {
				rest = append(rest, s)
			} else {
				at = append(at, i)
			}
		}
		var names []string
		var known []doc.Type
		for _, n := range learned {
			if n != left {
				names = append(names, n)
			}
		}
		for _, t := range shipped {
			if t.Name != left {
				known = append(known, t)
			}
		}
		model, _ := fields.TrainClasses(samplesOf(rest), known, names)
		for _, i := range at {
			out = append(out, fields.ClassAnswer{Sample: i, Verdict: model.Classify(train[i].Reading, shipped)})
		}
	}
	return out, nil
}

func samplesOf(all []sample) []fields.ClassSample {
	out := make([]fields.ClassSample, len(all))
	for i, s := range all {
		out[i] = s.ClassSample
	}
	return out
}

// read gives the words of a set's documents.
func (l *library) read(set string, rasterise bool, emit func(eval.Case, doc.Reading)) error {
	return node.ReadLabelled(l.ctx, filepath.Join(l.data, set), node.EvalOptions{Rasterise: rasterise, Readings: l.readings},
		func(c eval.Case, r doc.Reading) error {
			emit(c, r)
			return nil
		})
}

// report prints for each set what its documents were taken for, and how far
// confidence and truth are apart.
func report(w io.Writer, of []sample, answers []fields.ClassAnswer) {
	columns := slices.Concat(learned, worded, []string{fields.Generic})
	fmt.Fprintf(w, "%-22s %-9s %5s", "set", "is", "n")
	for _, c := range columns {
		fmt.Fprintf(w, " %9s", c)
	}
	fmt.Fprintf(w, " %7s %9s %6s %6s\n", "right", "sure", "wrong", "ECE")
	var order []string
	bySet := map[string][]fields.ClassAnswer{}
	for _, a := range answers {
		set := of[a.Sample].set + "\t" + of[a.Sample].want()
		if len(bySet[set]) == 0 {
			order = append(order, set)
		}
		bySet[set] = append(bySet[set], a)
	}
	for _, set := range order {
		name, _, _ := strings.Cut(set, "\t")
		line(w, name, of, bySet[set], columns)
	}
	line(w, "all", of, answers, nil)
}

func line(w io.Writer, name string, of []sample, answers []fields.ClassAnswer, columns []string) {
	taken := map[string]int{}
	right, sure, wrong := 0, 0, 0
	var bins [10]struct{ n, conf, right float64 }
	for _, a := range answers {
		is := of[a.Sample].want()
		taken[a.Verdict.Type]++
		ok := 0.0
		if a.Verdict.Type == is {
			right, ok = right+1, 1
		}
		if a.Verdict.Type != fields.Generic && a.Verdict.Confidence >= fields.SureType {
			sure++
			wrong += int(1 - ok)
		}
		b := &bins[min(int(a.Verdict.Confidence*10), 9)]
		b.n, b.conf, b.right = b.n+1, b.conf+a.Verdict.Confidence, b.right+ok
	}
	ece := 0.0
	for _, b := range bins {
		if b.n > 0 {
			ece += max(b.conf-b.right, b.right-b.conf) / float64(len(answers))
		}
	}
	n := float64(len(answers))
	is := strings.Repeat(" ", 9)
	if columns != nil {
		is = of[answers[0].Sample].want()
	}
	fmt.Fprintf(w, "%-22s %-9s %5d", name, is, len(answers))
	for _, c := range columns {
		fmt.Fprintf(w, " %9d", taken[c])
	}
	if columns == nil {
		fmt.Fprintf(w, "%50s", "")
	}
	fmt.Fprintf(w, " %6.1f%% %8.1f%% %6d %6.3f\n", 100*float64(right)/n, 100*float64(sure)/n, wrong, ece)
}
