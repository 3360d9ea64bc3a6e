package pdfium

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"

	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"

	"github.com/recto-edge/recto/embedded/wasmcode"
)

// compiled holds what the build compiled ahead: nothing but a .gitignore when the
// program was built without make.
//
//go:embed all:compiled
var compiled embed.FS

// Pack compiles PDFium for this machine's platform and processor, and writes the
// machine code to w as the program embeds it. The build calls it.
func Pack(w io.Writer) error {
	return wasmcode.Write(w, func(dir string) error {
		e := New(Config{CacheDir: dir})
		e.packed = nil // compile, whatever this program carries
		return errors.Join(e.Start(), e.Close())
	})
}

// run makes the pool of instances.
func (e *Engine) run(rc wazero.RuntimeConfig) error {
	pool, err := webassembly.InitWithWASM(webassembly.Config{
		WASM:          module,
		Context:       e.withMemory(context.Background()),
		MaxTotal:      e.cfg.Instances,
		FSConfig:      wazero.NewFSConfig(), // the default would mount the host's root
		RuntimeConfig: rc.WithMemoryLimitPages(e.cfg.MemoryPages),
		Stdout:        io.Discard,
		Stderr:        io.Discard,
	})
	if err != nil {
		return fmt.Errorf("start pdf engine: %w", err)
	}
	e.pool = pool
	return nil
}
