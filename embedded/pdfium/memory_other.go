//go:build !linux

package pdfium

// Elsewhere the memory is one large slice, which the system fills page by page
// as it is used; it is given back by the garbage collector.
func reserve(size uint64) []byte { return make([]byte, size) }
func empty([]byte)               {}
func release([]byte)             {}
