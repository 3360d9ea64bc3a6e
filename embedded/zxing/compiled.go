package zxing

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/recto-edge/recto/embedded/wasmcode"
)

// compiled holds what the build compiled ahead: nothing but a .gitignore when the
// program was built without make.
//
//go:embed all:compiled
var compiled embed.FS

// Pack compiles the reader for this machine's platform and processor, and writes
// the machine code to w as the program embeds it. The build calls it.
func Pack(w io.Writer) error {
	return wasmcode.Write(w, func(dir string) error {
		e, err := openPacked(context.Background(), dir, nil)
		if err != nil {
			return err
		}
		return e.Close()
	})
}

// openPacked is Open with machine code that came with the program; nil: none.
func openPacked(ctx context.Context, dir string, packed *wasmcode.Pack) (*Engine, error) {
	e := &Engine{}
	release, err := wasmcode.Load(dir, packed, func(rc wazero.RuntimeConfig) error { return e.start(ctx, rc) })
	if err != nil {
		return nil, err
	}
	e.release = release
	return e, nil
}

func (e *Engine) start(ctx context.Context, rc wazero.RuntimeConfig) (err error) {
	// Not WithCloseOnContextDone: it leaves compiled code at every turn of a loop
	// and made a page take 16 s instead of 0.1 s. What bounds a reading is the size
	// of its image: the search is a fixed number of passes over the pixels.
	r := wazero.NewRuntimeWithConfig(ctx, rc.WithMemoryLimitPages(maxPages))
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close(context.Background()))
		}
	}()
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		return fmt.Errorf("open barcode reader: %w", err)
	}
	module, err := r.CompileModule(ctx, binaryCode)
	if err != nil {
		return fmt.Errorf("compile barcode reader: %w", err)
	}
	e.runtime, e.module = r, module
	return nil
}
