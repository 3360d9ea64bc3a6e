package intake

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/doc"
)

func TestSweepAfterARestart(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.log.set(func(l *fakeLog) { l.away = doc.Errorf(doc.Unavailable, "away") })
	for i := range 500 {
		d.submit(t, fmt.Sprint(i), "x")
		d.submit(t, fmt.Sprint(i), "again")
	}
	d.log.set(func(l *fakeLog) { l.away = nil })
	d.restart()
	found, err := d.Sweep(t.Context())
	if err != nil || found != 500 || len(d.log.order) != 500 {
		t.Errorf("Sweep = %d, %v; %d in the log; want 500", found, err, len(d.log.order))
	}
	d.restart()
	if found, err := d.Sweep(t.Context()); err != nil || found != 0 {
		t.Errorf("second Sweep = %d, %v; want nothing", found, err)
	}
	if d.Counts().Swept != 0 || d.store.reads > 1000 {
		t.Errorf("Counts = %+v, %d reads", d.Counts(), d.store.reads)
	}
}

func TestSweepStopsWhenTheLogGoesAway(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.log.set(func(l *fakeLog) { l.away = doc.Errorf(doc.Unavailable, "away") })
	for i := range 200 {
		d.submit(t, fmt.Sprint(i), "x")
	}
	d.log.set(func(l *fakeLog) { l.appends = 0 })
	if _, err := d.Sweep(t.Context()); doc.CodeOf(err) != doc.Unavailable {
		t.Errorf("Sweep: %v; want unavailable", err)
	}
	if d.log.appends > 3*sweepWriters {
		t.Errorf("%d appends to a log that is away", d.log.appends)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Sweep(ctx); err == nil {
		t.Error("Sweep with an ended context gives no error")
	}
	d.log.set(func(l *fakeLog) { l.away = nil })
	if found, err := d.Sweep(t.Context()); err != nil || found != 200 {
		t.Errorf("Sweep = %d, %v; want 200", found, err)
	}
}

func TestSweepRemembersHowFarItCame(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.submit(t, "old", "x")
	d.clock.add(10 * 24 * time.Hour)
	d.submit(t, "new", "x")
	if _, err := d.Sweep(t.Context()); err != nil || d.marks.day != "2026-12-01" {
		t.Fatalf("swept up to %q, %v", d.marks.day, err)
	}
	d.log.set(func(l *fakeLog) { l.recs = map[doc.ID]doc.Record{} }) // the log went backwards
	d.restart()
	if found, err := d.Sweep(t.Context()); err != nil || found != 1 {
		t.Errorf("Sweep = %d, %v; want the new one only", found, err)
	}
	if err := d.Forget(); err != nil {
		t.Fatal(err)
	}
	if found, err := d.Sweep(t.Context()); err != nil || found != 1 {
		t.Errorf("Sweep after Forget = %d, %v; want the old one", found, err)
	}
}

func TestSweepIsIdleWhenNothingIsMissing(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	if _, err := d.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Another member takes a document and dies before the log hears of it.
	other := New(Config{Store: d.store, Log: &fakeLog{away: doc.Errorf(doc.Unavailable, "dying")}, AppendWait: time.Millisecond, Now: d.clock.Now})
	if _, err := other.Submit(t.Context(), strings.NewReader("orphan"), from("x")); err != nil {
		t.Fatal(err)
	}
	if found, err := d.Sweep(t.Context()); err != nil || found != 0 {
		t.Errorf("Sweep at once = %d, %v", found, err)
	}
	d.clock.add(sweepIdle)
	if found, err := d.Sweep(t.Context()); err != nil || found != 1 {
		t.Errorf("Sweep later = %d, %v; want the orphan", found, err)
	}
}

func TestSweepPassesOverABadRecord(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.log.set(func(l *fakeLog) { l.away = doc.Errorf(doc.Unavailable, "away") })
	r := d.submit(t, "good", "x")
	d.log.set(func(l *fakeLog) { l.away = nil })
	id := strings.Repeat("0", 26)
	for key, body := range map[string]string{"intake/2026-11-23/" + id + "-1.json": "{torn", "intake/2026-11-23/stray": "?"} {
		if err := d.store.Put(t.Context(), key, strings.NewReader(body), int64(len(body))); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := d.Sweep(t.Context()); err != nil || found != 1 || d.log.order[0] != r.ID {
		t.Errorf("Sweep = %d, %v; want the good one", found, err)
	}
}

// Records of the version before had no digest in their key.
func TestSweepFindsRecordsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.log.set(func(l *fakeLog) { l.away = doc.Errorf(doc.Unavailable, "away") })
	r := d.submit(t, "bytes", "x")
	d.log.set(func(l *fakeLog) { l.away = nil })
	key := d.keys(t, arrivals)[0]
	body, err := d.store.Read(t.Context(), key, maxArrival)
	if err != nil {
		t.Fatal(err)
	}
	old := key[:strings.LastIndexByte(key, '-')] + ".json"
	if err := d.store.Put(t.Context(), old, strings.NewReader(string(body)), int64(len(body))); err != nil {
		t.Fatal(err)
	}
	files, ok := d.store.Store.(blob.Plain)
	if !ok {
		t.Fatal("another store")
	}
	if err := files.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	d.restart()
	if found, err := d.Sweep(t.Context()); err != nil || found != 1 || d.log.order[0] != r.ID {
		t.Errorf("Sweep = %d, %v; want the document", found, err)
	}
}

func TestArrivalKeysNameTheirContent(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.submit(t, "bytes", "x")
	key := d.keys(t, arrivals)[0]
	files, ok := d.store.Store.(blob.Plain)
	if !ok {
		t.Fatal("another store")
	}
	if err := blob.Verify(t.Context(), files.Store, key); err != nil {
		t.Errorf("Verify(%s): %v", key, err)
	}
}
