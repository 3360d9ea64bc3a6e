package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/recto-edge/recto/node"
)

func runRecover(ctx context.Context, s streams, args []string) error {
	var f configFlags
	fs := flags(s, "recover")
	fs.StringVar(&f.file, "config", "", "configuration file (TOML)")
	fs.StringVar(&f.data, "data", "", "data folder (default recto-data, or $RECTO_HOME)")
	yes := fs.Bool("yes", false, "do not ask")
	if _, err := parse(fs, args, 0, 0); err != nil {
		return err
	}
	cfg, err := f.load()
	if err != nil {
		return err
	}
	agreed := false
	err = node.Recover(ctx, cfg, func(p node.RecoverPlan) bool {
		printPlan(s, p)
		agreed = *yes || ask(s)
		return agreed
	})
	if err != nil {
		return err
	}
	if !agreed {
		_, err = fmt.Fprintln(s.out, "Nothing was changed.")
		return err
	}
	_, err = fmt.Fprintln(s.out, "This machine is a cluster of its own now. Start it with recto up, then let new machines join: recto token create")
	return err
}

// printPlan says what may be lost, before anything is changed.
func printPlan(s streams, p node.RecoverPlan) {
	fmt.Fprintf(s.out, "%s (%s) becomes a cluster of its own, with what it holds, and goes on as cluster %s.\n\n", p.Name, p.Node, p.Cluster)
	if len(p.Lost) > 0 {
		fmt.Fprintf(s.out, "Given up: %s. Never start them again as they are: they are kept out, and what only they hold is lost.\n", strings.Join(p.Lost, ", "))
	}
	fmt.Fprintf(s.out, "The document log here ends at message %d", p.LogSeq)
	if !p.LogAt.IsZero() {
		fmt.Fprintf(s.out, ", written %s", p.LogAt.Local().Format(time.DateTime))
	}
	fmt.Fprintln(s.out, ". What other members took after it may be lost.")
	fmt.Fprintf(s.out, "%s known here", plural(p.Documents, "document"))
	if p.Missing > 0 {
		fmt.Fprintf(s.out, "; the originals of %d of them are NOT here", p.Missing)
	}
	fmt.Fprintln(s.out, ".")
	for _, w := range p.Warnings {
		fmt.Fprintln(s.out, w)
	}
	fmt.Fprint(s.out, "\nIf a majority of the members can be started again, do that instead: then nothing is lost.\n")
}

// ask gives true for yes, typed in full.
func ask(s streams) bool {
	fmt.Fprint(s.err, "Go on? Type yes: ")
	line, _ := bufio.NewReader(s.in).ReadString('\n') // the end of the input is a no
	return strings.TrimSpace(line) == "yes"
}
