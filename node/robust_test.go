package node_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// TestHostileInput gives a node malformed files and truncations of good ones.
// Each ends settled, with a reason when it failed; the process stays the same and
// does not keep more than 64 MiB. RECTO_ROBUST=full takes every file, else a
// sample. RECTO_DATA is the folder of development data.
func TestHostileInput(t *testing.T) {
	root := os.Getenv("RECTO_DATA")
	if root == "" {
		root = "../../shared/data"
	}
	all := hostile(t, filepath.Join(root, "robust"))
	if len(all) == 0 {
		t.Skipf("no malformed files below %s: set RECTO_DATA", root)
	}
	step := 12
	if os.Getenv("RECTO_ROBUST") == "full" {
		step = 1
	}
	p := newProcess(t)
	p.start()
	p.ready()
	// The engines are loaded and warm before memory is looked at.
	names := map[doc.ID]string{}
	for _, f := range []string{"receipt-cafe.pdf", "e-invoice.pdf", "passport-specimen.jpg", "invoice-scanned.pdf"} {
		body, err := os.ReadFile(filepath.Join("../packaging/samples", f))
		if err != nil {
			t.Fatal(err)
		}
		p.give(t, names, f, body)
		for i := range 4 { // truncations of a good file
			p.give(t, names, f+".cut", body[:len(body)*(i+1)/5])
		}
	}
	p.settled(len(names))
	pid, before := p.cmd.Process.Pid, p.memory(t)
	var slowest time.Duration
	for i := 0; i < len(all); i += step {
		body, err := os.ReadFile(all[i])
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		p.give(t, names, filepath.Base(all[i]), body)
		p.settled(len(names))
		if took := time.Since(start); took > slowest {
			slowest = took
		}
	}
	for _, s := range p.all() {
		r := p.record(s.ID)
		if (s.State == doc.StateFailed || s.State == doc.StateHeld) && (r.Reason == nil || r.Reason.Message == "") {
			t.Errorf("%s is %s without a reason", names[s.ID], s.State)
		}
		if r.Reason != nil && r.Reason.Code == doc.Internal {
			t.Errorf("%s: %s", names[s.ID], r.Reason.Message)
		}
	}
	if p.cmd.Process.Pid != pid || p.cmd.ProcessState != nil {
		t.Error("the process did not survive")
	}
	after := p.memory(t)
	t.Logf("%d documents, slowest %v, memory %d MB before and %d MB after", len(names), slowest.Round(time.Millisecond), before, after)
	if after > before+64 {
		t.Errorf("memory grew from %d to %d MB", before, after)
	}
}

// give uploads one file; one that is refused at the door must be empty.
func (p *process) give(t *testing.T, names map[doc.ID]string, name string, body []byte) {
	t.Helper()
	r, ok := p.upload(strings.Map(plain, name), body)
	if !ok {
		if len(body) > 0 {
			t.Errorf("%s (%d bytes) was not acknowledged", name, len(body))
		}
		return
	}
	names[r.ID] = name
}

func plain(r rune) rune {
	if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", r) {
		return r
	}
	return '_'
}

// hostile lists files in a fixed order that mixes kinds.
func hostile(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".tsv") {
			return nil // an absent folder gives an empty list
		}
		out = append(out, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	return out
}
