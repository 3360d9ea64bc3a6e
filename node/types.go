package node

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/types"
)

// kindType is the section of the control state that holds document types.
const kindType = "type"

// state is what the node needs of the replicated control state.
type state interface {
	Get(kind, key string) (value []byte, version uint64, ok bool)
	List(kind string) map[string][]byte
	Put(ctx context.Context, kind, key string, value []byte, expect uint64) error
	Delete(ctx context.Context, kind, key string) error
}

// typeBook is the document types: those shipped, over which lie those an admin
// put. It is read for every document, so a change needs no restart.
type typeBook struct{ state state }

// List gives all types by name.
func (b typeBook) List(context.Context) ([]doc.Type, error) {
	byName := map[string]doc.Type{}
	for _, t := range types.Shipped() {
		byName[t.Name] = t
	}
	for name, raw := range b.state.List(kindType) {
		var t doc.Type
		if err := json.Unmarshal(raw, &t); err != nil {
			return nil, fmt.Errorf("document type %s: %w", name, err)
		}
		byName[name] = t
	}
	out := make([]doc.Type, 0, len(byName))
	for _, t := range byName {
		out = append(out, t)
	}
	slices.SortFunc(out, func(x, y doc.Type) int { return strings.Compare(x.Name, y.Name) })
	return out, nil
}

// Get gives one type or NotFound.
func (b typeBook) Get(ctx context.Context, name string) (doc.Type, error) {
	all, err := b.List(ctx)
	if err != nil {
		return doc.Type{}, err
	}
	return findType(all, name)
}

func findType(all []doc.Type, name string) (doc.Type, error) {
	i := slices.IndexFunc(all, func(t doc.Type) bool { return t.Name == name })
	if i < 0 {
		names := make([]string, len(all))
		for i, t := range all {
			names[i] = t.Name
		}
		return doc.Type{}, &doc.Error{
			Code: doc.NotFound, Detail: doc.DetailUnknownType,
			Message: fmt.Sprintf("there is no document type %q; there are: %s", name, strings.Join(names, ", ")),
		}
	}
	return all[i], nil
}

// Put adds or replaces a type.
func (b typeBook) Put(ctx context.Context, t doc.Type, _ string) error {
	if err := t.Validate(); err != nil {
		return err
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("document type %s: %w", t.Name, err)
	}
	_, version, _ := b.state.Get(kindType, t.Name)
	return b.state.Put(ctx, kindType, t.Name, raw, version)
}

// Delete removes a type that was put; a shipped one under it comes back.
func (b typeBook) Delete(ctx context.Context, name, _ string) error {
	if _, _, ok := b.state.Get(kindType, name); ok {
		return b.state.Delete(ctx, kindType, name)
	}
	if _, err := findType(types.Shipped(), name); err != nil {
		return err
	}
	return doc.Errorf(doc.Conflict, "document type %s is shipped with Recto and cannot be removed; put one of the same name over it", name)
}

// typesFrom gives the shipped types and those in the *.json files of dir (if it
// is not empty), for reading without a node.
func typesFrom(dir string) ([]doc.Type, error) {
	all := types.Shipped()
	if dir == "" {
		return all, nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("find types: %w", err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read type: %w", err)
		}
		t, err := types.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		all = slices.DeleteFunc(all, func(x doc.Type) bool { return x.Name == t.Name })
		all = append(all, t)
	}
	return all, nil
}

// knownType says whether documents may be delivered as type name.
func (n *Node) knownType(name string) bool {
	_, err := n.types.Get(context.Background(), name)
	return err == nil
}
