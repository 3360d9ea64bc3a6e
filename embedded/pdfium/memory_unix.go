//go:build unix

package pdfium

import (
	"context"
	"syscall"

	"github.com/tetratelabs/wazero/experimental"
)

// withMemory makes instances created under the context keep their memory
// outside the Go heap: reserved once at its limit, so that growing copies
// nothing and leaves no garbage, and unmapped the moment the instance ends.
func withMemory(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(
		func(_, limit uint64) experimental.LinearMemory { return &mapping{limit: limit} }))
}

// mapping is the memory of one instance.
type mapping struct {
	limit uint64
	bytes []byte
}

// Reallocate implements experimental.LinearMemory; nil means no memory left.
func (m *mapping) Reallocate(size uint64) []byte {
	if m.bytes == nil {
		b, err := syscall.Mmap(-1, 0, int(m.limit), syscall.PROT_READ|syscall.PROT_WRITE,
			syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			return nil
		}
		m.bytes = b
	}
	if size > uint64(len(m.bytes)) {
		return nil
	}
	return m.bytes[:size:len(m.bytes)]
}

// Free implements experimental.LinearMemory.
func (m *mapping) Free() {
	if m.bytes != nil {
		_ = syscall.Munmap(m.bytes)
		m.bytes = nil
	}
}
