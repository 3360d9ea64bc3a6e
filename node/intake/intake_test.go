package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/doc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fakeLog is a document log with the compare-and-set of the real one, that can be
// away, hang, or take in without answering.
type fakeLog struct {
	mu      sync.Mutex
	recs    map[doc.ID]doc.Record
	order   []doc.ID
	away    error
	hang    bool
	deaf    bool // appends, but the answer is lost
	appends int
}

func newLog() *fakeLog { return &fakeLog{recs: map[doc.ID]doc.Record{}} }

func (l *fakeLog) set(fn func(*fakeLog)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn(l)
}

func (l *fakeLog) Append(ctx context.Context, r doc.Record) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.appends++
	if l.hang {
		l.mu.Unlock()
		<-ctx.Done()
		l.mu.Lock()
		return 0, ctx.Err()
	}
	if l.away != nil {
		return 0, l.away
	}
	if _, ok := l.recs[r.ID]; ok {
		return 0, doc.Errorf(doc.Conflict, "document %s is there", r.ID)
	}
	l.recs[r.ID] = r
	l.order = append(l.order, r.ID)
	if l.deaf {
		return 0, doc.Errorf(doc.Unavailable, "answer lost")
	}
	return uint64(len(l.order)), nil
}

func (l *fakeLog) Known(id doc.ID) (doc.Record, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.recs[id]
	return r, ok
}

// stepStore is a store whose n-th writing step fails.
type stepStore struct {
	Store
	mu    sync.Mutex
	fail  int // 1: the next step; 0: none
	err   error
	after bool // the step is done, only its answer is lost
	free  int64
	reads int
}

func (s *stepStore) step() (fail, after bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail > 0 {
		s.fail--
		return s.fail == 0, s.after
	}
	return false, false
}

func (s *stepStore) Ingest(ctx context.Context, r io.Reader, limit int64) (sum [sha256.Size]byte, size int64, existed bool, err error) {
	fail, after := s.step()
	if fail && !after {
		return sum, 0, false, s.err
	}
	sum, size, existed, err = s.Store.Ingest(ctx, r, limit)
	if fail {
		err = s.err
	}
	return sum, size, existed, err
}

func (s *stepStore) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	fail, after := s.step()
	if fail && !after {
		return s.err
	}
	err := s.Store.Put(ctx, key, r, size)
	if fail {
		err = s.err
	}
	return err
}

func (s *stepStore) Read(ctx context.Context, key string, limit int64) ([]byte, error) {
	s.mu.Lock()
	s.reads++
	s.mu.Unlock()
	return s.Store.Read(ctx, key, limit)
}

func (s *stepStore) Free() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free, nil
}

type marks struct{ day string }

func (m *marks) Swept() string             { return m.day }
func (m *marks) SetSwept(day string) error { m.day = day; return nil }

// door is an intake on a real store of files, with what the test can move.
type door struct {
	*Intake
	store *stepStore
	log   *fakeLog
	clock *clock
	marks *marks
}

func newDoor(t *testing.T) *door {
	t.Helper()
	files, err := blob.OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := &door{store: &stepStore{Store: blob.Plain{Store: files}, free: 1 << 40, err: errors.New("killed here")}, log: newLog(), clock: newClock(), marks: &marks{}}
	d.restart()
	return d
}

// restart gives the door a new process, which remembers nothing.
func (d *door) restart() {
	d.Intake = New(Config{Store: d.store, Log: d.log, Marks: d.marks, MaxBytes: 1 << 20, MinFree: 1000, AppendWait: time.Millisecond,
		Now: d.clock.Now, KnownType: func(name string) bool { return name == "receipt" }})
}

