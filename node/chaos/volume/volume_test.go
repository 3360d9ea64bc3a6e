//go:build linux

package volume_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/recto-edge/recto/node/chaos/volume"
)

func newVolume(t *testing.T, kind volume.Kind, size int64) *volume.Volume {
	t.Helper()
	base, remove, err := volume.Base(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
	})
	v, err := volume.New(base, "disk", kind, size)
	if errors.Is(err, volume.ErrUnavailable) || errors.Is(err, unix.EPERM) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func write(t *testing.T, v *volume.Volume, name string, sync bool) error {
	t.Helper()
	f, err := os.Create(filepath.Join(v.Dir, name))
	if err != nil {
		return err
	}
	_, err = f.Write(bytes.Repeat([]byte("x"), 64<<10))
	if sync {
		err = errors.Join(err, f.Sync())
		d, e := os.Open(v.Dir)
		if e != nil {
			t.Fatal(e)
		}
		err = errors.Join(err, d.Sync(), d.Close())
	}
	return errors.Join(err, f.Close())
}

// TestPowerLoss_KeepsWhatWasSynced: what was synced is there, what was not is
// gone. Without the second half a fault run would prove nothing.
func TestPowerLoss_KeepsWhatWasSynced(t *testing.T) {
	v := newVolume(t, volume.Image, 32<<20)
	if err := errors.Join(write(t, v, "synced", true), write(t, v, "lazy", false)); err != nil {
		t.Fatal(err)
	}
	if err := v.Snapshot(); err != nil {
		t.Fatal(err)
	}
	if err := v.PowerLoss(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(v.Dir, "synced")); err != nil || len(b) != 64<<10 {
		t.Errorf("what was synced: %d bytes, %v", len(b), err)
	}
	if b, err := os.ReadFile(filepath.Join(v.Dir, "lazy")); err == nil && len(b) == 64<<10 {
		t.Error("what was never synced survived a power loss")
	}
	if err := write(t, v, "after", true); err != nil {
		t.Errorf("the disk is not writable after the power loss: %v", err)
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
}

func TestFill_LeavesNoRoom(t *testing.T) {
	for _, kind := range []volume.Kind{volume.Memory, volume.Image} {
		t.Run(string(kind), func(t *testing.T) {
			v := newVolume(t, kind, 32<<20)
			if err := v.Fill(4 << 10); err != nil {
				t.Fatal(err)
			}
			if err := write(t, v, "more", true); !errors.Is(err, unix.ENOSPC) {
				t.Errorf("write on a full disk: %v", err)
			}
			if err := v.Drain(); err != nil {
				t.Fatal(err)
			}
			if err := write(t, v, "more", true); err != nil {
				t.Errorf("write after the disk was drained: %v", err)
			}
		})
	}
}

// TestSweep_OnlyWhatIsLeftBehind removes folders of a process that is gone, and
// neither ours nor one of another name.
func TestSweep_OnlyWhatIsLeftBehind(t *testing.T) {
	parent := t.TempDir()
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(parent, fmt.Sprintf("recto-chaos-%d-1", gone.Process.Pid))
	other := filepath.Join(parent, "recto-data-1")
	for _, d := range []string{left, other} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	ours, remove, err := volume.Base(parent)
	if err != nil {
		t.Fatal(err)
	}
	swept, err := volume.Sweep(parent)
	if err != nil || len(swept) != 1 || swept[0] != left {
		t.Errorf("swept %v, %v", swept, err)
	}
	for _, d := range []string{ours, other} {
		if _, err := os.Stat(d); err != nil {
			t.Error(err)
		}
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
}
