package blob

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/recto-edge/recto/node/doc"
)

// Delete implements Store. It answers when enough members remember the erasure on
// their disk; one that is away learns of it when it is back. What is delivered
// after that lives.
func (c *Copies) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	v := c.now.Load()
	others := v.others()
	if len(others) == 0 { // nobody could bring it back
		return c.local.Delete(ctx, key)
	}
	if gone, err := c.nowhere(ctx, v, key); gone || err != nil {
		return err
	}
	at, err := c.local.erasedAt(key)
	if err != nil {
		return err
	}
	at = max(at, c.second())
	for range 5 {
		younger, err := c.eraseOnce(ctx, v, erasure{key, at})
		if err != nil || younger == 0 {
			return err
		}
		at = younger
	}
	return doc.Errorf(doc.Unavailable, "the object %s is being delivered again and again; repeat later", key)
}

// nowhere says whether all members say that they do not have key: nothing needs
// to be remembered then.
func (c *Copies) nowhere(ctx context.Context, v *view, key string) (bool, error) {
	here, err := c.local.holds(ctx, key, false)
	if err != nil || here.Size >= 0 || c.local.isAside(key) {
		return false, err
	}
	able, unable := c.split(v, v.others())
	if len(unable) > 0 {
		return false, nil
	}
	none := true
	missing := c.askAll(ctx, able, haveQuestion{Keys: []string{key}}, func(_ string, h []holding) bool {
		none = none && h[0].Size < 0
		return !none
	})
	return none && len(missing) == 0, nil
}

// eraseOnce erases everywhere. It gives the second at which a younger object was
// born, if there is one.
func (c *Copies) eraseOnce(ctx context.Context, v *view, e erasure) (younger int64, err error) {
	younger, err = c.local.erase(e.Key, e.At)
	if err != nil || younger > 0 {
		return younger, err
	}
	synced := 1
	if v.members[v.self].Leaving {
		synced = 0
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed []string
	var why []error
	able, unable := c.split(v, v.others())
	try := func(ids []string) {
		for _, id := range ids {
			p := c.peer(id)
			wg.Go(func() {
				born := []int64{0}
				err := error(doc.Errorf(doc.Unavailable, "member %s was removed", id))
				if p != nil {
					born, err = p.erase(ctx, []erasure{e})
				}
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err != nil:
					failed, why = append(failed, id), append(why, err)
				case born[0] > 0:
					younger = max(younger, born[0])
				case !v.members[id].Leaving:
					synced++
				}
			})
		}
		wg.Wait()
	}
	try(able)
	if younger == 0 && synced < v.synced() {
		try(unable)
		unable = nil
	}
	if younger > 0 {
		return younger, nil
	}
	if len(failed)+len(unable) > 0 {
		c.lacks(e.Key)
	}
	if synced < v.synced() && len(why) > 0 {
		if err := errors.Join(why...); errors.Is(err, context.Canceled) {
			return 0, err
		}
		slices.Sort(failed)
		return 0, c.tooFew(v, failed, why)
	}
	return 0, nil
}

// drop removes an object everywhere without remembering it: it is kept elsewhere.
// A member that is away removes its copy later in the same way.
func (c *Copies) drop(ctx context.Context, o object) error {
	v := c.now.Load()
	able, _ := c.split(v, v.others())
	for _, id := range able {
		if p := c.peer(id); p != nil {
			var out struct{}
			if err := p.ask(ctx, "/blobs/drop", dropQuestion{Key: o.key, Sum: sumHex(o.sum)}, &out); err != nil {
				c.log.Debug("a copy that is no longer needed stays for now", "key", o.key, "member", p.name, "error", err)
			}
		}
	}
	return c.local.drop(ctx, o)
}
