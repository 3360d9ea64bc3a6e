// Command boundaries trains the model that finds where one document of a batch
// ends and the next begins without a separator sheet, on batches made of the
// development sets' documents, and says how good it is.
//
//	go run ./models/boundaries -data ../shared/data -readings /var/tmp/readings -out node/extract/split/boundaries.json
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"

	"github.com/recto-edge/recto/embedded/durable"
	"github.com/recto-edge/recto/node"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
	"github.com/recto-edge/recto/node/extract/split"
)

// folds is into how many parts the vendors are dealt.
const folds = 5

// document is one of a set, without its blank pages.
type document struct {
	set, vendor string
	pages       []doc.Page
}

func (d document) fold() int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(d.vendor))
	return int(h.Sum32() % folds)
}

// set is a labelled folder and the form in which it is read.
type set struct {
	name    string
	picture bool
}

// trains are what the licences let us train on, measures what they do not.
var (
	trains = []set{{"vrdu_adbuy", false}, {"vrdu_adbuy", true}, {"einvoice", false}, {"einvoice", true}, {"my_receipts", true},
		{"parsee_invoices", false}, {"invoice2data", false}, {"sroie", false}}
	measures = []set{{"kleister_nda", false}, {"tables_icdar2013", false}, {"funsd", false}, {"wildreceipt", false}}
)

func main() {
	data := flag.String("data", "../shared/data", "folder of labelled sets")
	readings := flag.String("readings", filepath.Join(os.TempDir(), "recto-readings"), "folder that keeps the words read")
	out := flag.String("out", "node/extract/split/boundaries.json", "the model's file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *data, *readings, *out); err != nil {
		fmt.Fprintln(os.Stderr, "boundaries:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, data, readings, out string) error {
	docs, err := load(ctx, data, readings, trains)
	if err != nil {
		return err
	}
	pairs, sets := batches(docs)
	model, held := split.TrainBoundaries(pairs, folds)
	fmt.Fprintf(w, "Held back, vendors never seen (temperature %.2f)\n\n", model.Temperature)
	report(w, pairs, sets, held)
	docs, err = load(ctx, data, readings, measures)
	if err != nil {
		return err
	}
	pairs, sets = batches(docs)
	var p []float64
	for _, x := range pairs {
		p = append(p, model.Between(x.A, x.B))
	}
	fmt.Fprintf(w, "\nSets that trained nothing\n\n")
	report(w, pairs, sets, p)
	b, err := json.Marshal(model)
	if err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	return durable.WriteFile(out, bytes.NewReader(append(b, '\n')))
}

var callSign = regexp.MustCompile(`\b[KW][A-Z]{3}\b`)

// load reads sets; orders are grouped by the broadcaster's call sign.
func load(ctx context.Context, data, readings string, sets []set) ([]document, error) {
	var out []document
	for _, s := range sets {
		name := s.name
		if s.picture {
			name += " (pictures)"
		}
		err := node.ReadLabelled(ctx, filepath.Join(data, s.name), node.EvalOptions{Rasterise: s.picture, Readings: readings}, func(c eval.Case, r doc.Reading) error {
			d := document{set: name, vendor: s.name + c.Vendor}
			if c.Vendor == "" {
				d.vendor += c.ID
			}
			count, most := map[string]int{}, 0
			for _, p := range r.Pages {
				if p.Blank || len(p.Words) == 0 {
					continue
				}
				d.pages = append(d.pages, p)
				for _, word := range p.Words {
					sign := callSign.FindString(word.Text)
					if count[sign]++; s.name == "vrdu_adbuy" && sign != "" && count[sign] > most {
						d.vendor, most = s.name+sign, count[sign]
					}
				}
			}
			if len(d.pages) > 0 {
				out = append(out, d)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// batches gives the pairs of pages of batches made of docs: all within documents,
// and for each document the next one three times: of the same vendor where there
// is one, of the same set, and of any set. Both are of one fold.
func batches(docs []document) (pairs []split.Pair, sets []string) {
	rng := rand.New(rand.NewPCG(17, 23))
	add := func(a, b doc.Page, ends bool, d document) {
		pairs = append(pairs, split.Pair{A: a, B: b, Ends: ends, Fold: d.fold()})
		sets = append(sets, d.set)
	}
	for i, d := range docs {
		for n := 1; n < len(d.pages); n++ {
			add(d.pages[n-1], d.pages[n], false, d)
		}
		for _, fits := range []func(document) bool{
			func(o document) bool { return o.vendor == d.vendor && o.set == d.set },
			func(o document) bool { return o.set == d.set },
			func(document) bool { return true },
		} {
			for range 200 {
				j := rng.IntN(len(docs))
				if o := docs[j]; j != i && fits(o) && o.fold() == d.fold() {
					add(d.pages[len(d.pages)-1], o.pages[0], true, d)
					break
				}
			}
		}
	}
	return pairs, sets
}

// report prints how often pages of one document would be parted, and how many
// boundaries found.
func report(w io.Writer, pairs []split.Pair, sets []string, p []float64) {
	fmt.Fprintf(w, "%-24s %8s %8s %8s   %10s %8s %8s   %6s\n", "set", "within", "split", "asked", "boundaries", "split", "asked", "ECE")
	var order []string
	bySet := map[string][]int{}
	for i := range pairs {
		if bySet[sets[i]] == nil {
			order = append(order, sets[i])
		}
		bySet[sets[i]] = append(bySet[sets[i]], i)
		bySet["all"] = append(bySet["all"], i)
	}
	for _, name := range append(order, "all") {
		var n, done, asked [2]int
		var bins [10]struct{ n, p, ends float64 }
		for _, i := range bySet[name] {
			k := 0
			if pairs[i].Ends {
				k = 1
			}
			n[k]++
			switch {
			case p[i] >= split.SplitAt:
				done[k]++
			case p[i] >= split.ProposeAt:
				asked[k]++
			}
			b := &bins[min(int(10*p[i]), 9)]
			b.n, b.p, b.ends = b.n+1, b.p+p[i], b.ends+float64(k)
		}
		ece := 0.0
		for _, b := range bins {
			ece += max(b.p-b.ends, b.ends-b.p) / float64(len(bySet[name]))
		}
		fmt.Fprintf(w, "%-24s %8d %8d %8d   %10d %8d %8d   %6.3f\n", name, n[0], done[0], asked[0], n[1], done[1], asked[1], ece)
	}
}
