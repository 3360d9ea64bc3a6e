package blob

import (
	"context"

	"github.com/recto-edge/recto/node/doc"
)

// giveUp drops the copies of this page that this member need not have, when all
// that shall have them have read theirs and found the same bytes.
func (r *round) giveUp(ctx context.Context) error {
	for len(r.spare) > 0 {
		part := r.spare[:atOnce(r.spare, func(s spareCopy) int64 { return s.o.size })]
		r.spare = r.spare[len(part):]
		bytes := int64(0)
		for _, s := range part {
			bytes += s.o.size
		}
		if err := r.pace.wait(ctx, bytes); err != nil {
			return err
		}
		same := r.read(ctx, part, bytes)
		for _, s := range part {
			o, err := r.c.local.look(ctx, s.o.key)
			if doc.CodeOf(err) == doc.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			if same[s.o.key+" "+sumHex(o.sum)] != len(s.owners) {
				continue
			}
			if err := r.c.local.drop(ctx, o); err != nil {
				return err
			}
			r.c.repair.count(&r.c.repair.dropped)
		}
	}
	return nil
}

// read has members read what they keep of part, and counts by key and digest.
func (r *round) read(ctx context.Context, part []spareCopy, bytes int64) map[string]int {
	keys := map[string][]string{}
	for _, s := range part {
		for _, id := range s.owners {
			keys[id] = append(keys[id], s.o.key)
		}
	}
	same := map[string]int{}
	for id, of := range keys {
		p := r.c.peer(id)
		if p == nil {
			continue
		}
		all, err := p.have(ctx, haveQuestion{Set: r.v.set, Read: true, Keys: of, bytes: bytes})
		if err != nil {
			continue
		}
		for i, h := range all {
			same[of[i]+" "+h.Sum]++
		}
	}
	return same
}

// tellErasures tells all members of what was erased, and forgets what was erased
// long ago or lives again.
func (r *round) tellErasures(ctx context.Context) error {
	var page []erasure
	old := r.c.cfg.Now().Add(-erasuresKept).Unix()
	err := r.c.local.erasures(ctx, func(e erasure) error {
		if e.At < old {
			return r.c.local.forgetErasure(e.Key, e.At)
		}
		if page = append(page, e); len(page) < maxKeys {
			return nil
		}
		_, err := r.tell(ctx, page)
		page = page[:0]
		return err
	})
	if err != nil {
		return err
	}
	_, err = r.tell(ctx, page)
	return err
}

// tell tells of a page of erasures and gives the members that did not hear it.
func (r *round) tell(ctx context.Context, page []erasure) (deaf []string, err error) {
	if len(page) == 0 {
		return nil, nil
	}
	for _, id := range r.v.others() {
		p := r.c.peer(id)
		if p == nil || !r.live[id] {
			deaf = append(deaf, id)
			continue
		}
		born, err := p.erase(ctx, page)
		if err != nil {
			deaf = append(deaf, id)
			continue
		}
		for i, e := range page {
			if born[i] > e.At {
				if err := r.c.local.forgetErasure(e.Key, e.At); err != nil {
					return deaf, err
				}
			}
		}
	}
	return deaf, ctx.Err()
}
