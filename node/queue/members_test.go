package queue_test

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/recto-edge/recto/embedded/brokertest"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

// rounds is how often something random is tried: RECTO_LONG=1 for more.
func rounds() int {
	if os.Getenv("RECTO_LONG") != "" {
		return 4
	}
	return 1
}

func onlyLong(t *testing.T) {
	t.Helper()
	if os.Getenv("RECTO_LONG") == "" {
		t.Skip("takes a minute: set RECTO_LONG=1")
	}
	t.Parallel()
}

// until repeats ok until it is true.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func long(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	t.Cleanup(cancel)
	return ctx
}

// cluster is a set of members, each with its broker, its log and its administration.
type cluster struct {
	*brokertest.Members
	t testing.TB

	mu     sync.Mutex
	queues map[string]*queue.Queue
	admins map[string]*queue.Admin
}

// newCluster starts members one after the other; the log has one copy.
func newCluster(t testing.TB, names ...string) *cluster {
	t.Helper()
	c := &cluster{Members: brokertest.New(t), t: t, queues: map[string]*queue.Queue{}, admins: map[string]*queue.Admin{}}
	c.Logger = logger()
	for _, name := range names {
		c.join(name)
	}
	return c
}

// join starts a new member, or one that was stopped, and waits until it belongs.
func (c *cluster) join(name string) *queue.Queue {
	c.t.Helper()
	if c.Broker(name) == nil {
		c.Start(c.t, name)
	}
	a, err := queue.OpenAdmin(c.Broker(name), logger())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { a.Close() })
	until(c.t, name+" belongs", func() bool {
		meta, err := a.Meta(long(c.t))
		p, there := meta.Peer(name)
		return err == nil && meta.Leader != "" && there && p.Current
	})
	q, err := queue.Open(long(c.t), queue.Config{Broker: c.Broker(name), Name: name, Logger: logger(), Timeout: 2 * time.Second})
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.queues[name], c.admins[name] = q, a
	c.mu.Unlock()
	c.t.Cleanup(func() { q.Close() })
	return q
}

// leave stops a member in good order.
func (c *cluster) leave(name string) {
	c.t.Helper()
	c.admins[name].Close()
	c.queues[name].Close()
	delete(c.admins, name)
	delete(c.queues, name)
	c.Stop(c.t, name)
}

// spread gives the log n copies.
func (c *cluster) spread(name string, n int) {
	c.t.Helper()
	if err := c.queues[name].SetReplicas(long(c.t), n, func(p queue.Progress) { c.t.Logf("%+v", p) }); err != nil {
		c.t.Fatal(err)
	}
}

// steady appends documents one after the other until stop, which gives how many, and
// the longest that one of them had to wait.
func (c *cluster) steady(name string, from int) (stop func() (n int, stall time.Duration)) {
	ctx, cancel := context.WithCancel(context.Background())
	var n int
	var stall time.Duration
	var wg sync.WaitGroup
	q := c.queues[name]
	wg.Go(func() {
		for ctx.Err() == nil {
			start := time.Now()
			for {
				_, err := q.Append(context.Background(), record(from+n))
				if err == nil {
					break
				}
				if doc.CodeOf(err) != doc.Unavailable || ctx.Err() != nil && time.Since(start) > patience {
					c.t.Errorf("append: %v", err)
					return
				}
			}
			stall = max(stall, time.Since(start))
			n++
		}
	})
	return func() (int, time.Duration) {
		cancel()
		wg.Wait()
		return n, stall
	}
}

// present checks that the documents from..from+n-1 are all in a member's log.
func (c *cluster) present(name string, from, n int) {
	c.t.Helper()
	for i := from; i < from+n; i++ {
		var err error
		until(c.t, "the log answers", func() bool {
			_, _, err = c.queues[name].Latest(long(c.t), record(i).ID)
			return doc.CodeOf(err) != doc.Unavailable
		})
		if err != nil {
			c.t.Fatalf("document %d, as %s sees it: %v", i, name, err)
		}
	}
}

