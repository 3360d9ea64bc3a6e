package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/recto-edge/recto/node"
)

func runExtract(ctx context.Context, s streams, args []string) error {
	var o node.ExtractOptions
	fs := flags(s, "extract")
	fs.StringVar(&o.Type, "type", "", "document type: receipt, invoice, identity, generic or one from --types (default: recognised)")
	fs.StringVar(&o.TypesDir, "types", "", "folder with further document types (*.json)")
	fs.StringVar(&o.Password, "password", "", "password of encrypted files")
	fs.IntVar(&o.Workers, "workers", 0, "files read at the same time (default: one a core)")
	fs.BoolVar(&o.Words, "words", false, "with --json: print the words of every page too")
	asJSON := fs.Bool("json", false, "print one JSON object a line")
	files, err := parse(fs, args, 1, -1)
	if err != nil {
		return err
	}
	p := progress(s.err)
	defer p.done()
	o.Progress = func(file, stage string, n, of int) { p.show(filepath.Base(file)+" "+stage, n, of) }
	failed := 0
	err = node.Extract(ctx, o, files, func(r node.FileResult) error {
		p.done()
		if r.Error != nil {
			failed++
		}
		if *asJSON {
			return printJSON(s.out, r)
		}
		if r.Error != nil {
			_, err := fmt.Fprintf(s.out, "%s\n  cannot be read: %s\n\n", r.File, r.Error.Message)
			return err
		}
		fmt.Fprintf(s.out, "%s  %s, %d page(s), read in %d ms\n", r.File, r.Type, r.Pages, r.TimingsMS["total"])
		printFields(s.out, r.Fields)
		for _, w := range r.Warnings {
			fmt.Fprintln(s.out, "  note:", w)
		}
		_, err := fmt.Fprintln(s.out)
		return err
	})
	if err == nil && failed > 0 {
		err = errors.New(plural(failed, "file") + " could not be read")
	}
	return err
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
