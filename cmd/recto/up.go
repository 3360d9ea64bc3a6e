package main

import (
	"context"
	"fmt"
	"os"

	"github.com/recto-edge/recto/node"
)

// config gives the node's configuration: the file, then the flags over it.
type configFlags struct {
	file, data, listen string
	plain              bool
	folder, logLevel   string
	cluster            node.ClusterConfig
}

func (f *configFlags) load() (node.Config, error) {
	cfg := node.Default()
	if home := os.Getenv("RECTO_HOME"); home != "" {
		cfg.Data = home
	}
	if f.file != "" {
		var err error
		if cfg, err = node.Load(f.file); err != nil {
			return cfg, err
		}
	}
	if f.data != "" {
		cfg.Data = f.data
	}
	if f.listen != "" {
		cfg.Listen = f.listen
	}
	if f.plain {
		cfg.PlainHTTP = true
	}
	if f.folder != "" {
		cfg.Folder = append(cfg.Folder, node.FolderConfig{Path: f.folder})
	}
	if f.logLevel != "" {
		cfg.Log.Level = f.logLevel
	}
	for _, o := range []struct{ from, to *string }{
		{&f.cluster.Listen, &cfg.Cluster.Listen}, {&f.cluster.Advertise, &cfg.Cluster.Advertise}, {&f.cluster.Name, &cfg.Cluster.Name},
		{&f.cluster.Join, &cfg.Cluster.Join}, {&f.cluster.Token, &cfg.Cluster.Token},
	} {
		if *o.from != "" {
			*o.to = *o.from
		}
	}
	return cfg, cfg.Validate()
}

func runUp(ctx context.Context, s streams, args []string) error {
	var f configFlags
	fs := flags(s, "up")
	fs.StringVar(&f.file, "config", "", "configuration file (TOML)")
	fs.StringVar(&f.data, "data", "", "folder that holds everything (default recto-data, or $RECTO_HOME)")
	fs.StringVar(&f.listen, "listen", "", "address of API and UI (default 127.0.0.1:8420; any other than loopback speaks TLS)")
	fs.BoolVar(&f.plain, "plain-http", false, "speak HTTP without TLS even where others can listen")
	fs.StringVar(&f.folder, "folder", "", "watch this folder for files (absolute path)")
	fs.StringVar(&f.logLevel, "log", "", "debug, info, warn or error")
	fs.StringVar(&f.cluster.Join, "join", "", "at the first start: join the cluster of the member at this address, host:port")
	fs.StringVar(&f.cluster.Token, "token", "", "with --join: what recto token create gave")
	fs.StringVar(&f.cluster.Name, "name", "", "how people call this machine (default: its host name)")
	fs.StringVar(&f.cluster.Listen, "peer-listen", "", "address for other members (default: the host of --listen, port 8421); the next port is used, too")
	fs.StringVar(&f.cluster.Advertise, "peer-advertise", "", "what other members call that address, host or host:port (default: found out)")
	if _, err := parse(fs, args, 0, 0); err != nil {
		return err
	}
	cfg, err := f.load()
	if err != nil {
		return err
	}
	return node.Run(ctx, cfg, node.Build{Version: version}, s.out, s.err)
}

func runDoctor(ctx context.Context, s streams, args []string) error {
	var f configFlags
	fs := flags(s, "doctor")
	fs.StringVar(&f.file, "config", "", "configuration file (TOML)")
	fs.StringVar(&f.data, "data", "", "data folder (default recto-data, or $RECTO_HOME)")
	asJSON := fs.Bool("json", false, "print JSON")
	if _, err := parse(fs, args, 0, 0); err != nil {
		return err
	}
	cfg, err := f.load()
	if err != nil {
		return err
	}
	findings := node.Doctor(ctx, cfg)
	if *asJSON {
		return printJSON(s.out, findings)
	}
	bad := 0
	for _, d := range findings {
		fmt.Fprintf(s.out, "%-4s %-12s %s\n", d.Verdict, d.Part, d.Text)
		if d.Verdict == node.VerdictBad {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d parts need attention", bad, len(findings))
	}
	return nil
}

func runRebuild(ctx context.Context, s streams, args []string) error {
	var f configFlags
	fs := flags(s, "rebuild")
	fs.StringVar(&f.file, "config", "", "configuration file (TOML)")
	fs.StringVar(&f.data, "data", "", "data folder (default recto-data, or $RECTO_HOME)")
	if _, err := parse(fs, args, 0, 0); err != nil {
		return err
	}
	cfg, err := f.load()
	if err != nil {
		return err
	}
	p := progress(s.err)
	defer p.done()
	report, err := node.Rebuild(ctx, cfg, func(stage string, n, of int) { p.show(stage, n, of) })
	if err != nil {
		return err
	}
	p.done()
	fmt.Fprintf(s.out, "%d documents in the blob store: %d were missing in the log and are back, index and results rebuilt\n", report.Documents, report.Restored)
	return nil
}
