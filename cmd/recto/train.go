package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/recto-edge/recto/node"
)

func runTrain(ctx context.Context, s streams, args []string) error {
	o := node.TrainOptions{MadeAt: time.Now()}
	fs := flags(s, "train")
	fs.StringVar(&o.Type, "type", "", "document type to learn (needed)")
	fs.StringVar(&o.TypesDir, "types", "", "folder with further document types (*.json)")
	fs.BoolVar(&o.Rasterise, "rasterise", false, "read the pages' pictures only: no text layer, no attachments")
	fs.StringVar(&o.Group, "group", "", "member of the records that names the vendor (default: vendor)")
	fs.StringVar(&o.Readings, "readings", "", "folder that keeps the words read, so that the next run need not read again (default: none)")
	fs.IntVar(&o.Workers, "workers", 0, "files read at the same time (default: one a core)")
	fs.StringVar(&o.Out, "out", "", "file for the model (needed)")
	licences := fs.String("licence", "", "licences of the documents, for the model's card, with commas between")
	asJSON := fs.Bool("json", false, "print what was made as JSON")
	dirs, err := parse(fs, args, 1, -1)
	if err != nil {
		return err
	}
	if o.Type == "" || o.Out == "" {
		return fmt.Errorf("train: --type and --out are needed")
	}
	if *licences != "" {
		o.Licences = strings.Split(*licences, ",")
	}
	p := progress(s.err)
	defer p.done()
	o.Progress = func(file string, n, of int) { p.show(filepath.Base(file), n, of) }
	t, err := node.Train(ctx, dirs, o)
	if err != nil {
		return err
	}
	p.done()
	if *asJSON {
		return printJSON(s.out, t)
	}
	fmt.Fprintf(s.out, "%s  %d bytes, from %d documents of %d vendors\n", t.Digest, t.Bytes, t.Card.Documents, t.Card.Vendors)
	names := make([]string, 0, len(t.Card.Labels))
	for name := range t.Card.Labels {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(s.out, "  %-20s %d values\n", name, t.Card.Labels[name])
	}
	fmt.Fprintln(s.out, "vendors never seen:", t.Promises.Strangers.Why)
	fmt.Fprintln(s.out, "vendors confirmed: ", t.Promises.Known.Why)
	if len(t.Doubts) > 0 {
		_, err = fmt.Fprintf(s.out, "%d labels do not stand on their document as it was read; the first: %s\n", len(t.Doubts), t.Doubts[0])
	}
	return err
}
