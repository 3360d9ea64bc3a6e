package blob

import (
	"context"
	"math"
	"time"
)

// Plain shows a Store in types of the standard library only, for packages that
// declare what they need of one without knowing this one.
type Plain struct{ Store }

// Keys is List for key and time of storing.
func (p Plain) Keys(ctx context.Context, prefix, after string, fn func(key string, stored time.Time) error) error {
	return p.List(ctx, prefix, after, func(i Info) error { return fn(i.Key, i.Modified) })
}

// Read is ReadAll.
func (p Plain) Read(ctx context.Context, key string, limit int64) ([]byte, error) {
	return ReadAll(ctx, p.Store, key, limit)
}

// Free gives the bytes that may still be stored, as far as the store knows.
func (p Plain) Free() (int64, error) {
	if s, ok := p.Store.(interface{ Free() (int64, error) }); ok {
		return s.Free()
	}
	return math.MaxInt64, nil
}
