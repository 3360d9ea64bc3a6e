// Package authtest holds a control state in memory for tests of auth and of
// those who use it. It keeps the contract of auth.Store and nothing after the
// process ends.
package authtest

import (
	"bytes"
	"context"
	"maps"
	"sync"

	"github.com/recto-edge/recto/node/doc"
)

// Memory is an auth.Store in memory, safe for concurrent use.
type Memory struct {
	mu     sync.Mutex
	values map[[2]string]value
	next   uint64
	broken error
}

type value struct {
	raw     []byte
	version uint64
}

// New makes an empty Memory.
func New() *Memory { return &Memory{values: map[[2]string]value{}} }

// Break makes every write fail with err; nil heals it.
func (m *Memory) Break(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

// Get implements auth.Store.
func (m *Memory) Get(kind, key string) ([]byte, uint64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[[2]string{kind, key}]
	return bytes.Clone(v.raw), v.version, ok
}

// List implements auth.Store.
func (m *Memory) List(kind string) map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string][]byte{}
	for k, v := range maps.All(m.values) {
		if k[0] == kind {
			out[k[1]] = bytes.Clone(v.raw)
		}
	}
	return out
}

// Put implements auth.Store.
func (m *Memory) Put(_ context.Context, kind, key string, raw []byte, expect uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	k := [2]string{kind, key}
	if m.values[k].version != expect {
		return doc.Errorf(doc.Conflict, "%s %q was changed by somebody else", kind, key)
	}
	m.next++
	m.values[k] = value{bytes.Clone(raw), m.next}
	return nil
}

// Delete implements auth.Store.
func (m *Memory) Delete(_ context.Context, kind, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	delete(m.values, [2]string{kind, key})
	return nil
}
