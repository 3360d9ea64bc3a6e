package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/recto-edge/recto/node"
	"github.com/recto-edge/recto/node/client"
	"github.com/recto-edge/recto/node/doc"
)

// remote is how a command finds the node it talks to.
type remote struct{ url, key, ca, data string }

func (r *remote) flags(fs *flag.FlagSet) {
	fs.StringVar(&r.url, "url", os.Getenv("RECTO_URL"), "address of the node, or of several members with commas between: another one is asked when one fails ($RECTO_URL); default: the node of the data folder")
	fs.StringVar(&r.key, "key", "", "API key ($RECTO_KEY)")
	fs.StringVar(&r.ca, "ca", os.Getenv("RECTO_CA"), "PEM file of the nodes' certificates or their authority ($RECTO_CA)")
	fs.StringVar(&r.data, "data", os.Getenv("RECTO_HOME"), "data folder of a node on this machine (default recto-data, or $RECTO_HOME)")
}

func (r *remote) client() (*client.Client, error) {
	if r.key == "" {
		r.key = os.Getenv("RECTO_KEY")
	}
	if r.url != "" {
		return client.New(r.url, r.key, client.TLS{CAFile: r.ca})
	}
	if r.data == "" {
		r.data = node.Default().Data
	}
	a, err := node.LocalAccess(r.data)
	if err != nil {
		return nil, err
	}
	return client.New(a.URL, a.Key, client.TLS{Fingerprint: a.Cert})
}

// talk parses the flags of a command that talks to a node.
func talk(s streams, name string, args []string, least, most int, more func(*flag.FlagSet)) (*client.Client, []string, error) {
	var r remote
	fs := flags(s, name)
	r.flags(fs)
	if more != nil {
		more(fs)
	}
	rest, err := parse(fs, args, least, most)
	if err != nil {
		return nil, nil, err
	}
	c, err := r.client()
	return c, rest, err
}

func runSubmit(ctx context.Context, s streams, args []string) error {
	var o client.SubmitOptions
	var wait, asJSON bool
	var priority, split string
	c, files, err := talk(s, "submit", args, 1, -1, func(fs *flag.FlagSet) {
		fs.StringVar(&o.Type, "type", "", "document type (default: recognised)")
		fs.StringVar(&priority, "priority", "", "hi, norm or batch")
		fs.StringVar(&split, "split", "", "never: keep a file of several documents in one piece")
		fs.BoolVar(&wait, "wait", false, "wait until the documents are read, and print their fields")
		fs.BoolVar(&asJSON, "json", false, "print JSON, one object a line")
	})
	if err != nil {
		return err
	}
	defer c.Close()
	o.Priority, o.Split = doc.Priority(priority), doc.Splitting(split)
	p := progress(s.err)
	defer p.done()
	receipts := make([]doc.Receipt, 0, len(files))
	failed := 0
	for i, f := range files {
		p.show("sending "+filepath.Base(f), i+1, len(files))
		r, err := submitFile(ctx, c, f, o)
		if err != nil {
			p.done()
			failed++
			fmt.Fprintf(s.err, "%s: %v\n", f, err)
			continue
		}
		receipts = append(receipts, r)
		if wait {
			continue
		}
		p.done()
		if err := printReceipt(s, r, asJSON); err != nil {
			return err
		}
	}
	for _, r := range receipts {
		if !wait {
			break
		}
		rec, err := c.Wait(ctx, r.ID, func(e doc.Event) { p.show(r.Name+" "+e.Stage, e.Page, e.Pages) })
		p.done()
		if err != nil {
			return err
		}
		if rec.State == doc.StateFailed || rec.State == doc.StateHeld {
			failed++
		}
		if err := printRecord(s, rec, asJSON); err != nil {
			return err
		}
	}
	if failed > 0 {
		return errors.New(plural(failed, "file") + " did not go through")
	}
	return nil
}

func submitFile(ctx context.Context, c *client.Client, path string, o client.SubmitOptions) (doc.Receipt, error) {
	f, err := os.Open(path)
	if err != nil {
		return doc.Receipt{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return doc.Receipt{}, err
	}
	return c.Submit(ctx, filepath.Base(path), f, info.Size(), o)
}

func printReceipt(s streams, r doc.Receipt, asJSON bool) error {
	if asJSON {
		return printJSON(s.out, r)
	}
	note := ""
	if r.Duplicate {
		note = "  (the same bytes were there already)"
	}
	_, err := fmt.Fprintf(s.out, "%s  %-8s  %s%s\n", r.ID, r.State, r.Name, note)
	return err
}

func printRecord(s streams, r doc.Record, asJSON bool) error {
	if asJSON {
		return printJSON(s.out, r)
	}
	fmt.Fprintf(s.out, "%s  %s  %s", r.Name, r.ID, r.State)
	if r.Result == nil {
		fmt.Fprintln(s.out)
		if r.Reason != nil {
			fmt.Fprintln(s.out, "  reason:", r.Reason.Message)
		}
		return nil
	}
	fmt.Fprintf(s.out, "  %s (%.0f %% sure), %d page(s), read in %d ms\n", r.Result.Type, r.Result.TypeConfidence*100, r.Result.Pages, r.Result.TimingsMS["total"])
	printFields(s.out, r.Result.Fields)
	for _, w := range r.Result.Warnings {
		fmt.Fprintln(s.out, "  note:", w)
	}
	for _, c := range r.Children {
		fmt.Fprintln(s.out, "  holds:", c)
	}
	_, err := fmt.Fprintln(s.out)
	return err
}

func runList(ctx context.Context, s streams, args []string) error {
	var q doc.Query
	var state string
	var asJSON bool
	c, _, err := talk(s, "ls", args, 0, 0, func(fs *flag.FlagSet) {
		fs.StringVar(&q.Text, "q", "", "words that must occur in name, id or a field's value")
		fs.StringVar(&state, "state", "", "only documents in this state")
		fs.StringVar(&q.Type, "type", "", "only documents of this type")
		fs.IntVar(&q.Limit, "n", 50, "at most this many")
		fs.BoolVar(&asJSON, "json", false, "print JSON, one object a line")
	})
	if err != nil {
		return err
	}
	defer c.Close()
	q.State = doc.State(state)
	l, err := c.List(ctx, q)
	if err != nil {
		return err
	}
	if asJSON {
		for _, d := range l.Documents {
			if err := printJSON(s.out, d); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATE\tTYPE\tPAGES\tRECEIVED\tNAME\t")
	for _, d := range l.Documents {
		name := d.Name
		if d.Reason != "" {
			name += "  (" + d.Reason + ")"
		} else if d.Headline != "" {
			name += "  " + d.Headline
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t\n", d.ID, d.State, d.Type, d.Pages, d.ReceivedAt.Local().Format(time.DateTime), clip(name, 70))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if l.Matched > len(l.Documents) {
		fmt.Fprintf(s.out, "%d of %d; more with -n\n", len(l.Documents), l.Matched)
	}
	return nil
}

func runShow(ctx context.Context, s streams, args []string) error {
	var asJSON bool
	c, ids, err := talk(s, "show", args, 1, 1, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	defer c.Close()
	r, err := c.Get(ctx, doc.ID(ids[0]))
	if err != nil {
		return err
	}
	return printRecord(s, r, asJSON)
}
