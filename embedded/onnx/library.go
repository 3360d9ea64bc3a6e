package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/klauspost/compress/zstd"
	ort "github.com/yalue/onnxruntime_go"
	"golang.org/x/sys/unix"
)

// loadOnce maps ONNX Runtime into the process. The C library keeps threads and
// tables of its own and does not survive being unmapped and mapped again, so it
// is loaded at most once and stays until the process ends.
var loadOnce struct {
	sync.Mutex
	done bool
}

// load makes ONNX Runtime ready. A failure is not remembered: the next call,
// perhaps with another cacheDir, tries again.
func load(cacheDir string) error {
	loadOnce.Lock()
	defer loadOnce.Unlock()
	if loadOnce.done {
		return nil
	}
	memErr := loadFromMemory()
	if memErr != nil {
		if cacheDir == "" {
			return fmt.Errorf("load library from memory (no cache folder to fall back to): %w", memErr)
		}
		if err := loadFromDir(cacheDir); err != nil {
			return errors.Join(fmt.Errorf("load library from memory: %w", memErr), fmt.Errorf("load library from folder: %w", err))
		}
	}
	loadOnce.done = true
	return nil
}

// loadFromMemory unpacks the library into an anonymous file and maps that, so
// that nothing touches a disk that might be full, slow or mounted noexec.
func loadFromMemory() error {
	fd, err := unix.MemfdCreate("onnxruntime", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // kernels before 6.3 do not know MFD_EXEC
		fd, err = unix.MemfdCreate("onnxruntime", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return fmt.Errorf("create anonymous file: %w", err)
	}
	f := os.NewFile(uintptr(fd), "onnxruntime")
	defer f.Close() // the mapping outlives the descriptor
	if err := unpack(f); err != nil {
		return err
	}
	return initialise(fmt.Sprintf("/proc/self/fd/%d", fd))
}

// loadFromDir unpacks the library into dir, which becomes readable by this user
// only, and removes the file once it is mapped: there is nothing to keep clean,
// and nothing an intruder could have left there is ever loaded.
func loadFromDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make cache folder: %w", err)
	}
	f, err := os.CreateTemp(dir, "onnxruntime-*.so") // mode 0600
	if err != nil {
		return fmt.Errorf("create library file: %w", err)
	}
	defer os.Remove(f.Name())
	err = unpack(f)
	if cerr := f.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("write library: %w", cerr)
	}
	if err != nil {
		return err
	}
	return initialise(f.Name())
}

// unpack writes the library to w; its checksum is part of the compressed form.
func unpack(w io.Writer) error {
	d, err := zstd.NewReader(bytes.NewReader(packedLibrary))
	if err != nil {
		return fmt.Errorf("open packed library: %w", err)
	}
	defer d.Close()
	if _, err := io.Copy(w, d); err != nil {
		return fmt.Errorf("unpack library: %w", err)
	}
	return nil
}

// initialise maps the library at path and starts ONNX Runtime.
func initialise(path string) error {
	ort.SetSharedLibraryPath(path)
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return fmt.Errorf("start ONNX Runtime: %w", err)
	}
	return nil
}
