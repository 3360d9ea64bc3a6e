package main

import (
	"context"
	"fmt"

	"github.com/recto-edge/recto/node"
)

// runSeparator writes a sheet to print.
func runSeparator(_ context.Context, s streams, args []string) error {
	fs := flags(s, "separator")
	out := fs.String("out", "separator.pdf", "where to write the sheet")
	typ := fs.String("type", "", "document type of what lies behind the sheet (default: recognised)")
	if _, err := parse(fs, args, 0, 0); err != nil {
		return err
	}
	if err := node.WriteSeparator(*out, *typ); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s: print it at full size and lay it before every document of a batch\n", *out)
	return nil
}