// The log grows from one copy to three and back while documents are appended.
func TestCopiesFollowMembers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "a", "b", "c")
	work(t, c.queues["b"], quick(2), func(context.Context, queue.Job) error { return nil })
	stop := c.steady("a", 0)
	start := time.Now()
	for i := range 5 { // members that die while they do it
		ctx, cancel := context.WithTimeout(long(t), time.Duration(i)*300*time.Millisecond)
		_ = c.queues[c.Names()[i%3]].SetReplicas(ctx, 3, nil) // fails for lack of time, or has been fast
		cancel()
	}
	c.spread("b", 3)
	grown := time.Since(start)
	n, stall := stop()
	t.Logf("1 to 3 copies in %s, %d documents meanwhile, longest wait %s", grown.Round(time.Millisecond), n, stall.Round(time.Millisecond))
	for _, name := range c.Names() {
		c.present(name, 0, n)
	}
	stop = c.steady("c", n)
	start = time.Now()
	c.spread("a", 1)
	shrunk := time.Since(start)
	more, stall := stop()
	t.Logf("3 to 1 copies in %s, %d documents meanwhile, longest wait %s", shrunk.Round(time.Millisecond), more, stall.Round(time.Millisecond))
	c.present("b", 0, n+more)
}

// leader names the member that leads the log.
func (c *cluster) leader() string {
	c.t.Helper()
	var name string
	until(c.t, "somebody leads the log", func() bool {
		for _, a := range c.admins {
			servers, err := a.Replicas(long(c.t))
			if err != nil {
				continue
			}
			for _, s := range servers {
				for _, r := range s.Streams {
					if r.Stream == "DOCS" && r.Leads(s.Name) {
						name = s.Name
						return true
					}
				}
			}
		}
		return false
	})
	return name
}

func (c *cluster) other(not ...string) string {
	for _, name := range c.Names() {
		if !slices.Contains(not, name) && c.Broker(name) != nil {
			return name
		}
	}
	c.t.Fatal("no other member")
	return ""
}

// writes waits until a member appends again.
func (c *cluster) writes(name string) {
	c.t.Helper()
	until(c.t, name+" writes", func() bool { return c.queues[name].Healthy(long(c.t)) == nil })
}

// newLeader waits until another member than old leads the log.
func (c *cluster) newLeader(old string) string {
	c.t.Helper()
	var now string
	until(c.t, "another member leads", func() bool { now = c.leader(); return now != old })
	return now
}

// A member that stops in good order hands over what it leads, so that appends go on
// at once.
func TestPlannedStop(t *testing.T) {
	onlyLong(t)
	c := newCluster(t, "a", "b", "c")
	c.spread("a", 3)
	from := 0
	for range rounds() {
		leads := c.leader()
		stay := c.other(leads)
		stop := c.steady(stay, from)
		start := time.Now()
		c.leave(leads)
		took := time.Since(start)
		c.newLeader(leads)
		c.writes(stay)
		n, stall := stop()
		from += n
		t.Logf("stopped %s in %s: %d appended, longest wait %s", leads, took.Round(time.Millisecond), n, stall.Round(time.Millisecond))
		c.join(leads)
		c.present(leads, 0, from)
	}
}

// archive reads with a shared position on a member and gives how many documents came.
func (c *cluster) archive(name string) (seen func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	ids := map[doc.ID]bool{}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.queues[name].Durable(ctx, "archive", func(_ context.Context, _ uint64, rec doc.Record) error {
			mu.Lock()
			defer mu.Unlock()
			ids[rec.ID] = true
			return nil
		}); err != nil {
			c.t.Error(err)
		}
	})
	c.t.Cleanup(func() { cancel(); wg.Wait() })
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(ids)
	}
}

// A leader that vanishes is replaced; what it acknowledged is there, nobody believes
// it afterwards, and those who read the log wait and go on.
func TestLeaderVanishes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "a", "b", "c")
	c.spread("a", 3)
	old := c.leader()
	stay := c.other(old)
	archived := c.archive(stay)
	work(t, c.queues[stay], quick(2), func(context.Context, queue.Job) error { return nil })
	from := 0
	for range rounds() {
		stop := c.steady(stay, from)
		start := time.Now()
		c.Isolate(t, old)
		_, err := c.queues[old].Append(long(t), record(1_000_000+from))
		wantCode(t, err, doc.Unavailable)
		c.writes(stay)
		back := time.Since(start)
		if err := c.queues[old].Healthy(long(t)); err == nil {
			t.Errorf("%s is alone and calls itself healthy", old)
		}
		n, stall := stop()
		c.Heal(t, old)
		t.Logf("%s vanished: writes again after %s, %d appended, longest wait %s", old, back.Round(time.Millisecond), n, stall.Round(time.Millisecond))
		from += n
		c.writes(old)
		c.present(old, 0, from)
		until(t, "all is archived", func() bool { return archived() >= from })
		until(t, "all is worked on", func() bool {
			depth, err := c.queues[old].Depth(long(t))
			return err == nil && depth[doc.Normal] == 0
		})
		if old = c.leader(); old == stay {
			return
		}
	}
}

