package brake_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/recto-edge/recto/embedded/pdfium/brake"
)

var update = flag.Bool("update", false, "write the embedded module")

// endless is (module (memory (export "m") 1) (func (export "f") loop br 0 end)).
var endless = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x04\x01\x60\x00\x00" + // a type without parameters and results
	"\x03\x02\x01\x00" +
	"\x05\x03\x01\x00\x01" +
	"\x07\x09\x02\x01m\x02\x00\x01f\x00\x00" +
	"\x0a\x09\x01\x07\x00\x03\x40\x0c\x00\x0b\x0b")

func TestBrakeStopsAnEndlessLoop(t *testing.T) {
	fitted, loops, err := brake.Fit(endless)
	if err != nil || loops != 1 {
		t.Fatalf("%d loops, %v", loops, err)
	}
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	m, err := r.Instantiate(ctx, fitted)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := m.ExportedFunction("f").Call(ctx)
		done <- err
	}()
	if !m.Memory().WriteByte(brake.Address, 1) {
		t.Fatal("no memory")
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "unreachable") {
		t.Error(err)
	}
}

func TestBadModulesAreRefused(t *testing.T) {
	for n := range len(endless) {
		if n == 8 || n == 14 || n == 18 || n == 23 || n == 34 {
			continue // ends between two sections: a smaller module, not a broken one
		}
		if _, _, err := brake.Fit(endless[:n]); err == nil {
			t.Errorf("cut at %d: no error", n)
		}
	}
	unknown := bytes.Replace(endless, []byte("\x0c\x00\x0b\x0b"), []byte("\xef\x00\x0b\x0b"), 1)
	if _, _, err := brake.Fit(unknown); err == nil {
		t.Error("an unknown instruction was passed over")
	}
}

// The embedded file is what the pinned go-pdfium carries, with brakes, and
// nothing else.
func TestEmbeddedModuleIsTheGeneratedOne(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/klippa-app/go-pdfium").Output()
	if err != nil {
		t.Fatal(err)
	}
	upstream, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "webassembly", "pdfium.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	want, loops, err := brake.Fit(upstream)
	if err != nil || loops < 1000 {
		t.Fatalf("%d loops, %v", loops, err)
	}
	file := filepath.Join("..", "pdfium.wasm")
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("pdfium.wasm is not the generated one: run go generate ./embedded/pdfium")
	}
}
