package onnx

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The library can be loaded only once a process, so each way of loading it has
// a process of its own: this test binary, run again.
func TestLibraryLoads(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	for _, way := range []string{"memory", "folder"} {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestLoadHere$", "-test.v")
		cmd.Env = append(os.Environ(), "RECTO_ONNX_WAY="+way, "RECTO_ONNX_DIR="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("from %s: %v\n%s", way, err, out)
		}
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("cache folder has mode %v", info.Mode())
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left in the cache folder: %v, %v", left, err)
	}
}

// TestLoadHere does the work of TestLibraryLoads in the process it starts, and
// loads from memory when run by itself.
func TestLoadHere(t *testing.T) {
	var err error
	switch os.Getenv("RECTO_ONNX_WAY") {
	case "memory":
		err = loadFromMemory()
	case "folder":
		err = loadFromDir(os.Getenv("RECTO_ONNX_DIR"))
	default:
		err = load("")
	}
	if err != nil {
		t.Fatal(err)
	}
}
