package node

import (
	"context"

	"github.com/recto-edge/recto/cluster"
)

// controlState is the control plane as auth and the document types use it: with
// the domain's errors.
type controlState struct{ c *cluster.Cluster }

// Get gives a value and its version.
func (s controlState) Get(kind, key string) (value []byte, version uint64, ok bool) {
	e, ok := s.c.Get(kind, key)
	return e.Value, e.Version, ok
}

// List gives all values of a kind by key.
func (s controlState) List(kind string) map[string][]byte {
	out := map[string][]byte{}
	for _, e := range s.c.List(kind) {
		out[e.Key] = e.Value
	}
	return out
}

// Put writes a value whose version is still expect (0: not there yet).
func (s controlState) Put(ctx context.Context, kind, key string, value []byte, expect uint64) error {
	return s.propose(ctx, cluster.Command{Op: cluster.OpPut, Kind: kind, Key: key, Value: value, Expect: expect})
}

// Delete removes a value, whatever its version.
func (s controlState) Delete(ctx context.Context, kind, key string) error {
	return s.propose(ctx, cluster.Command{Op: cluster.OpDelete, Kind: kind, Key: key, Expect: cluster.AnyVersion})
}

func (s controlState) propose(ctx context.Context, cmd cluster.Command) error {
	if s.c.Level() >= levelFence {
		cmd.Fence = fenceOf(ctx)
	}
	_, err := s.c.Propose(ctx, cmd)
	if err == nil {
		return nil
	}
	return controlError("change "+cmd.Kind, err)
}
