package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recto-edge/recto/embedded/durable"
	"github.com/recto-edge/recto/node/doc"
)

// CopiesConfig says whose disks a Copies writes to.
type CopiesConfig struct {
	Local   *Files   // of this member
	Self    string   // node ID of this member
	Members []Member // as known at the start, this one too; see SetMembers
	// Client reaches another member under https://<node ID>/. It should have no
	// timeout of its own; its transport 32 idle connections a host, and an
	// ExpectContinueTimeout, so that a full member refuses before it is sent to.
	Client *http.Client
	// Stored is called with the key of each object that arrives from another
	// member and was not here. It must not block. It may be nil.
	Stored func(key string)

	MinFree    int64         // bytes of the disk that other members' objects leave free
	RepairRate int64         // bytes/s sent to others in the background; 0: 64 MiB
	ScrubRate  int64         // bytes/s read to find damage; 0: 8 MiB, below 0: no scrub
	Every      time.Duration // between repair rounds; 0: 1 h
	ScrubEvery time.Duration // between the beginnings of scrubs, the first at the start; 0: 6 h
	Soon       time.Duration // from a change of members to a repair round; 0: 3 s
	Hedge      time.Duration // after which the next member is asked too; 0: 300 ms
	Now        func() time.Time
	Logger     *slog.Logger
}

// Copies is a Store that keeps every object on several members' disks: three, or
// all when there are fewer. It answers for one when two have it on their disk, or
// the only one has. DESIGN.md says how.
type Copies struct {
	cfg   CopiesConfig
	local *Files
	log   *slog.Logger
	now   atomic.Pointer[view]

	ctx  context.Context
	stop context.CancelFunc

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup // every goroutine; begin adds to it
	peers  map[string]*peer

	repair repairState
	scrub  scrubState
}

// OpenCopies starts keeping copies. Close ends it.
func OpenCopies(cfg CopiesConfig) (*Copies, error) {
	if cfg.Local == nil || cfg.Self == "" {
		return nil, errors.New("open copies: neither files nor a node ID")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Every = defaulted(cfg.Every, time.Hour)
	cfg.ScrubEvery = defaulted(cfg.ScrubEvery, 6*time.Hour)
	cfg.Soon = defaulted(cfg.Soon, 3*time.Second)
	cfg.Hedge = defaulted(cfg.Hedge, 300*time.Millisecond)
	cfg.RepairRate = defaulted(cfg.RepairRate, 64<<20)
	cfg.ScrubRate = defaulted(cfg.ScrubRate, 8<<20)
	c := &Copies{cfg: cfg, local: cfg.Local, log: cfg.Logger, peers: map[string]*peer{}}
	c.ctx, c.stop = context.WithCancel(context.Background())
	if err := c.openRepair(); err != nil {
		return nil, fmt.Errorf("open copies: %w", err)
	}
	c.now.Store(newView(cfg.Self, nil))
	c.SetMembers(cfg.Members)
	c.begin(c.keepRepairing)
	if cfg.ScrubRate > 0 {
		c.begin(c.keepScrubbing)
	}
	return c, nil
}

func defaulted[T ~int64](v, standard T) T {
	if v == 0 {
		return standard
	}
	return v
}

// SetMembers tells who keeps copies now: all active and draining members, and
// those that leave. What has to move for it is moved in the background.
func (c *Copies) SetMembers(members []Member) {
	v := newView(c.cfg.Self, members)
	c.mu.Lock()
	old := c.now.Load()
	for _, id := range v.others() {
		if p := c.peers[id]; p == nil || p.name != v.name(id) {
			c.peers[id] = newPeer(v.members[id], c.cfg.Client)
		}
	}
	for id := range c.peers {
		if _, ok := v.members[id]; !ok {
			delete(c.peers, id)
		}
	}
	c.now.Store(v)
	c.mu.Unlock()
	back := false
	for _, id := range v.others() {
		if before, known := old.members[id]; v.members[id].Up && known && !before.Up {
			back = true
			if p := c.peer(id); p != nil {
				p.worked()
			}
		}
	}
	c.membersChanged(v, v.set != old.set || len(v.members) != len(old.members), back)
}

// Close stops the background and waits for what is being written. It may be
// called again.
func (c *Copies) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.stop()
	c.work.Wait()
	return nil
}

// begin runs fn with the life of the store as its context, unless that is over.
func (c *Copies) begin(fn func(context.Context)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.work.Go(func() { fn(c.ctx) })
	return true
}

func (c *Copies) peer(id string) *peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peers[id]
}

