// Package pdfium is Recto's PDF engine: PDFium compiled to WebAssembly, run by
// wazero inside this process, without cgo.
//
// It owns the runtime, its compilation cache and the instances. It guarantees:
//
//   - PDFium sees no files, no network, no environment and no clock worth
//     knowing: the module gets an empty file system and only the bytes of one
//     document.
//   - An instance has at most Config.MemoryPages of memory, reserved outside the
//     Go heap and given back to the system the moment the instance ends.
//   - A call ends when its context does, or after Config.CallTimeout: the module
//     looks at a brake in every loop (package brake). A call that traps, runs out
//     of memory or is stopped costs its instance, never the process, and the
//     document goes on in a new instance at its next call.
//   - One instance serves one document: nothing a hostile file does to PDFium's
//     memory can reach the next file.
//   - At most Config.Instances exist. An idle open document lends its instance
//     to one that needs it, so open documents cannot deadlock each other.
//
// That is why no sandbox process is needed around it: the memory-safe host only
// copies numbers and bounded byte strings out of the module. What is left to the
// callers is to bound what they ask for: pixels, pages and attachment bytes.
//
// The program carries PDFium's machine code, which the build makes with Pack; see
// package wasmcode.
//
// The package never interprets what it reads and never writes files, except for
// machine code in Config.CacheDir.
package pdfium

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"sync"
	"time"

	gopdfium "github.com/klippa-app/go-pdfium"

	"github.com/recto-edge/recto/embedded/wasmcode"
)

// fault is an error that says its reason in one word, so that packages which do
// not import this one can tell it.
type fault struct{ reason, text string }

func (f *fault) Error() string { return f.text }

// Reason gives password, damaged, memory, timeout or closed.
func (f *fault) Reason() string { return f.reason }

// Errors that callers tell apart with errors.Is, or by their Reason method.
var (
	ErrPassword error = &fault{"password", "pdf needs a password, or the one given is wrong"}
	ErrFormat   error = &fault{"damaged", "not a readable pdf"}
	ErrPage     error = &fault{"damaged", "page cannot be loaded"}
	ErrTrapped  error = &fault{"damaged", "pdf engine stopped by a fault in the file"}
	ErrMemory   error = &fault{"memory", "pdf needs more memory than it may have"}
	ErrTimeout  error = &fault{"timeout", "pdf takes longer than it may"}
	ErrClosed   error = &fault{"closed", "pdf engine or document is closed"}
)

// Config says what the engine may use. The zero value is usable.
type Config struct {
	CacheDir    string        // folder of machine code, the engine's own; empty: unpack, or compile, at every start
	MemoryPages uint32        // memory of an instance in pages of 64 KiB; 0: 4096 (256 MiB)
	Instances   int           // how many may exist at once; 0: 2
	CallTimeout time.Duration // longest single call; 0: 30 s
}

// module is PDFium with brakes in its loops, see package brake.
//
//go:generate go test ./brake -run TestEmbeddedModuleIsTheGeneratedOne -update
//go:embed pdfium.wasm
var module []byte

// Engine runs PDFium. It is lazy: nothing is compiled before the first Open.
type Engine struct {
	cfg    Config
	packed *wasmcode.Pack // machine code that came with the program; nil: none

	startMu sync.Mutex
	pool    gopdfium.Pool
	release func() error // the machine code; set with pool

	makeMu sync.Mutex // held while the pool makes an instance
	made   *mapping   // memory of the instance being made

	mu     sync.Mutex
	free   chan struct{} // closed and replaced when an instance becomes idle or ends
	live   int           // instances that exist or are being made
	idle   []*Document   // open documents with an instance and no call, longest idle first
	closed bool
}

// New makes an engine. It does not block and acquires nothing.
func New(cfg Config) *Engine {
	if cfg.MemoryPages == 0 {
		cfg.MemoryPages = 4096
	}
	if cfg.Instances <= 0 {
		cfg.Instances = 2
	}
	if cfg.CallTimeout <= 0 {
		cfg.CallTimeout = 30 * time.Second
	}
	return &Engine{cfg: cfg, packed: wasmcode.Find(compiled, "pdfium"), free: make(chan struct{})}
}

// Start loads PDFium's machine code, which the program carries or the cache folder
// keeps, or compiles it, unless that was done before. Open calls it; a node may
// call it early to have it behind it. A cache folder that cannot be used costs
// time, never an error.
func (e *Engine) Start() error {
	e.startMu.Lock()
	defer e.startMu.Unlock()
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if e.pool != nil {
		return nil
	}
	release, err := wasmcode.Load(e.cfg.CacheDir, e.packed, e.run)
	if err != nil {
		return err
	}
	e.release = release
	return nil
}

// Close ends all instances. Documents still open fail with ErrClosed from now
// on. It waits for calls in progress and may be called twice.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	for e.live > 0 {
		for _, d := range e.idle {
			d.drop()
			e.live--
		}
		e.idle = nil
		if e.live == 0 {
			break
		}
		wait := e.free
		e.mu.Unlock()
		<-wait
		e.mu.Lock()
	}
	e.mu.Unlock()

	e.startMu.Lock()
	defer e.startMu.Unlock()
	var errs []error
	if e.pool != nil {
		errs = append(errs, e.pool.Close(), e.release())
	}
	return errors.Join(errs...)
}

// lend makes d's instance usable by the caller: the one d has, or a new one
// after an idle document gave up its own. The caller gives it back with giveBack.
func (e *Engine) lend(ctx context.Context, d *Document) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		if e.closed {
			return ErrClosed
		}
		for i, x := range e.idle {
			if x == d {
				e.idle = append(e.idle[:i], e.idle[i+1:]...)
				return nil
			}
		}
		if e.live < e.cfg.Instances {
			e.live++
			return nil
		}
		if len(e.idle) > 0 {
			e.idle[0].drop()
			e.idle = e.idle[1:]
			return nil
		}
		wait := e.free
		e.mu.Unlock()
		select {
		case <-wait:
			e.mu.Lock()
		case <-ctx.Done():
			e.mu.Lock()
			return fmt.Errorf("wait for pdf engine: %w", context.Cause(ctx))
		}
	}
}

// giveBack ends what lend began. A document without an instance (never opened,
// or lost it) frees its place.
func (e *Engine) giveBack(d *Document) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if d.in == nil {
		e.live--
	} else {
		e.idle = append(e.idle, d)
	}
	close(e.free)
	e.free = make(chan struct{})
}
