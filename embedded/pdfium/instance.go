package pdfium

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode/utf16"

	gopdfium "github.com/klippa-app/go-pdfium"
	"github.com/tetratelabs/wazero/api"
)

// instance is one running PDFium. It calls the module's functions itself rather
// than through go-pdfium's request structs, for three reasons: a context can be
// given per call, accessors called once a word stay cheap, and no handle tables
// grow with the number of pages. It is used by one goroutine at a time.
type instance struct {
	owner   gopdfium.Pdfium
	mod     api.Module
	mem     api.Memory
	fns     map[string]api.Function
	stack   [16]uint64
	scratch uint32 // 128 bytes for results given through pointers
	timeout time.Duration
	pages   uint32 // memory limit, in pages of 64 KiB
	memory  *mapping
	file    *source // when the file is read in blocks
	dead    bool
}

// customReader is the part of go-pdfium's implementation that lets PDFium read
// a file block by block through the host.
type customReader interface {
	CreateFileAccessReader(size int64, r io.ReadSeeker) (*uint64, *uint32, error)
}

func (e *Engine) newInstance(ctx context.Context) (*instance, error) {
	if err := e.Start(); err != nil {
		return nil, err
	}
	owner, memory, err := e.borrow(ctx)
	if err != nil {
		return nil, fmt.Errorf("start pdf instance: %w", err)
	}
	in := &instance{owner: owner, memory: memory, fns: map[string]api.Function{}, timeout: e.cfg.CallTimeout, pages: e.cfg.MemoryPages}
	// go-pdfium does not give out the module by a method; the tests guard this line.
	mod, ok := reflect.ValueOf(owner.GetImplementation()).Elem().FieldByName("Module").Interface().(api.Module)
	if !ok {
		in.close()
		return nil, errors.New("start pdf instance: go-pdfium keeps its module elsewhere")
	}
	in.mod, in.mem = mod, mod.Memory()
	p, err := in.alloc(ctx, 128)
	if err != nil {
		in.close()
		return nil, fmt.Errorf("start pdf instance: %w", err)
	}
	in.scratch = p
	return in, nil
}

// borrow makes an instance in the pool and tells which memory it got.
func (e *Engine) borrow(ctx context.Context) (gopdfium.Pdfium, *mapping, error) {
	e.makeMu.Lock()
	defer e.makeMu.Unlock()
	e.made = nil
	owner, err := e.pool.GetInstanceWithContext(ctx)
	if err != nil {
		e.made.release()
		return nil, nil, err
	}
	return owner, e.made, nil
}

// close ends the instance. One that broke is killed: closing it in order would
// run code in a module whose memory is gone.
func (in *instance) close() {
	if in.file != nil {
		in.file.ReadSeeker = nil
	}
	if in.dead {
		_ = in.owner.Kill()
	} else {
		_ = in.owner.Close()
	}
	in.dead = true
	in.memory.release()
}

// source is the file an instance reads in blocks. After a kill go-pdfium's table
// of files keeps its entry, which then holds nothing but this.
type source struct{ io.ReadSeeker }

// quick calls a function that only looks something up. It cannot be stopped.
func (in *instance) quick(name string, args ...uint64) (uint64, error) {
	return in.invoke(name, args)
}

// long calls a function that works through the file: it ends with ctx or after
// the call timeout, at the next turn of a loop.
func (in *instance) long(ctx context.Context, name string, args ...uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, in.timeout)
	defer cancel()
	stopped := make(chan struct{})
	unwatch := context.AfterFunc(ctx, func() {
		in.memory.brake()
		close(stopped)
	})
	r, err := in.invoke(name, args)
	if !unwatch() {
		<-stopped // the brake is on, whether or not the call met it: the instance is of no more use
		in.dead = true
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return 0, fmt.Errorf("%s: %w", name, ErrTimeout)
		}
		return 0, fmt.Errorf("%s: %w", name, context.Cause(ctx))
	}
	return r, err
}

