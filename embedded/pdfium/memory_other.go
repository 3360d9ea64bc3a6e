//go:build !unix

package pdfium

import "context"

// withMemory leaves memory to wazero, which keeps it in the Go heap.
func withMemory(ctx context.Context) context.Context { return ctx }
