package blob

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

const (
	erasuresKept = 90 * 24 * time.Hour // a member that is away for longer must come back empty
	maxDue       = 100_000             // keys remembered as lacking copies; beyond that a whole round finds them
	retryDue     = 15 * time.Second
	compareCost  = 4 << 10  // bytes that comparing one object counts for
	readAtOnce   = 32 << 20 // bytes another member is asked to read before it answers
)

// errChanged ends a round that no longer fits the members.
var errChanged = errors.New("the members changed")

// round is one comparison of what this member has with what others have.
type round struct {
	c      *Copies
	v      *view
	force  bool // send even if a better member could: this one knows that they lack it
	pace   *pace
	live   map[string]bool // other members that answer
	short  int             // objects of which too few members have a copy now
	full   map[string]bool // members without room
	spare  []spareCopy
	answer map[string]map[string]holding // of this page: by member and key
}

// spareCopy is a copy that this member need not have.
type spareCopy struct {
	o      object
	owners []string
}

// Repair goes through all objects of this member and brings copies where they
// lack. It is also done in the background: after the start, after a change of
// members, and every hour.
func (c *Copies) Repair(ctx context.Context) error {
	s := &c.repair
	s.rounds.Lock()
	defer s.rounds.Unlock()
	v := c.now.Load()
	s.begin(c.cfg.Now())
	r := c.newRound(ctx, v)
	err := r.due(ctx)
	if err == nil {
		r.force, r.short = false, 0
		err = r.all(ctx)
	}
	if err == nil && c.now.Load().set != v.set {
		err = errChanged
	}
	s.end(c.cfg.Now(), v, r.short, err)
	if err != nil {
		return fmt.Errorf("repair copies: %w", err)
	}
	return c.keepPlaced()
}

// newRound finds out who takes part: a member that failed a moment ago is tried.
func (c *Copies) newRound(ctx context.Context, v *view) *round {
	r := &round{c: c, v: v, full: map[string]bool{}, live: map[string]bool{}, pace: newPace(c.cfg.RepairRate)}
	var up []string
	for _, id := range v.others() {
		if v.members[id].Up {
			up = append(up, id)
		}
	}
	silent := c.askAll(ctx, up, haveQuestion{}, func(string, []holding) bool { return false })
	for _, id := range up {
		r.live[id] = !slices.Contains(silent, id)
	}
	return r
}

func (r *round) all(ctx context.Context) error {
	if len(r.v.others()) == 0 {
		return nil
	}
	if err := r.tellErasures(ctx); err != nil {
		return err
	}
	var page []Info
	err := r.c.local.List(ctx, "", "", func(i Info) error {
		if page = append(page, i); len(page) < maxKeys {
			return nil
		}
		err := r.page(ctx, page)
		page = page[:0]
		return err
	})
	if err != nil {
		return err
	}
	return r.page(ctx, page)
}

// page compares up to maxKeys objects.
func (r *round) page(ctx context.Context, page []Info) error {
	if len(page) == 0 {
		return nil
	}
	if r.c.now.Load().set != r.v.set {
		return errChanged
	}
	if err := r.pace.wait(ctx, int64(len(page))*compareCost); err != nil {
		return err
	}
	r.ask(ctx, page)
	r.spare = r.spare[:0]
	for _, i := range page {
		if err := r.one(ctx, i); err != nil {
			return err
		}
	}
	if !r.force {
		r.c.repair.walk(len(page))
	}
	return r.giveUp(ctx)
}

// ask asks every member for those of page that it shall keep. A member that
// leaves has them read: nobody may rely on a copy that is damaged when it is gone.
func (r *round) ask(ctx context.Context, page []Info) {
	r.answer = map[string]map[string]holding{}
	for len(page) > 0 {
		part := page
		if r.leaving() {
			part = page[:atOnce(page, func(i Info) int64 { return i.Size })]
		}
		page = page[len(part):]
		keys, bytes := map[string][]string{}, int64(0)
		for _, i := range part {
			bytes += i.Size
			for _, id := range r.v.owners(i.Key) {
				if r.live[id] {
					keys[id] = append(keys[id], i.Key)
				}
			}
		}
		if r.leaving() && r.pace.wait(ctx, bytes) != nil {
			return
		}
		r.askPart(ctx, keys, bytes)
	}
}

func (r *round) askPart(ctx context.Context, keys map[string][]string, bytes int64) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for id, of := range keys {
		p := r.c.peer(id)
		if p == nil {
			continue
		}
		wg.Go(func() {
			all, err := p.have(ctx, haveQuestion{Read: r.leaving(), Keys: of, bytes: bytes})
			if err != nil {
				return // nothing is known of what it has
			}
			mu.Lock()
			defer mu.Unlock()
			if r.answer[id] == nil {
				r.answer[id] = map[string]holding{}
			}
			for i, h := range all {
				r.answer[id][of[i]] = h
			}
		})
	}
	wg.Wait()
}

func (r *round) leaving() bool { return r.v.members[r.v.self].Leaving }

// atOnce says how many of all a member is asked to read before it answers.
func atOnce[T any](all []T, size func(T) int64) int {
	n, bytes := 0, int64(0)
	for n < len(all) && (n == 0 || bytes+size(all[n]) <= readAtOnce) {
		bytes += size(all[n])
		n++
	}
	return n
}

