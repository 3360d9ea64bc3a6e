package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/recto-edge/recto/node/client"
	"github.com/recto-edge/recto/node/doc"
)

func runTypes(ctx context.Context, s streams, args []string) error {
	var asJSON bool
	c, rest, err := talk(s, "types", args, 0, 2, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	defer c.Close()
	switch {
	case len(rest) == 0:
		return listTypes(ctx, s, c, asJSON)
	case len(rest) == 1:
		t, err := c.Type(ctx, rest[0])
		if err != nil {
			return err
		}
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(t)
	case rest[0] == "put":
		return putType(ctx, s, c, rest[1])
	case rest[0] == "delete":
		if err := c.DeleteType(ctx, rest[1]); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.out, "%s removed\n", rest[1])
		return err
	}
	fmt.Fprintln(s.err, "recto types: use NAME, put FILE or delete NAME")
	return errUsage
}

func listTypes(ctx context.Context, s streams, c *client.Client, asJSON bool) error {
	all, err := c.Types(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(s.out, all)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, t := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t\n", t.Name, t.Title, plural(len(t.Fields), "field"))
	}
	return w.Flush()
}

func putType(ctx context.Context, s streams, c *client.Client, path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var t doc.Type
	if err := json.Unmarshal(raw, &t); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := c.PutType(ctx, t); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s is there, with %s; no restart needed\n", t.Name, plural(len(t.Fields), "field"))
	return err
}

func runStatus(ctx context.Context, s streams, args []string) error {
	var asJSON bool
	c, _, err := talk(s, "status", args, 0, 0, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	defer c.Close()
	st, err := c.Status(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(s.out, st)
	}
	state := "ready"
	if !st.Ready {
		state = "not ready"
	}
	if st.Standing != "" && st.Standing != doc.MemberActive {
		state = string(st.Standing) + ", " + state
	}
	fmt.Fprintf(s.out, "%s (%s) of cluster %s, version %s, %s\n", st.Name, st.Node, st.Cluster, st.Version, state)
	for _, e := range st.Engines {
		fmt.Fprintf(s.out, "  %-14s %-9s %s\n", e.Name, e.State, e.Detail)
	}
	o, err := c.Overview(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s:", plural(o.Total, "document"))
	for _, state := range doc.States {
		if n := o.ByState[state]; n > 0 {
			fmt.Fprintf(s.out, "  %s %d", state, n)
		}
	}
	_, err = fmt.Fprintln(s.out)
	return err
}

func runBackup(ctx context.Context, s streams, args []string) error {
	c, files, err := talk(s, "backup", args, 1, 1, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	body, err := c.Backup(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	// Written beside and renamed, so that a backup that was cut never has the
	// name of a whole one.
	f, err := os.CreateTemp(filepath.Dir(files[0]), filepath.Base(files[0])+".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	p := progress(s.err)
	n, err := io.Copy(f, &counted{body, func(n int64) { p.show(fmt.Sprintf("%.1f MB", float64(n)/1e6), 0, 0) }, 0})
	p.done()
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), files[0])
	}
	if err != nil {
		return fmt.Errorf("the backup is not whole: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "%s: %.1f MB\n", files[0], float64(n)/1e6)
	return err
}

func runRestore(ctx context.Context, s streams, args []string) error {
	c, files, err := talk(s, "restore", args, 1, 1, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	f, err := os.Open(files[0])
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	p := progress(s.err)
	r, err := c.Restore(ctx, &counted{f, func(n int64) { p.show(filepath.Base(files[0]), int(n>>20), int(info.Size()>>20)) }, 0}, info.Size())
	p.done()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%d objects read, %d documents there now, %d of them were new to this node\n", r.Objects, r.Documents, r.Returned)
	return err
}

// counted tells how much has been read.
type counted struct {
	io.Reader
	tell func(int64)
	n    int64
}

// Read implements io.Reader.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	c.tell(c.n)
	return n, err
}
