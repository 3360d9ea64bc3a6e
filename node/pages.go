package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/recto-edge/recto/node/cache"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract"
)

// pagesOf gives the words of a document: from the cache, or by reading again when
// they have left it.
func (n *Node) pagesOf(ctx context.Context, r doc.Record) (doc.Reading, error) {
	key := n.reading.cacheKey(r.SHA256, "")
	if reading, ok := n.db.Values().Reading(key); ok {
		return reading, nil
	}
	if reading, ok := n.wordsElsewhere(ctx, key); ok {
		return reading, nil
	}
	in, done, err := n.input(ctx, r)
	if err != nil {
		return doc.Reading{}, err
	}
	defer done()
	out, err := n.reading.Read(ctx, in)
	return out.Reading, err
}

// pageImage gives the upright picture of a page as JPEG, at most width pixels
// wide (0: as it was read). Pictures are kept in the cache.
func (n *Node) pageImage(ctx context.Context, r doc.Record, page, width int) ([]byte, error) {
	key := fmt.Sprintf("%s/%d/%d", r.SHA256, page, width)
	secret, _ := n.secrets.Load(r.ID)
	if secret == nil {
		if b, ok := n.db.Values().Get(cache.Renders, key); ok {
			return b, nil
		}
	}
	turn := 0
	if r.Result != nil {
		reading, err := n.pagesOf(ctx, r)
		if err == nil && page >= 1 && page <= len(reading.Pages) {
			turn = reading.Pages[page-1].Turned
		}
	}
	in, done, err := n.input(ctx, r)
	if err != nil {
		return nil, err
	}
	defer done()
	b, err := n.reading.Picture(ctx, in, page, turn, width)
	if err == nil && secret == nil {
		if err := n.db.Values().Put(cache.Renders, key, b); err != nil {
			n.log.Warn("picture not cached", "error", err)
		}
	}
	return b, err
}

// input opens a document's original for reading; done closes it.
func (n *Node) input(ctx context.Context, r doc.Record) (in extract.Input, done func(), err error) {
	all, err := n.types.List(ctx)
	if err != nil {
		return in, nil, err
	}
	f, err := n.openOriginal(ctx, r.SHA256)
	if err != nil {
		return in, nil, err
	}
	known, err := n.knowledge(ctx, r)
	if err != nil {
		return in, nil, errors.Join(err, f.Close())
	}
	in = extract.Input{Name: r.Name, R: f, Size: f.Size(), SHA256: r.SHA256, Type: r.Type, Types: all, Knowledge: known}
	if secret, ok := n.secrets.Load(r.ID); ok {
		in.Password, _ = secret.(string)
	}
	return in, func() { _ = f.Close() }, nil
}
