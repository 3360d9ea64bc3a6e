//go:build linux

package chaos

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/chaos/wire"
)

// A member that does not stop when it is told to is ended, and breaks its run; one that
// stops, or a fault that failed otherwise, does not.
func TestHung(t *testing.T) {
	net := wire.Loopback()
	defer net.Close()
	host, err := net.Host()
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	m := &Member{Name: "n1", Host: host, out: out}
	told := func(script string) error {
		ready := filepath.Join(t.TempDir(), "ready")
		if err := m.Start(exec.Command("sh", "-c", script, "sh", ready)); err != nil {
			t.Fatal(err)
		}
		for limit := time.Now().Add(10 * time.Second); ; {
			if _, err := os.Stat(ready); err == nil {
				break
			}
			if time.Now().After(limit) {
				t.Fatal("the process does not begin")
			}
			pause(t.Context(), 10*time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return m.Term(ctx)
	}
	if err := told(`touch "$1"; exec sleep 60`); err != nil {
		t.Errorf("one that stops: %v", err)
	}
	err = told(`trap "" TERM; touch "$1"; exec sleep 60`)
	if !errors.Is(err, errHangs) || m.Runs() {
		t.Errorf("one that does not: %v, runs %v", err, m.Runs())
	}
	found := hung([]Injected{{Members: []string{"n1"}, Error: "no room"}, {Members: []string{"n2"}, Error: err.Error(), Hung: true}})
	if len(found) != 1 || found[0].Member != "n2" {
		t.Errorf("blamed: %v, want n2 alone", found)
	}
}
