//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/recto-edge/recto/node/chaos"
)

// scenario runs one named scenario and prints what came of it as JSON.
func scenario(ctx context.Context, name, bin, out string, kills int, cfg chaos.Config) error {
	r := chaos.NewRecto(bin)
	r.Trial = true
	var result any
	var err error
	switch name {
	case "growth":
		result, err = chaos.Growth(ctx, cfg, r)
	case "rolling":
		newer := bin + "-newer"
		if err = (chaos.Build{Version: "newer", Level: 3}).Make(ctx, ".", newer); err == nil {
			result, err = chaos.Rolling(ctx, cfg, r, newer)
		}
	case "failover":
		r.Delay, r.Workers = 3*time.Second, 2
		result, err = chaos.MeasureFailover(ctx, cfg, r, kills)
	case "spread":
		r.Delay, r.Workers = time.Second, 2
		result, err = chaos.MeasureSpread(ctx, cfg, r, 60)
	default:
		return fmt.Errorf("there is no scenario %q: growth, rolling, failover or spread", name)
	}
	b, e := json.MarshalIndent(result, "", "  ")
	if e != nil {
		return e
	}
	fmt.Println(string(b))
	if out != "" {
		f, e := os.Create(filepath.Join(out, name+".json"))
		if e == nil {
			_, e = f.Write(append(b, '\n'))
			if c := f.Close(); e == nil {
				e = c
			}
		}
		if err == nil {
			err = e
		}
	}
	return err
}
