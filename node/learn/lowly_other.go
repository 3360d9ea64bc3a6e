//go:build !linux

package learn

// lowly runs fn; the rank of a single thread is not known here.
func lowly(fn func()) { fn() }
