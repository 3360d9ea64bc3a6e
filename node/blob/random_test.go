package blob_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/blob/blobtest"
	"github.com/recto-edge/recto/node/doc"
)

// TestCopiesAtRandom delivers, erases and reads while members go, come, join,
// leave, restart and have bits flipped. Then everything that was acknowledged
// must be readable everywhere, and nothing of what was erased. More seeds:
// RECTO_SEEDS=100; one: RECTO_SEED=17; both: so many from there.
func TestCopiesAtRandom(t *testing.T) {
	t.Parallel()
	first, n := 1, 6
	if v, err := strconv.Atoi(os.Getenv("RECTO_SEEDS")); err == nil {
		n = v
	}
	if v, err := strconv.Atoi(os.Getenv("RECTO_SEED")); err == nil {
		first = v
		if os.Getenv("RECTO_SEEDS") == "" {
			n = 1
		}
	}
	for seed := first; seed < first+n; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := &walk{t: t, r: rand.New(rand.NewPCG(uint64(seed), 0)), kept: map[string][]byte{}, gone: map[string][]byte{}}
			w.f = newFleet(t, 1+w.r.IntN(5), nil)
			for range 150 {
				w.step()
			}
			w.end()
		})
	}
}

type walk struct {
	t    *testing.T
	r    *rand.Rand
	f    *fleet
	kept map[string][]byte // acknowledged
	gone map[string][]byte // erased
	made int
	down string // the member that is cut off
}

func (w *walk) any() *machine { return w.f.of(w.f.ids[w.r.IntN(len(w.f.ids))]) }

func (w *walk) one(of map[string][]byte) (string, bool) {
	if len(of) == 0 {
		return "", false
	}
	keys := slices.Sorted(maps.Keys(of))
	return keys[w.r.IntN(len(keys))], true
}

func (w *walk) step() {
	switch x := w.r.IntN(100); {
	case x < 35:
		w.made++
		w.deliver(blobtest.Bytes(uint64(w.made), 1+w.r.IntN(5000)), w.r.IntN(2) == 0)
	case x < 40:
		if key, ok := w.one(w.gone); ok {
			w.deliver(w.gone[key], key[0] == 'o')
		}
	case x < 50:
		w.erase()
	case x < 75:
		w.read()
	case x < 85:
		w.toggle()
	case x < 90:
		w.damage()
	case x < 94:
		m := w.any()
		w.f.restart(m.id)
	default:
		w.change()
	}
}

// deliver ingests or puts.
func (w *walk) deliver(body []byte, original bool) {
	m, sum := w.any(), sha256.Sum256(body)
	key := blob.OriginalKey(sum)
	var err error
	if original {
		_, _, _, err = m.Ingest(w.t.Context(), bytes.NewReader(body), 0)
	} else {
		key = fmt.Sprintf("intake/2026-11-23/doc-%x.json", sum[:8])
		err = m.Put(w.t.Context(), key, bytes.NewReader(body), int64(len(body)))
	}
	if err == nil {
		w.kept[key] = body
	} else if doc.CodeOf(err) != doc.Unavailable {
		w.t.Errorf("deliver %s on %s: %v", key, m.id, err)
	}
	delete(w.gone, key) // not acknowledged may live all the same
}

func (w *walk) erase() {
	key, ok := w.one(w.kept)
	if !ok {
		return
	}
	m := w.any()
	err := m.Delete(w.t.Context(), key)
	if err == nil {
		w.gone[key] = w.kept[key]
	} else if doc.CodeOf(err) != doc.Unavailable {
		w.t.Errorf("erase %s on %s: %v", key, m.id, err)
	}
	delete(w.kept, key) // erased without an answer may be gone all the same
}

func (w *walk) read() {
	key, ok := w.one(w.kept)
	if !ok {
		return
	}
	m := w.any()
	got, err := blob.ReadAll(w.t.Context(), m, key, 1<<20)
	if err == nil && !bytes.Equal(got, w.kept[key]) || err != nil && doc.CodeOf(err) != doc.Unavailable {
		w.t.Errorf("read %s on %s: %d bytes, %v", key, m.id, len(got), err)
	}
	if err != nil && w.down == "" {
		w.t.Errorf("read %s on %s with all members up: %v", key, m.id, err)
	}
}

func (w *walk) toggle() {
	if w.down != "" {
		w.f.setDown(w.down, false)
		w.down = ""
	} else if len(w.f.ids) > 1 {
		w.down = w.any().id
		w.f.setDown(w.down, true)
	}
}

// damage flips a bit of one of three good copies.
func (w *walk) damage() {
	key, ok := w.one(w.kept)
	if !ok {
		return
	}
	var good []string
	for _, id := range w.f.holders(key) {
		if blob.Verify(w.t.Context(), w.f.of(id).files, key) == nil {
			good = append(good, id)
		}
	}
	if len(good) > 2 {
		w.f.of(good[w.r.IntN(len(good))]).damage(w.t, key)
	}
}

// change lets a member join, or leave as an admin would have it: not before its
// copies are elsewhere.
func (w *walk) change() {
	if w.down != "" {
		w.toggle()
	}
	if len(w.f.ids) < 5 && w.r.IntN(2) == 0 {
		w.made++
		w.f.add(fmt.Sprintf("m%d", w.made))
		w.f.tell()
		return
	}
	if len(w.f.ids) < 2 {
		return
	}
	m := w.any()
	w.f.leaving[m.id] = true
	w.f.tell()
	for range 3 {
		if w.r.IntN(2) == 0 { // meanwhile
			w.made++
			w.deliver(blobtest.Bytes(uint64(w.made), 100), true)
		}
		w.f.repair()
	}
	if d, err := m.Drained(w.t.Context(), m.id); err != nil || !d.Safe {
		w.t.Errorf("%s cannot leave: %+v, %v", m.id, d, err)
		return
	}
	w.f.ids = slices.DeleteFunc(w.f.ids, func(id string) bool { return id == m.id })
	w.f.tell()
	m.halt()
}

func (w *walk) end() {
	if w.down != "" {
		w.toggle()
	}
	for range 2 {
		w.f.repair()
		for _, id := range w.f.ids {
			if err := w.f.of(id).Scrub(w.t.Context()); err != nil {
				w.t.Error(err)
			}
		}
	}
	need := min(3, len(w.f.ids))
	for key, body := range w.kept {
		if h := w.f.holders(key); len(h) < need {
			w.t.Errorf("%s is on %v; want %d", key, h, need)
		}
		for _, id := range w.f.ids {
			wantRead(w.t, w.f.of(id), key, body)
		}
	}
	for key := range w.gone {
		if h := w.f.holders(key); len(h) > 0 {
			w.t.Errorf("%s was erased and is on %v", key, h)
		}
		for _, id := range w.f.ids {
			if _, err := w.f.of(id).Open(w.t.Context(), key); doc.CodeOf(err) != doc.NotFound {
				w.t.Errorf("%s was erased, and Open on %s gives %v", key, id, err)
			}
		}
	}
	for _, id := range w.f.ids {
		if st := w.f.of(id).Status(); st.Damaged != 0 || !st.Settled || st.Due != 0 {
			w.t.Errorf("%s: %+v", id, st)
		}
	}
	w.t.Logf("%d members, %d kept, %d erased", len(w.f.ids), len(w.kept), len(w.gone))
}
