package main

import (
	"context"
	"path/filepath"

	"github.com/recto-edge/recto/node"
)

func runEval(ctx context.Context, s streams, args []string) error {
	var o node.EvalOptions
	fs := flags(s, "eval")
	fs.StringVar(&o.Type, "type", "", "document type of all files (default: recognised)")
	fs.StringVar(&o.TypesDir, "types", "", "folder with further document types (*.json)")
	fs.BoolVar(&o.Rasterise, "rasterise", false, "read the pages' pictures only: no text layer, no attachments")
	fs.IntVar(&o.Limit, "limit", 0, "read only the first N files")
	fs.StringVar(&o.Only, "only", "", "count only documents whose record says so, as member=value; with --folds the others still teach (default: all)")
	fs.IntVar(&o.Workers, "workers", 0, "files read at the same time (default: one a core)")
	fs.StringVar(&o.Readings, "readings", "", "folder that keeps the words read, so that the next run need not read again (default: none)")
	fs.IntVar(&o.Misses, "misses", 20, "how many misses to list (with --json: all)")
	fs.StringVar(&o.HTML, "html", "", "write the report to this file as a page with plots and pictures of the misses")
	fs.StringVar(&o.Compare, "compare", "", "compare with this earlier report, made with --json by another revision or model over the same folder")
	fs.StringVar(&o.Model, "model", "", "read with this model instead of the shipped one; none: rules alone")
	fs.IntVar(&o.Folds, "folds", 0, "cross-validate: learn from all parts of the folder but one and read that, this many times")
	fs.BoolVar(&o.Random, "random", false, "with --folds: parts share vendors, which are remembered (default: a vendor is in one part only)")
	fs.Uint64Var(&o.Deal, "deal", 1, "with --folds: deal the parts another way; of so few mistakes as there are among sure values, where they fall is luck")
	fs.IntVar(&o.Confirm, "confirm", 0, "with --folds: confirm this many other documents of its vendor before reading a document; vendors with no more do not count")
	fs.StringVar(&o.Group, "group", "", "with --folds: member of the records that names the vendor (default: vendor)")
	asJSON := fs.Bool("json", false, "print the report as JSON")
	dirs, err := parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	p := progress(s.err)
	defer p.done()
	o.Progress = func(file string, n, of int) { p.show(filepath.Base(file), n, of) }
	report, err := node.Evaluate(ctx, dirs[0], o)
	if err != nil {
		return err
	}
	p.done()
	if *asJSON {
		return printJSON(s.out, report)
	}
	return report.WriteText(s.out, o.Misses)
}
