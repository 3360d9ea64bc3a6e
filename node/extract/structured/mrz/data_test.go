package mrz

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

type label struct {
	ID     string            `json:"id"`
	File   string            `json:"file"`
	Fields map[string]string `json:"fields"`
	AllOK  bool              `json:"all_check_digits_ok"`
}

// labelled reads the labelled specimens, or skips the test.
func labelled(t *testing.T) []label {
	t.Helper()
	dir := os.Getenv("RECTO_DATA")
	if dir == "" {
		dir = "../../../../../shared/data"
	}
	raw, err := os.ReadFile(filepath.Join(dir, "mrz", "labels.jsonl"))
	if err != nil {
		t.Skipf("no labelled documents: set RECTO_DATA (%v)", err)
	}
	var labels []label
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		var l label
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		labels = append(labels, l)
	}
	return labels
}

// wrong counts the labelled fields that fields do not say, dates as they stand
// in the zone.
func wrong(t *testing.T, l label, fields []doc.Field, explain bool) int {
	t.Helper()
	got := flat(fields)
	for _, f := range fields {
		if f.Type == doc.Date && len(f.Value) == 10 {
			got[f.Name] = strings.ReplaceAll(f.Value, "-", "")[2:]
		}
	}
	n := 0
	for name, want := range l.Fields {
		if name != "mrz_format" && got[name] != want {
			n++
			if explain {
				t.Errorf("%s %s = %q, want %q", l.ID, name, got[name], want)
			}
		}
	}
	return n
}

func TestLabelledZones(t *testing.T) {
	for _, l := range labelled(t) {
		fields, ok := Read([]doc.Page{printed(strings.Split(l.Fields["mrz"], "\n")...)})
		if !ok {
			t.Errorf("%s: not found", l.ID)
		}
		wrong(t, l, fields, true)
		for _, f := range fields {
			if l.AllOK && len(f.FailedChecks) > 0 {
				t.Errorf("%s %s: failed %v", l.ID, f.Name, f.FailedChecks)
			}
		}
	}
}

func TestLabelledZonesUnderNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	all, bad := 0, 0
	for _, l := range labelled(t) {
		for range 20 {
			var lines []string
			for _, line := range strings.Split(l.Fields["mrz"], "\n") {
				lines = append(lines, noisy(r, line))
			}
			fields, _ := Read([]doc.Page{printed(lines...)})
			all += len(l.Fields) - 1
			bad += wrong(t, l, fields, false)
		}
	}
	t.Logf("%d of %d values right", all-bad, all)
	if bad*100 > all*6 {
		t.Error("too many are wrong")
	}
}