// able says whether a member is likely to answer.
func (c *Copies) able(v *view, id string) bool {
	if id == v.self {
		return true
	}
	p := c.peer(id)
	return p != nil && v.members[id].Up && !p.avoided(time.Now())
}

// split orders IDs: first those that are likely to answer.
func (c *Copies) split(v *view, ids []string) (able, unable []string) {
	for _, id := range ids {
		if c.able(v, id) {
			able = append(able, id)
		} else {
			unable = append(unable, id)
		}
	}
	return able, unable
}

// second gives the time as objects carry it.
func (c *Copies) second() int64 { return c.cfg.Now().Unix() }

// room says whether size bytes fit on this member's disk.
func (c *Copies) room(size int64) error {
	free, err := c.local.Free()
	if err != nil {
		return err
	}
	if free-size < c.cfg.MinFree {
		return doc.Errorf(doc.Full, "no room left on the disk of the blob store; nothing was kept")
	}
	return nil
}

// Free gives the bytes that may still be written to this member's disk.
func (c *Copies) Free() (int64, error) { return c.local.Free() }

// Ingest implements Store. The bytes wait in a file of this machine until their
// hash is known; where this member shall keep them, that is its copy.
func (c *Copies) Ingest(ctx context.Context, r io.Reader, limit int64) (sum [sha256.Size]byte, size int64, existed bool, err error) {
	p, err := c.local.write.Begin(c.local.temp())
	if err != nil {
		return sum, 0, false, fileError(err)
	}
	pc := &parcel{pending: p, local: c.local}
	pc.hold()
	defer pc.release()
	sum, size, err = spool(ctx, p, r, limit)
	if err != nil {
		return sum, size, false, fmt.Errorf("ingest: %w", fileError(err))
	}
	f, err := p.Open()
	if err != nil {
		return sum, size, false, fmt.Errorf("ingest: %w", fileError(err))
	}
	pc.body, pc.file = f, f
	existed, err = c.deliver(ctx, pc, object{key: OriginalKey(sum), sum: sum, size: size})
	if err != nil {
		return sum, size, false, fmt.Errorf("ingest: %w", err)
	}
	return sum, size, existed, nil
}

// Put implements Store. Other bytes under the same key are a Conflict wherever
// one of the members asked has them; only a key that names its content is safe
// from two members that do not see each other.
func (c *Copies) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := checkKey(key); err != nil {
		return err
	}
	body, err := readExactly(ctx, key, r, size)
	if err != nil {
		return err
	}
	o := object{key: key, sum: sha256.Sum256(body), size: size}
	if err := checkName(key, o.sum); err != nil {
		return err
	}
	pc := &parcel{body: bytes.NewReader(body), local: c.local}
	pc.hold()
	defer pc.release()
	if _, err := c.deliver(ctx, pc, o); err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

// Check says whether an object could be kept and read now: this member's disk is
// tried, and as many others asked as have to answer for one.
func (c *Copies) Check(ctx context.Context) error {
	if err := Check(ctx, c.local); err != nil {
		return err
	}
	v := c.now.Load()
	able, unable := c.split(v, v.others())
	have, why := 1, []error(nil)
	for _, id := range append(able, unable...) {
		if have >= v.synced() {
			return nil
		}
		if v.members[id].Leaving {
			continue
		}
		_, err := c.peer(id).have(ctx, haveQuestion{})
		if err == nil {
			have++
		} else {
			why = append(why, err)
		}
	}
	if have >= v.synced() {
		return nil
	}
	return c.tooFew(v, unable, why)
}

// parcel is the bytes of an object on their way to several disks. They stay as
// long as somebody holds it.
type parcel struct {
	local *Files
	body  io.ReaderAt

	mu      sync.Mutex
	holders int
	pending *durable.Pending // what Ingest wrote, until it is this member's copy
	file    *os.File
}

func (p *parcel) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holders++
}

func (p *parcel) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holders--; p.holders > 0 {
		return
	}
	if p.pending != nil {
		p.pending.Discard()
	}
	if p.file != nil {
		_ = p.file.Close() // only read from
	}
}

// keep makes the bytes durable on this member.
func (p *parcel) keep(ctx context.Context, o object) (existed bool, err error) {
	p.mu.Lock()
	pending := p.pending
	p.pending = nil
	p.mu.Unlock()
	if pending == nil {
		return p.local.receive(ctx, io.NewSectionReader(p.body, 0, o.size), o)
	}
	defer pending.Discard()
	return p.local.place(ctx, pending, o)
}
