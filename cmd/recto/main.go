// Command recto is the whole appliance: it starts a node, reads files without
// one, and talks to a running one. This package turns flags, signals and exit
// codes into one call each; it decides nothing about documents.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// version is set by the linker.
var version = "dev"

// Exit codes, the same for every command.
const (
	exitOK     = 0
	exitFailed = 1   // something asked for did not succeed; what did is printed
	exitUsage  = 2   // the command line is wrong
	exitSignal = 130 // interrupted
)

// command is one sub-command.
type command struct {
	name, args, summary string
	run                 func(ctx context.Context, io streams, args []string) error
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func commands() []command {
	return []command{
		{"up", "[flags]", "start a node: API, UI and everything they need", runUp},
		{"extract", "FILE…", "read files right here, without a node, and print their fields", runExtract},
		{"submit", "FILE…", "send files to a node", runSubmit},
		{"ls", "", "list documents of a node", runList},
		{"show", "ID", "show one document", runShow},
		{"review", "ID [FIELD=VALUE | FIELD+=VALUE]…", "correct or approve a document that was read", runReview},
		{"erase", "ID…", "remove documents for good", runErase},
		{"models", "TYPE [train | activate DIGEST]", "list, train or choose what reads a document type", runModels},
		{"targets", "TYPE [PRECISION | FIELD=PRECISION]…", "say how many accepted values may be wrong, and see what follows", runTargets},
		{"types", "[NAME | put FILE | delete NAME]", "list, show, add or remove document types", runTypes},
		{"eval", "DIR", "measure accuracy on a folder with labels.jsonl", runEval},
		{"train", "DIR…", "learn a document type from folders with labels.jsonl", runTrain},
		{"separator", "[flags]", "make a sheet to print that parts documents of a batch", runSeparator},
		{"status", "", "what a node says about itself", runStatus},
		{"nodes", "[flags]", "the members of the cluster, alarms, and what is being done", runNodes},
		{"token", "create", "make the command that lets a new machine into the cluster", runToken},
		{"drain", "NODE", "have a member finish its work and take no more", runDrain},
		{"remove", "NODE", "have a member leave the cluster for good, also one that is dead", runRemove},
		{"keys", "[create NAME | delete ID]", "list, make or remove the keys of stations and programs", runKeys},
		{"upgrade", "finalise", "put the features of a new version into use on all members, for good", runUpgrade},
		{"recover", "[flags]", "make a stopped member a cluster of its own when most others are lost", runRecover},
		{"doctor", "[flags]", "find out why a node does not start or is not ready", runDoctor},
		{"backup", "FILE", "save everything a running node keeps", runBackup},
		{"restore", "FILE", "bring a backup into a running node", runRestore},
		{"rebuild", "[flags]", "restore log, index and results of a stopped node from its files", runRebuild},
	}
}

// errUsage is returned by a command whose arguments are wrong and said so.
var errUsage = errors.New("usage")

func main() {
	os.Exit(run(streams{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:]))
}

func run(s streams, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(s.out)
		return exitOK
	}
	if args[0] == "version" || args[0] == "--version" {
		fmt.Fprintln(s.out, "recto", version)
		return exitOK
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, s, args[1:])
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return exitOK
		case errors.Is(err, errUsage):
			return exitUsage
		case ctx.Err() != nil && errors.Is(err, context.Canceled):
			return exitSignal
		}
		fmt.Fprintln(s.err, "recto "+c.name+":", err)
		return exitFailed
	}
	fmt.Fprintf(s.err, "recto: there is no command %q; see recto help\n", args[0])
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Recto turns paper into checked data.\n\nUsage: recto COMMAND [flags] [arguments]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "  version   print the version\n\nrecto COMMAND --help explains a command. Start with: recto up\n")
}

// flags makes the flag set of a command, with its usage text.
func flags(s streams, name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(s.err)
	fs.Usage = func() {
		for _, c := range commands() {
			if c.name == name {
				fmt.Fprintf(s.err, "Usage: recto %s %s\n\n%s.\n\n", c.name, c.args, strings.ToUpper(c.summary[:1])+c.summary[1:])
			}
		}
		fs.PrintDefaults()
	}
	return fs
}

// parse parses flags wherever they stand among the arguments and checks that
// between least and most arguments are left; most < 0 means any number.
func parse(fs *flag.FlagSet, args []string, least, most int) ([]string, error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errUsage
		}
		if fs.NArg() == 0 {
			break
		}
		rest = append(rest, fs.Arg(0))
		args = fs.Args()[1:]
	}
	if len(rest) < least || (most >= 0 && len(rest) > most) {
		fs.Usage()
		return nil, errUsage
	}
	return rest, nil
}
