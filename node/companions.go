package node

import (
	"context"
	"sync"

	"github.com/recto-edge/recto/node/eval"
	"github.com/recto-edge/recto/node/extract"
	"github.com/recto-edge/recto/node/extract/fields"
)

// companions are the documents of its vendor that are confirmed before a document is read, by
// its ID.
type companions map[string][]eval.Case

// companionsOf gives each case the n of its vendor that follow it in the set, the first ones
// after the last, so that each is confirmed as often as any other; none to cases of smaller
// vendors.
func companionsOf(cases []eval.Case, n int, group func(eval.Case) string) companions {
	vendors := map[string][]eval.Case{}
	for _, c := range cases {
		if v := group(c); v != "" {
			vendors[v] = append(vendors[v], c)
		}
	}
	out := companions{}
	for _, cs := range vendors {
		for i, c := range cs {
			for k := 1; k <= n && n < len(cs); k++ {
				out[c.ID] = append(out[c.ID], cs[(i+k)%len(cs)])
			}
		}
	}
	return out
}

// confirmed reads documents with a memory of those before them.
func (s *school) confirmed(r *reading, in extract.Input, before companions) eval.Read {
	var mu sync.Mutex
	memory := func(ctx context.Context, c eval.Case) (*fields.Memory, error) {
		mu.Lock()
		defer mu.Unlock()
		lessons, err := s.lessons(ctx, before[c.ID], nil)
		return fields.NewMemory(s.t, lessons), err
	}
	return func(ctx context.Context, c eval.Case) (eval.Answer, error) {
		m, err := memory(ctx, c)
		if err != nil {
			return eval.Answer{}, err
		}
		with := in
		k := in.Knowledge[s.t.Name]
		k.Memory = m
		with.Knowledge = map[string]fields.Knowledge{s.t.Name: k}
		return labelledReader(r, with)(ctx, c)
	}
}
