// Package zxing reads barcodes and two-dimensional codes with zxing-cpp,
// compiled to WebAssembly and run by wazero: no cgo, no library to install.
//
// It guarantees that an image, however made, can hurt nothing but its own
// reading: each one runs in a fresh instance with bounded memory, which is
// thrown away. How long it takes is bounded by the size of the image. It knows
// nothing of documents.
package zxing

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/recto-edge/recto/embedded/wasmcode"
)

//go:embed zxing.wasm
var binaryCode []byte

const (
	// maxPixels of one image; larger ones are for the caller to scale down.
	maxPixels = 16 << 20
	// maxPages of 64 KiB that one instance may use.
	maxPages = 4096
	// maxCodes found in one image.
	maxCodes = 64
)

// Bits of the effort that reader.cpp knows. Its third, looking at turned linear
// codes, takes ten seconds on a page of text: turn the image instead.
const (
	closer   = 1
	inverted = 4
)

// Code is one code that was found.
type Code struct {
	Format  string         // as zxing-cpp writes it: "QR Code", "EAN-13"
	GS1     bool           // the text is a GS1 element string
	Text    string         // UTF-8; a GS1 separator is \x1d
	Corners [4]image.Point // top left, top right, bottom right, bottom left, as the code is meant to be read
}

// Engine holds the compiled reader. It may be used by several goroutines.
type Engine struct {
	release func() error // the machine code
	runtime wazero.Runtime
	module  wazero.CompiledModule
	close   sync.Once
	err     error
}

// Config says where compiled code is kept.
type Config struct {
	CacheDir string // folder of machine code, the reader's own; empty: unpack, or compile, at every start
}

// Open loads the reader's machine code, which the program carries or the cache
// folder keeps; otherwise it compiles, which takes about a second of CPU and is
// best done on first use. A cache folder that cannot be used costs time, never an
// error. Close releases the reader.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	return openPacked(ctx, cfg.CacheDir, wasmcode.Find(compiled, "zxing"))
}

// Close releases the compiled code. Readings under way end with an error.
func (e *Engine) Close() error {
	e.close.Do(func() {
		e.err = errors.Join(e.runtime.Close(context.Background()), e.release())
	})
	return e.err
}

// Read finds the codes in an image: two-dimensional ones however they are
// turned, linear ones that are upright or upside down. With harder it looks
// closer, at twice the cost. The corners are pixels of img, whose bounds begin
// at 0, 0.
func (e *Engine) Read(ctx context.Context, img *image.Gray, harder bool) ([]Code, error) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if w < 1 || h < 1 || w*h > maxPixels {
		return nil, fmt.Errorf("read barcodes: an image of %d x %d pixels", w, h)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read barcodes: %w", err)
	}
	// No name, no files, no clock, no environment: a fresh and empty world.
	m, err := e.runtime.InstantiateModule(ctx, e.module, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		return nil, fmt.Errorf("start barcode reader: %w", err)
	}
	defer m.Close(ctx)
	at, err := call(ctx, m, "allocate", uint64(w*h))
	if err != nil {
		return nil, fmt.Errorf("allocate %d pixels: %w", w*h, err)
	}
	for y := range h {
		row := img.Pix[y*img.Stride : y*img.Stride+w]
		if !m.Memory().Write(at+uint32(y*w), row) {
			return nil, errors.New("read barcodes: pixels do not fit")
		}
	}
	effort := uint64(inverted)
	if harder {
		effort |= closer
	}
	result, err := call(ctx, m, "read", uint64(at), uint64(w), uint64(h), effort, maxCodes)
	if err != nil {
		return nil, fmt.Errorf("read barcodes: %w", err)
	}
	size, err := call(ctx, m, "read_size")
	if err != nil {
		return nil, fmt.Errorf("read barcodes: %w", err)
	}
	raw, ok := m.Memory().Read(result, size)
	if !ok || result == 0 {
		return nil, errors.New("read barcodes: out of memory")
	}
	return decode(raw)
}

func call(ctx context.Context, m api.Module, name string, args ...uint64) (uint32, error) {
	out, err := m.ExportedFunction(name).Call(ctx, args...)
	if err != nil {
		return 0, err
	}
	return uint32(out[0]), nil
}

var errCut = errors.New("read barcodes: the result is cut off")

// decode reads what reader.cpp writes.
func decode(raw []byte) ([]Code, error) {
	ok := true
	number := func() uint32 {
		if len(raw) < 4 {
			ok = false
			return 0
		}
		n := binary.LittleEndian.Uint32(raw)
		raw = raw[4:]
		return n
	}
	text := func() string {
		n := number()
		if uint64(n) > uint64(len(raw)) {
			ok = false
			return ""
		}
		s := string(raw[:n])
		raw = raw[n:]
		return s
	}
	codes := make([]Code, 0, min(number(), maxCodes))
	for range cap(codes) {
		c := Code{Format: text(), GS1: number() != 0, Text: text()}
		for i := range c.Corners {
			c.Corners[i] = image.Pt(int(int32(number())), int(int32(number())))
		}
		if !ok {
			return nil, errCut
		}
		codes = append(codes, c)
	}
	return codes, nil
}
