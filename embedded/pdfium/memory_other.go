//go:build !linux

package pdfium

// Elsewhere wazero keeps the memory in the Go heap.
const ownMemory = false

func reserve(uint64) []byte { return nil }
func empty([]byte)          {}
func release([]byte)        {}