func (in *instance) invoke(name string, args []uint64) (uint64, error) {
	if in.dead {
		return 0, fmt.Errorf("%s: %w", name, ErrTrapped)
	}
	fn := in.fns[name]
	if fn == nil {
		if fn = in.mod.ExportedFunction(name); fn == nil {
			return 0, fmt.Errorf("%s: not in this build of pdfium", name)
		}
		in.fns[name] = fn
	}
	copy(in.stack[:], args)
	if err := fn.CallWithStack(context.Background(), in.stack[:max(len(args), 1)]); err != nil {
		in.dead = true
		first, _, _ := strings.Cut(err.Error(), "\n")
		if in.full() {
			return 0, fmt.Errorf("%s: %w: %s", name, ErrMemory, first)
		}
		return 0, fmt.Errorf("%s: %w: %s", name, ErrTrapped, first)
	}
	return in.stack[0], nil
}

// full says whether memory grew to the last sixteenth of what it may: PDFium
// ends itself with a trap when it gets no more.
func (in *instance) full() bool {
	return uint64(in.mem.Size()) >= uint64(in.pages)*65536/16*15
}

// alloc reserves n bytes in the instance.
func (in *instance) alloc(ctx context.Context, n uint64) (uint32, error) {
	p, err := in.long(ctx, "malloc", n)
	if err != nil {
		return 0, err
	}
	if uint32(p) == 0 {
		return 0, ErrMemory
	}
	return uint32(p), nil
}

func (in *instance) free(p uint32) {
	if !in.dead {
		_, _ = in.quick("free", uint64(p))
	}
}

// put copies b into the instance; the caller frees it.
func (in *instance) put(ctx context.Context, b []byte) (uint32, error) {
	p, err := in.alloc(ctx, uint64(max(len(b), 1)))
	if err != nil {
		return 0, err
	}
	if !in.mem.Write(p, b) {
		return 0, ErrMemory
	}
	return p, nil
}

// take copies n bytes out of the instance.
func (in *instance) take(p uint32, n int) ([]byte, error) {
	view, ok := in.mem.Read(p, uint32(n))
	if !ok {
		return nil, ErrTrapped
	}
	return bytes.Clone(view), nil
}

// Results left in the scratch buffer, by index of a field of that size.

func (in *instance) float32At(i uint32) float64 {
	v, _ := in.mem.ReadFloat32Le(in.scratch + 4*i)
	return finite(float64(v))
}

func (in *instance) float64At(i uint32) float64 {
	v, _ := in.mem.ReadFloat64Le(in.scratch + 8*i)
	return finite(v)
}

func (in *instance) uint32At(i uint32) uint32 {
	v, _ := in.mem.ReadUint32Le(in.scratch + 4*i)
	return v
}

// out is the address of the i-th field of size bytes in the scratch buffer.
func (in *instance) out(i, size uint32) uint64 { return uint64(in.scratch + i*size) }

// utf16Text asks for a UTF-16 string the way PDFium gives them: first for its
// length in bytes, then for its content. At most limit bytes are read.
func (in *instance) utf16Text(ctx context.Context, limit int, ask func(buf, size uint64) (uint64, error)) (string, error) {
	n, err := ask(0, 0)
	if err != nil {
		return "", err
	}
	size := int(uint32(n))
	if size < 2 || size > limit {
		return "", nil
	}
	p, err := in.alloc(ctx, uint64(size))
	if err != nil {
		return "", err
	}
	defer in.free(p)
	if _, err = ask(uint64(p), uint64(size)); err != nil {
		return "", err
	}
	b, err := in.take(p, size)
	if err != nil {
		return "", err
	}
	units := make([]uint16, 0, size/2)
	for ; len(b) >= 2; b = b[2:] {
		if u := binary.LittleEndian.Uint16(b); u != 0 {
			units = append(units, u)
		}
	}
	return string(utf16.Decode(units)), nil
}

// finite replaces what no coordinate can be by 0.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