// The loss of the servers' leader is no loss to those who append, as long as it does
// not lead the log too.
func TestMetaLeaderVanishes(t *testing.T) {
	onlyLong(t)
	c := newCluster(t, "a", "b", "c")
	c.spread("a", 3)
	var boss string
	until(t, "another member leads the servers", func() bool {
		meta, err := c.admins["a"].Meta(long(t))
		if err != nil || meta.Leader == "" {
			return false
		}
		if boss = meta.Leader; boss == c.leader() {
			if err := c.admins[boss].HandOver(long(t)); err != nil {
				t.Fatal(err)
			}
			return false
		}
		return true
	})
	stay := c.other(boss)
	stop := c.steady(stay, 0)
	start := time.Now()
	c.Isolate(t, boss)
	until(t, "there is another one", func() bool {
		meta, err := c.admins[stay].Meta(long(t))
		return err == nil && meta.Leader != "" && meta.Leader != boss
	})
	took := time.Since(start)
	n, stall := stop()
	t.Logf("another meta leader after %s; %d appended, longest wait %s", took.Round(time.Millisecond), n, stall.Round(time.Millisecond))
	c.Heal(t, boss)
	c.writes(boss)
	c.present(boss, 0, n)
}

// A worker that hears and says nothing any more loses its job to another member, and
// what it appends afterwards is refused.
func TestSilentWorkerLosesItsJob(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "a", "b", "c")
	c.spread("a", 3)
	silent := c.other(c.leader())
	other := c.other(silent)
	appendOK(t, c.queues[other], record(1))
	began, late := make(chan queue.Job, 1), make(chan error, 1)
	release := make(chan struct{})
	work(t, c.queues[silent], queue.WorkConfig{Drain: time.Millisecond}, func(_ context.Context, job queue.Job) error {
		reading := next(t, job.Record, doc.StateReading, "silent")
		appendOK(t, c.queues[silent], reading)
		began <- job
		<-release
		var err error
		for code := doc.Unavailable; code == doc.Unavailable; code = doc.CodeOf(err) {
			_, err = c.queues[silent].Append(long(t), next(t, reading, doc.StateDone, "silent"))
		}
		late <- err
		return err
	})
	receive(t, began)
	start := time.Now()
	c.Isolate(t, silent)
	again := make(chan queue.Job, 1)
	work(t, c.queues[other], queue.WorkConfig{}, func(_ context.Context, job queue.Job) error {
		rec := next(t, job.Record, doc.StateReading, "other")
		appendOK(t, c.queues[other], rec)
		appendOK(t, c.queues[other], next(t, rec, doc.StateDone, "other"))
		again <- job
		return nil
	})
	job := receive(t, again)
	t.Logf("the job came to another member after %s", time.Since(start).Round(time.Millisecond))
	if job.Attempt != 2 || job.Record.Revision != 2 || job.Record.State != doc.StateReading {
		t.Errorf("got attempt %d, %s, revision %d; want attempt 2, reading, revision 2", job.Attempt, job.Record.State, job.Record.Revision)
	}
	c.Heal(t, silent)
	c.writes(silent)
	close(release)
	wantCode(t, receive(t, late), doc.Conflict)
	var rec doc.Record
	until(t, "the log answers", func() bool {
		var err error
		rec, _, err = c.queues[silent].Latest(long(t), record(1).ID)
		return doc.CodeOf(err) != doc.Unavailable
	})
	if rec.Revision != 4 || rec.By != "other" {
		t.Fatalf("the document is %+v", rec)
	}
}
