package pdfium

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/tetratelabs/wazero/experimental"

	"github.com/recto-edge/recto/embedded/pdfium/brake"
)

// withMemory makes instances that the pool creates take their memory from here.
//
// It is reserved once at its limit, on Linux outside the Go heap, so that growing
// moves nothing and leaves no garbage, and the brake stays where it is. When wazero lets go of it its pages are
// given back to the system at once, but the addresses stay valid until the
// instance is gone for good: should anything still run in a module that is
// already closed, it reads zeros and ends, instead of ending the process.
func (e *Engine) withMemory(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(
		func(_, limit uint64) experimental.LinearMemory {
			e.made = &mapping{limit: limit}
			return e.made
		}))
}

// mapping is the memory of one instance.
type mapping struct {
	limit uint64
	bytes []byte
}

// Reallocate implements experimental.LinearMemory; nil means no memory left.
func (m *mapping) Reallocate(size uint64) []byte {
	if m.bytes == nil {
		m.bytes = reserve(m.limit)
	}
	if size > uint64(len(m.bytes)) {
		return nil
	}
	return m.bytes[:size:len(m.bytes)]
}

// Free implements experimental.LinearMemory.
func (m *mapping) Free() { empty(m.bytes) }

// brake stops the module that runs in this memory, at its next turn of a loop. It
// may be called while the module runs, but not after release.
func (m *mapping) brake() {
	if len(m.bytes) > brake.Address+4 {
		atomic.StoreUint32((*uint32)(unsafe.Pointer(&m.bytes[brake.Address])), 1)
	}
}

// release gives the addresses back. Nothing may use the memory any more.
func (m *mapping) release() {
	if m != nil && m.bytes != nil {
		release(m.bytes)
		m.bytes = nil
	}
}