// one compares one object and sends it where it lacks, if this member is the best
// of those that have it.
func (r *round) one(ctx context.Context, i Info) error {
	born := i.Modified.Unix()
	erased, err := r.c.local.erasedAt(i.Key)
	if err != nil {
		return err
	}
	owners := r.v.owners(i.Key)
	var holders, lacking []string
	silent := 0
	for _, id := range owners {
		h, known := r.answer[id][i.Key]
		erased = max(erased, h.Erased)
		switch {
		case id == r.v.self, known && h.Size == i.Size:
			holders = append(holders, id)
		case known:
			lacking = append(lacking, id)
		default:
			silent++
		}
	}
	if born <= erased {
		_, err := r.c.local.erase(i.Key, erased)
		return err
	}
	mine := slices.Contains(owners, r.v.self)
	have := len(holders)
	if !mine && !r.leaving() {
		have++
	}
	best := len(holders) == 0 || holders[0] == r.v.self || r.force || r.leaving() // only that one has had them read
	unsent := len(lacking)
	if best && (len(lacking) > 0 || have < r.v.synced()) {
		sent, err := r.send(ctx, i, lacking, max(r.v.synced(), r.v.copies()-silent)-have)
		if err != nil {
			return err
		}
		have += len(sent)
		unsent = len(slices.DeleteFunc(slices.Clone(lacking), func(id string) bool { return slices.Contains(sent, id) }))
	}
	if have < r.v.synced() {
		r.short++
	}
	switch {
	case best && (unsent > 0 || have < r.v.synced()):
		r.c.repair.set(i.Key, true)
	case unsent+silent == 0:
		r.c.repair.set(i.Key, false)
	}
	if !mine && silent+len(lacking) == 0 && !r.leaving() {
		r.spare = append(r.spare, spareCopy{object{key: i.Key, size: i.Size, born: born}, owners})
	}
	return nil
}

// send sends an object to those that lack it, and to others in their place until
// few more have it. It gives those that have it now.
func (r *round) send(ctx context.Context, i Info, lacking []string, few int) (sent []string, err error) {
	f, err := r.c.local.open(i.Key)
	if doc.CodeOf(err) == doc.NotFound {
		return nil, nil // erased meanwhile
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	o, err := lookAt(ctx, i.Key, f)
	if err != nil {
		return nil, err
	}
	if wantNamed(o) != nil {
		r.c.heal(ctx, i.Key)
		return nil, nil
	}
	for _, id := range lacking {
		took, err := r.sendTo(ctx, id, o, f)
		if err != nil {
			return sent, err
		}
		if took {
			sent = append(sent, id)
		}
	}
	for _, id := range r.v.rank(i.Key)[r.v.copies():] {
		if len(sent) >= few {
			break
		}
		if !r.live[id] {
			continue
		}
		took := false
		r.c.askAll(ctx, []string{id}, haveQuestion{Keys: []string{i.Key}}, func(_ string, h []holding) bool {
			took = h[0].Size == i.Size
			return took
		})
		if !took {
			if took, err = r.sendTo(ctx, id, o, f); err != nil {
				return sent, err
			}
		}
		if took {
			sent = append(sent, id)
		}
	}
	return sent, nil
}

// sendTo sends one copy and says whether it is there. Only what ends the round is
// an error.
func (r *round) sendTo(ctx context.Context, id string, o object, f io.ReaderAt) (took bool, err error) {
	p := r.c.peer(id)
	if p == nil || r.full[id] || !r.live[id] {
		return false, nil
	}
	if err := r.pace.wait(ctx, o.size); err != nil {
		return false, err
	}
	_, err = p.put(ctx, o, readerAt(f, o.size))
	var erased *erasedError
	switch {
	case err == nil:
		r.c.repair.count(&r.c.repair.sent)
		return true, nil
	case errors.As(err, &erased):
		_, err := r.c.local.erase(o.key, erased.at)
		return false, err
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case doc.CodeOf(err) == doc.Conflict:
		r.c.log.Error("two members have different objects under one key", "key", o.key, "member", p.name)
	case doc.CodeOf(err) == doc.Full:
		r.full[id] = true
		fallthrough
	default:
		if p.avoided(time.Now()) { // it does not answer any more
			r.live[id] = false
		}
		r.c.log.Warn("a copy cannot be brought to another member now", "key", o.key, "member", p.name, "error", err)
	}
	return false, nil
}

// repairDue brings copies of what is known to lack them.
func (c *Copies) repairDue(ctx context.Context) error {
	c.repair.rounds.Lock()
	defer c.repair.rounds.Unlock()
	if len(c.repair.keys()) == 0 {
		return nil
	}
	r := c.newRound(ctx, c.now.Load())
	if err := r.due(ctx); err != nil {
		return err
	}
	c.repair.mended(r.v, r.short)
	return nil
}

// due looks after what is known to lack copies, even if others could as well.
func (r *round) due(ctx context.Context) error {
	s := &r.c.repair
	r.force = true
	for keys := range slices.Chunk(s.keys(), maxKeys) {
		var page []Info
		var erased []erasure
		for _, key := range keys {
			i, err := r.c.local.Stat(ctx, key)
			if err == nil {
				page = append(page, i)
				continue
			}
			if at, eraseErr := r.c.local.erasedAt(key); eraseErr == nil && at > 0 {
				erased = append(erased, erasure{key, at})
			} else if doc.CodeOf(err) == doc.NotFound {
				s.set(key, false)
			} else {
				r.short++ // it may be here
			}
		}
		deaf, err := r.tell(ctx, erased)
		if err != nil {
			return err
		}
		for _, e := range erased {
			s.set(e.Key, len(deaf) > 0)
		}
		if err := r.page(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

func sumHex(sum [32]byte) string { return hex.EncodeToString(sum[:]) }
