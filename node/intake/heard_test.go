package intake

import (
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// A member that stored another one's intake record brings it to the log when that
// one did not.
func TestHeardOfAnotherMembersDocument(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	if _, err := d.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.log.set(func(l *fakeLog) { l.away = doc.Errorf(doc.Unavailable, "away") })
	dying := *d
	dying.restart() // another member at the same store
	receipt := dying.submit(t, "bytes", "x")
	d.log.set(func(l *fakeLog) { l.away = nil })
	key := d.keys(t, "intake/")[0]
	d.Heard(key)
	d.Heard("intake/no/record")
	if found, err := d.Sweep(t.Context()); err != nil || found != 0 {
		t.Fatalf("Sweep = %d, %v; want to leave it to the other member at first", found, err)
	}
	d.clock.add(time.Minute)
	if found, err := d.Sweep(t.Context()); err != nil || found != 1 {
		t.Fatalf("Sweep = %d, %v; want 1", found, err)
	}
	if _, ok := d.log.Known(receipt.ID); !ok {
		t.Fatal("the log does not know the document")
	}
	d.Heard(key) // again: known by now
	d.clock.add(time.Minute)
	if found, err := d.Sweep(t.Context()); err != nil || found != 0 || len(d.due()) != 0 {
		t.Fatalf("Sweep = %d, %v, %d left; want nothing", found, err, len(d.due()))
	}
}