func (d *door) keys(t *testing.T, prefix string) []string {
	t.Helper()
	var out []string
	if err := d.store.Keys(t.Context(), prefix, "", func(key string, _ time.Time) error {
		out = append(out, key)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func from(name string) doc.Delivery {
	return doc.Delivery{Name: name, Channel: "http", Sender: "key:1"}
}

func (d *door) submit(t *testing.T, body, name string) doc.Receipt {
	t.Helper()
	r, err := d.Submit(t.Context(), strings.NewReader(body), from(name))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSubmit(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	got, err := d.Submit(t.Context(), strings.NewReader("a receipt"), doc.Delivery{
		Name: `C:\scans\Müller.pdf`, Channel: "http", Sender: "key:1", Type: "receipt", Priority: doc.High,
		Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
	sum := sha256.Sum256([]byte("a receipt"))
	want := doc.Receipt{ID: doc.IDFromDigest(sum), SHA256: fmt.Sprintf("%x", sum), Size: 9, Name: "Müller.pdf", State: doc.StateQueued}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Submit: %v (-want +got):\n%s", err, diff)
	}
	keys := d.keys(t, arrivals)
	if len(keys) != 1 || !strings.HasPrefix(keys[0], "intake/2026-11-23/"+string(got.ID)+"-") {
		t.Fatalf("intake records: %v", keys)
	}
	body, err := d.store.Read(t.Context(), keys[0], 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var a doc.Arrival
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(doc.First(a), d.log.recs[got.ID]); diff != "" || a.Type != "receipt" || a.Priority != doc.High || a.Traceparent == "" {
		t.Errorf("log and intake record differ (-record +log):\n%s", diff)
	}
}

func TestSubmitRefuses(t *testing.T) {
	t.Parallel()
	good := from("x.pdf")
	for name, c := range map[string]struct {
		body   io.Reader
		change func(*doc.Delivery)
		code   doc.Code
		detail string
	}{
		"empty":        {strings.NewReader(""), nil, doc.Invalid, doc.DetailEmpty},
		"too large":    {bytes.NewReader(make([]byte, 1<<20+1)), nil, doc.TooLarge, ""},
		"unknown type": {strings.NewReader("x"), func(d *doc.Delivery) { d.Type = "nonsense" }, doc.Invalid, doc.DetailUnknownType},
		"priority":     {strings.NewReader("x"), func(d *doc.Delivery) { d.Priority = "now" }, doc.Invalid, ""},
		"no channel":   {strings.NewReader("x"), func(d *doc.Delivery) { d.Channel = "" }, doc.Invalid, ""},
		"parent":       {strings.NewReader("x"), func(d *doc.Delivery) { d.Parent = "../x" }, doc.Invalid, ""},
		"cut line":     {io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)), nil, doc.Internal, ""},
		"dead line":    {iotest.ErrReader(io.ErrUnexpectedEOF), nil, doc.Internal, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, dl := newDoor(t), good
			if c.change != nil {
				c.change(&dl)
			}
			_, err := d.Submit(t.Context(), c.body, dl)
			if doc.CodeOf(err) != c.code || doc.DetailOf(err) != c.detail {
				t.Errorf("Submit: %v (%s, %s)", err, doc.CodeOf(err), doc.DetailOf(err))
			}
			if keys := d.keys(t, ""); len(keys) > 0 || d.log.appends > 0 {
				t.Errorf("kept %v, %d appends", keys, d.log.appends)
			}
			if n := d.Counts(); n.Refused != 1 || n.Accepted != 0 {
				t.Errorf("Counts = %+v", n)
			}
		})
	}
}

func TestSubmitLeavesRoomOnTheDisk(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for free, want := range map[int64]doc.Code{0: doc.Full, 1000: doc.Full, 1099: doc.Full, 1100: ""} {
		d.store.free = free
		if _, err := d.Submit(t.Context(), bytes.NewReader(make([]byte, 100)), from("x")); doc.CodeOf(err) != want {
			t.Errorf("100 bytes with %d free, 1000 to stay: %v; want %q", free, err, want)
		}
	}
	d.store.free = 1 << 30
	if _, err := d.Submit(t.Context(), bytes.NewReader(make([]byte, 1<<20+1)), from("x")); doc.CodeOf(err) != doc.TooLarge {
		t.Errorf("over the limit with room: %v", err)
	}
}

func TestSameBytesAreOneDocument(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	first := d.submit(t, "bytes", "first.pdf")
	d.log.set(func(l *fakeLog) {
		r := l.recs[first.ID]
		r.State = doc.StateDone
		l.recs[first.ID] = r
	})
	for range 3 { // at the same moment of the clock
		again := d.submit(t, "bytes", "again.pdf")
		if !again.Duplicate || again.ID != first.ID || again.State != doc.StateDone || again.Name != "again.pdf" {
			t.Errorf("again: %+v", again)
		}
	}
	if n := len(d.keys(t, arrivals)); n != 4 || d.log.appends != 1 || len(d.keys(t, "originals/")) != 1 {
		t.Errorf("%d intake records, %d appends", n, d.log.appends)
	}
	if c := d.Counts(); c.Accepted != 4 || c.Duplicates != 3 || c.Bytes != 20 {
		t.Errorf("Counts = %+v", c)
	}
}

func TestTwoHundredAtOnceAreOneDocument(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	body := strings.Repeat("the same bytes ", 1000)
	receipts := make([]doc.Receipt, 200)
	var wg sync.WaitGroup
	for i := range receipts {
		wg.Go(func() {
			var err error
			if receipts[i], err = d.Submit(t.Context(), strings.NewReader(body), from("x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	firsts := 0
	for _, r := range receipts {
		if r.ID != receipts[0].ID || r.State != doc.StateQueued {
			t.Errorf("receipt %+v", r)
		}
		if !r.Duplicate {
			firsts++
		}
	}
	if firsts != 1 || len(d.log.order) != 1 || len(d.keys(t, arrivals)) != 200 || len(d.keys(t, "originals/")) != 1 {
		t.Errorf("%d firsts, %d documents, %d intake records", firsts, len(d.log.order), len(d.keys(t, arrivals)))
	}
}

func TestLogAwayIsNoReasonToRefuse(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(*fakeLog){
		"unavailable": func(l *fakeLog) { l.away = doc.Errorf(doc.Unavailable, "no quorum") },
		"hangs":       func(l *fakeLog) { l.hang = true },
		"full":        func(l *fakeLog) { l.away = doc.Errorf(doc.Full, "no room") },
		"deaf":        func(l *fakeLog) { l.deaf = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoor(t)
			d.log.set(away)
			var want []doc.ID
			for i := range 3 {
				r := d.submit(t, fmt.Sprint("document ", i), "x")
				if r.State != doc.StateReceived || r.Duplicate {
					t.Errorf("receipt %+v; want received", r)
				}
				want = append(want, r.ID)
			}
			if name == "unavailable" || name == "full" {
				if _, err := d.Sweep(t.Context()); err == nil {
					t.Error("Sweep with the log away gives no error")
				}
			}
			d.log.set(func(l *fakeLog) { l.away, l.hang, l.deaf = nil, false, false })
			if _, err := d.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, id := range want {
				if _, ok := d.log.Known(id); !ok {
					t.Errorf("the log has not heard of %s", id)
				}
			}
			if len(d.log.order) != 3 {
				t.Errorf("%d documents in the log; want 3", len(d.log.order))
			}
		})
	}
}

// TestKilledAtEveryStep ends the process before and after each step of Submit.
// A sender who got no receipt repeats; then there is exactly one document.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for step := 1; step <= 2; step++ {
		for _, after := range []bool{false, true} {
			d := newDoor(t)
			d.store.fail, d.store.after = step, after
			if _, err := d.Submit(t.Context(), strings.NewReader("bytes"), from("x")); !errors.Is(err, d.store.err) {
				t.Fatalf("step %d after %v: %v", step, after, err)
			}
			d.restart()
			found, err := d.Sweep(t.Context())
			if err != nil || found > 1 {
				t.Errorf("step %d after %v: Sweep found %d, %v", step, after, found, err)
			}
			r := d.submit(t, "bytes", "x") // the sender repeats
			if r.Duplicate != (found == 1) || len(d.log.order) != 1 || d.log.order[0] != r.ID {
				t.Errorf("step %d after %v: %+v, log %v", step, after, r, d.log.order)
			}
		}
	}
}

func TestCleanName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "unnamed", "..": "unnamed", "/": "unnamed", "../../etc/passwd": "passwd", `\\srv\x\Scan 1.pdf`: "Scan 1.pdf",
		"a\x00b\nc.pdf": "ab c.pdf", "Größe €.pdf": "Größe €.pdf", "\xff.pdf": "�.pdf", "evil\u202efdp.exe": "evilfdp.exe",
		strings.Repeat("ä", 300) + ".pdf": strings.Repeat("ä", 125) + ".pdf",
	} {
		if got := cleanName(in); got != want {
			t.Errorf("cleanName(%q) = %q; want %q", in, got, want)
		}
	}
}
