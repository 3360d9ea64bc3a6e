//go:build linux

// Command chaos breaks clusters of real processes by seeds and says what was
// lost. It needs root for links, power losses and full disks.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/recto-edge/recto/node/chaos"
	"github.com/recto-edge/recto/node/chaos/volume"
)

func main() {
	if chaos.ServePlain() {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	bin := flag.String("bin", "", "a built binary; empty: one is built whose clock can jump")
	trial := flag.Bool("trial", false, "the binary named was built here: its clock can jump and its reading wait")
	system := flag.String("system", "recto", "recto, or jetstream: plain JetStream with default settings, to compare with")
	members := flag.Int("members", 3, "of each cluster")
	first := flag.Uint64("first", 1, "first seed")
	seeds := flag.Int("seeds", 20, "number of runs")
	lanes := flag.Int("parallel", 4, "clusters at the same time")
	fresh := flag.Int("fresh", 40, "a new cluster after so many runs")
	only := flag.String("only", "", "faults of this kind only")
	disk := flag.String("disk", string(volume.Image), "folder, memory or image")
	out := flag.String("out", "", "folder for reports, and for histories and logs of broken runs")
	named := flag.String("scenario", "", "instead of seeds: growth, rolling, failover or spread")
	kills := flag.Int("kills", 50, "of the scenario failover")
	flag.Parse()

	abs := ""
	if *system == "recto" || *named != "" {
		var err error
		if abs, err = binary(ctx, *bin); err != nil {
			return err
		}
	}
	if gone, err := volume.Sweep(""); err != nil || len(gone) > 0 {
		fmt.Fprintln(os.Stderr, "swept", gone, err)
	}
	k := chaos.Campaign{
		System: func() chaos.System {
			r := chaos.NewRecto(abs)
			r.Trial = *trial || *bin == ""
			return r
		},
		Config: chaos.Config{Members: *members, Volume: volume.Kind(*disk), Size: 192 << 20},
		First:  *first, Seeds: *seeds, Lanes: *lanes, Fresh: *fresh, Only: chaos.FaultKind(*only), Keep: *out, Said: os.Stdout,
	}
	if *system == "jetstream" {
		k.System = func() chaos.System { return chaos.NewPlain() }
		k.Config.Patience = 30 * time.Second // what is gone stays gone
	}
	if *out != "" {
		if err := os.MkdirAll(*out, 0o755); err != nil {
			return err
		}
	}
	if *named != "" {
		return scenario(ctx, *named, abs, *out, *kills, k.Config)
	}
	if *out != "" {
		f, err := os.OpenFile(filepath.Join(*out, *system+".jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		k.Reports = f
	}
	s, err := k.Run(ctx)
	if e := s.Table(os.Stdout); err == nil {
		err = e
	}
	b, e := json.Marshal(s)
	fmt.Println(string(b))
	if err == nil {
		err = e
	}
	if err == nil && *system == "recto" && (s.Broken > 0 || s.Failed > 0) {
		err = fmt.Errorf("%d of %d runs broke a promise, %d gave no verdict: seeds %v", s.Broken, s.Runs, s.Failed, s.Bad)
	}
	return err
}

// binary gives the program to run, built for fault runs when none is named.
func binary(ctx context.Context, named string) (string, error) {
	if named != "" {
		return filepath.Abs(named)
	}
	out, err := filepath.Abs(filepath.Join(".cache", "recto-chaos"))
	if err != nil {
		return "", err
	}
	return out, chaos.Build{Version: "chaos"}.Make(ctx, ".", out)
}
