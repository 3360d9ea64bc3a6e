package cluster

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// bell rings for whoever waits for something to change.
type bell struct {
	mu sync.Mutex
	ch chan struct{}
}

// moved gives a channel that is closed at the next ring.
func (b *bell) moved() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

// watchLeader tells those who wait that another one leads, or nobody.
func (c *Cluster) watchLeader() {
	seen := make(chan raft.Observation, 16)
	o := raft.NewObserver(seen, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	c.raft.RegisterObserver(o)
	defer c.raft.DeregisterObserver(o)
	for {
		select {
		case <-seen:
			c.leader.ring()
			c.fsm.wake()
		case <-c.life.Done():
			return
		}
	}
}

// lead begins an epoch each time this member becomes leader, and closes first after
// the first.
func (c *Cluster) lead(first chan struct{}) {
	var again <-chan time.Time
	for {
		leads := true
		select {
		case <-c.life.Done():
			return
		case leads = <-c.notify:
		case <-again:
			leads = c.raft.State() == raft.Leader
		}
		again = nil
		if leads {
			if err := c.begin(); err != nil {
				c.log.Warn("begin to lead", "error", err)
				again = time.After(200 * time.Millisecond)
			} else if first != nil {
				close(first)
				first = nil
			}
		}
		c.leader.ring()
		c.fsm.wake() // who leads is news, too
	}
}

// begin raises the epoch and makes sure that the cluster has what belongs to it.
func (c *Cluster) begin() error {
	term := c.raft.CurrentTerm()
	if _, _, err := c.apply(c.life, Command{Op: OpEpoch}); err != nil {
		return err
	}
	if err := c.found(); err != nil {
		return err
	}
	if c.raft.CurrentTerm() != term {
		return ErrNotLeader // and the next round comes
	}
	c.led.Store(term)
	return nil
}

// Leads says whether this member leads, with an epoch of its own.
func (c *Cluster) Leads() bool {
	return c.raft.State() == raft.Leader && c.led.Load() == c.raft.CurrentTerm()
}

// found makes what a cluster has from its first start on, or gets when a folder
// of the first version is opened: its ID, its level, its authority, and this
// member. Every step is repeated until it is done; none is done twice.
func (c *Cluster) found() error {
	if _, ok := c.Get(kindCluster, "id"); !ok {
		if !c.alone() {
			return nil // then it is there, and will be seen
		}
		if err := c.foundLevel(); err != nil {
			return err
		}
		id := c.cfg.ClusterID
		if id == "" {
			id = "c" + strings.ToLower(rand.Text()[:12])
		}
		if err := c.putNew(kindCluster, "id", []byte(id)); err != nil {
			return err
		}
	}
	if _, ok := c.Get(kindCluster, "ca"); !ok {
		ca, err := newAuthority(c.ClusterID(), c.now())
		if err != nil {
			return err
		}
		data, err := json.Marshal(ca)
		if err != nil {
			return fmt.Errorf("encode authority: %w", err)
		}
		if err := c.putNew(kindCluster, "ca", data); err != nil {
			return err
		}
	}
	if _, ok := c.Get(kindMember, c.id); !ok && c.alone() {
		me, err := c.me()
		if err != nil {
			return err
		}
		me.State, me.Since, me.Founder = Active, c.now(), true
		data, err := json.Marshal(me)
		if err != nil {
			return fmt.Errorf("encode member: %w", err)
		}
		if err := c.putNew(kindMember, c.id, data); err != nil {
			return err
		}
	}
	return c.certify()
}

// foundLevel gives a new cluster the highest level of this build. A folder that the
// first version wrote stays at level 1, so that one can go back to that version.
func (c *Cluster) foundLevel() error {
	level := c.cfg.Levels[1]
	c.fsm.mu.RLock()
	if c.fsm.state.version > 0 {
		level = 1
	}
	c.fsm.mu.RUnlock()
	if level == 1 {
		return nil // and that is what a cluster has which says nothing
	}
	return c.putNew(kindCluster, "level", []byte(strconv.Itoa(level)))
}

// putNew puts an entry unless it is there.
func (c *Cluster) putNew(kind, key string, value []byte) error {
	_, _, err := c.apply(c.life, Command{Op: OpPut, Kind: kind, Key: key, Value: value})
	return err
}

// ClusterID is the cluster's name: random, and the same for ever.
func (c *Cluster) ClusterID() string {
	if e, ok := c.Get(kindCluster, "id"); ok {
		return string(e.Value)
	}
	return c.clusterID
}

// me is this member as its own configuration describes it.
func (c *Cluster) me() (Member, error) {
	key, err := c.creds.public()
	return Member{
		ID: c.id, Name: c.cfg.Name, Peer: c.advertise, Route: c.cfg.Route, API: c.api(), Version: c.cfg.Version,
		Levels: c.cfg.Levels, Key: key, Skills: c.cfg.Skills, Workers: c.cfg.Workers,
	}, err
}

// SetAPI says at which URL people reach this member, when that is only known after
// Open; the others are told.
func (c *Cluster) SetAPI(url string) {
	c.apiURL.Store(&url)
	c.spawn(c.introduce)
}

func (c *Cluster) api() string {
	if url := c.apiURL.Load(); url != nil {
		return *url
	}
	return c.cfg.API
}

// introduce tells the others what is new about this member since they were told
// last: its version, its addresses, its skills. It ends when they know.
func (c *Cluster) introduce() {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := c.tellOthers(c.life)
		if err == nil || c.life.Err() != nil || errors.Is(err, ErrRemoved) {
			return
		}
		c.log.Debug("tell others about this member", "error", err)
		select {
		case <-c.life.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (c *Cluster) tellOthers(ctx context.Context) error {
	me, err := c.me()
	if err != nil {
		return err
	}
	if err := c.Barrier(ctx); err != nil {
		return err
	}
	return c.Update(ctx, c.id, func(m *Member) error {
		if !m.same(me) {
			me.State, me.Since, me.GivenUp, me.Founder = m.State, m.Since, m.GivenUp, m.Founder
			*m = me
		}
		return nil
	})
}

// watchMembers cuts the connections of members that are removed, and learns when
// that is this one.
func (c *Cluster) watchMembers() {
	changed, cancel := c.Watch(kindMember)
	defer cancel()
	for {
		if m, ok := c.Member(c.id); ok && m.State == Removed {
			c.beRemoved(c.keptOut(m).Reason)
		}
		c.open.cut(func(id string) bool {
			m, ok := c.Member(id)
			return !ok || m.State != Removed
		})
		select {
		case <-changed:
		case <-c.life.Done():
			return
		}
	}
}

const keptOutRemedy = "to use this machine again, start it with an empty data folder and let it join with a new token"

// keptOut says to a removed member why it is not let in.
func (c *Cluster) keptOut(m Member) *Refusal {
	return &Refusal{
		Err:    ErrRemoved,
		Reason: fmt.Sprintf("%s (%s) was removed from the cluster on %s", m.Name, m.ID, m.Since.UTC().Format("2006-01-02 15:04 MST")),
		Remedy: keptOutRemedy,
	}
}

// beRemoved notes for ever that this member is kept out.
func (c *Cluster) beRemoved(why string) {
	c.remove.Do(func() {
		c.removedText.Store(&why)
		if err := c.store.setSelf(func(s *self) { s.Removed = why }); err != nil {
			c.log.Error("note that this member was removed", "error", err)
		}
		c.log.Error("this member was removed from the cluster", "reason", why)
		close(c.removed)
	})
}

// Removed gives a channel that is closed when this member learns that the cluster
// keeps it out. Status says why, and the next Open answers ErrRemoved.
func (c *Cluster) Removed() <-chan struct{} { return c.removed }

func (c *Cluster) keptOutNow() bool { return c.removedText.Load() != nil }
