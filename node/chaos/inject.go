//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/chaos/volume"
	"github.com/recto-edge/recto/node/chaos/wire"
)

// Injected is a fault as it took place.
type Injected struct {
	Fault
	Members []string `json:"members"`
	Note    string   `json:"note,omitempty"`
	Error   string   `json:"error,omitempty"` // why it did not take place, or not as planned
	Hung    bool     `json:"hung,omitempty"`  // a member did not stop when it was told to
}

// membershipTime bounds a change of members under load. One that leaves has every
// copy it held read elsewhere first, which takes minutes when many clusters share
// the machine.
const membershipTime = 8 * time.Minute

// stopTime is how long a member may take to stop. It is shorter than a member waits for
// a part of its own that hangs, so that a run in which one did is broken.
const stopTime = 30 * time.Second

// injector breaks things in one cluster. hands holds one lock a member: two faults
// may overlap, but not with four hands on one process and disk.
type injector struct {
	c    *Cluster
	seed uint64

	mu    sync.Mutex
	hands map[*Member]*sync.Mutex
}

func newInjector(c *Cluster, seed uint64) *injector {
	return &injector{c: c, seed: seed, hands: map[*Member]*sync.Mutex{}}
}

// hold takes the members, in their order, and gives what lets go of them.
func (x *injector) hold(ms []*Member) func() {
	var locks []*sync.Mutex
	x.mu.Lock()
	for _, m := range x.c.Members() {
		for _, want := range ms {
			if m != want {
				continue
			}
			if x.hands[m] == nil {
				x.hands[m] = &sync.Mutex{}
			}
			locks = append(locks, x.hands[m])
		}
	}
	x.mu.Unlock()
	for _, l := range locks {
		l.Lock()
	}
	return func() {
		for _, l := range locks {
			l.Unlock()
		}
	}
}

// run lets the faults of a plan happen, each at its time, and returns when all are
// over.
func (x *injector) run(ctx context.Context, faults []Fault) []Injected {
	out := make([]Injected, len(faults))
	var wg sync.WaitGroup
	for i, f := range faults {
		wg.Go(func() {
			out[i] = Injected{Fault: f}
			if !pause(ctx, f.At) {
				out[i].Error = "the run ended before"
				return
			}
			ms := x.victims(ctx, f)
			for _, m := range ms {
				out[i].Members = append(out[i].Members, m.Name)
			}
			note, err := x.do(ctx, f, ms, rand.New(rand.NewPCG(x.seed, uint64(i))))
			out[i].Note = note
			if err != nil {
				out[i].Error, out[i].Hung = err.Error(), errors.Is(err, errHangs)
			}
		})
	}
	wg.Wait()
	return out
}

func (x *injector) victims(ctx context.Context, f Fault) []*Member {
	all := x.c.Members()
	if len(all) == 0 {
		return nil
	}
	m := all[f.Victim%len(all)]
	switch f.Kind {
	case KillAll, PowerAll:
		return all
	case KillLeader, StopLeader:
		if l := x.c.cfg.System.Leader(ctx, x.c); l != nil {
			m = l
		}
	case CutOneWay, CutBoth:
		return []*Member{m, all[f.Other%len(all)]}
	}
	return []*Member{m}
}

// do breaks, waits and heals.
func (x *injector) do(ctx context.Context, f Fault, ms []*Member, r *rand.Rand) (note string, err error) {
	switch f.Kind {
	case Kill, KillLeader, KillAll:
		return "", x.down(ctx, ms, f.For, each(ms, (*Member).Kill))
	case Restart:
		return "", x.down(ctx, ms, 0, func() error {
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
			defer cancel()
			return ms[0].Term(stop)
		})
	case Stop, StopLeader:
		err := ms[0].Pause()
		pause(ctx, f.For)
		return "", errors.Join(err, ms[0].Resume())
	case FlipLog, TearLog, FlipBlob, TearBlob, FlipCache, FlipRaft, TearRaft:
		err = x.down(ctx, ms, f.For, func() (err error) {
			if err = ms[0].Kill(); err == nil {
				note, err = damage(ms[0], f.Kind, r)
			}
			return err
		})
		return note, err
	case Full:
		err := ms[0].Disk.Fill(16 << 10)
		pause(ctx, f.For)
		return "", errors.Join(err, ms[0].Disk.Drain())
	case Power, PowerAll:
		return "", x.down(ctx, ms, f.For, func() error { return x.power(ms) })
	case Clock:
		return x.clock(ctx, f, ms[0])
	case Replace, Exchange:
		return x.membership(ctx, f, ms[0])
	default:
		return x.links(ctx, f, ms)
	}
}

// each calls f for all members at once.
func each(ms []*Member, f func(*Member) error) func() error {
	return func() error {
		errs := make([]error, len(ms))
		var wg sync.WaitGroup
		for i, m := range ms {
			wg.Go(func() { errs[i] = f(m) })
		}
		wg.Wait()
		return errors.Join(errs...)
	}
}

// down takes members down, leaves them so for a while, and starts them again.
func (x *injector) down(ctx context.Context, ms []*Member, d time.Duration, take func() error) error {
	defer x.hold(ms)()
	if err := take(); err != nil {
		return err
	}
	pause(ctx, d)
	var err error
	for _, m := range ms {
		if !m.Runs() {
			err = errors.Join(err, x.c.Restart(m))
		}
	}
	return err
}

// power takes the power from machines: from outside they fall silent, and their
// disks keep what was synced.
func (x *injector) power(ms []*Member) error {
	for _, m := range ms {
		if m.Disk.Kind() != volume.Image {
			return errors.New("this disk cannot lose power")
		}
		x.around(m, wire.Link{Cut: true}, true)
	}
	defer func() {
		for _, m := range ms {
			x.around(m, wire.Link{}, true)
		}
	}()
	for _, step := range []func(*Member) error{
		(*Member).Pause,
		func(m *Member) error { return m.Disk.Snapshot() },
		(*Member).Kill,
		func(m *Member) error { return m.Disk.PowerLoss() },
	} {
		if err := each(ms, step)(); err != nil {
			return err
		}
	}
	return nil
}

// around sets all links of a member, with those to the senders if outside.
func (x *injector) around(m *Member, l wire.Link, outside bool) {
	for _, o := range x.c.Others(m) {
		_ = x.c.Net.Set(m.Host.Addr(), o.Host.Addr(), l) // without links there is none to break: links says so
		_ = x.c.Net.Set(o.Host.Addr(), m.Host.Addr(), l)
	}
	if outside {
		_ = x.c.Net.Set(m.Host.Addr(), x.c.Net.Outside(), l)
		_ = x.c.Net.Set(x.c.Net.Outside(), m.Host.Addr(), l)
	}
}

func (x *injector) links(ctx context.Context, f Fault, ms []*Member) (string, error) {
	if !x.c.Net.Links() {
		return "", wire.ErrNoLinks
	}
	m := ms[0]
	set := func(l wire.Link) {
		switch f.Kind {
		case CutOneWay, CutBoth:
			_ = x.c.Net.Set(m.Host.Addr(), ms[1].Host.Addr(), l) // Links was asked above
			if f.Kind == CutBoth {
				_ = x.c.Net.Set(ms[1].Host.Addr(), m.Host.Addr(), l)
			}
		case Deaf:
			_ = x.c.Net.Set(m.Host.Addr(), x.c.Net.Outside(), l)
		default:
			x.around(m, l, f.Kind != Isolate)
		}
	}
	link := wire.Link{Cut: true}
	switch f.Kind {
	case Delay:
		link = wire.Link{Delay: time.Duration(f.Amount * float64(time.Second))}
	case Stall:
		link = wire.Link{Stall: true}
	case Lossy:
		link = wire.Link{Loss: f.Amount}
	}
	set(link)
	pause(ctx, f.For)
	set(wire.Link{})
	return "", nil
}

// Clocked is a System whose members' clocks can be set.
type Clocked interface {
	// Skew puts the wall clock of m off by d, from this moment on.
	Skew(m *Member, d time.Duration) error
}

// clock lets the clock of a member jump away and, after a while, back.
func (x *injector) clock(ctx context.Context, f Fault, m *Member) (string, error) {
	s, ok := x.c.cfg.System.(Clocked)
	if !ok {
		return "", errors.New("this system has no clock of its own")
	}
	off := time.Duration(f.Amount * float64(time.Second))
	err := s.Skew(m, off)
	pause(ctx, f.For)
	return off.String(), errors.Join(err, s.Skew(m, 0))
}

// membership exchanges a member under load.
func (x *injector) membership(ctx context.Context, f Fault, m *Member) (string, error) {
	s, ok := x.c.cfg.System.(Membership)
	if !ok || len(x.c.Members()) < 3 {
		return "", errors.New("members do not change here")
	}
	defer x.hold([]*Member{m})()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), membershipTime)
	defer cancel()
	var notes []string
	steps := map[FaultKind][]func() error{
		Replace: {m.Kill, func() error { return s.Leave(ctx, x.c, m, true) }, func() error { return x.c.Shrink(m) }, x.grow(ctx, &notes)},
		Exchange: {
			x.grow(ctx, &notes), func() error { return s.Leave(ctx, x.c, m, false) }, func() error { return x.c.Shrink(m) },
		},
	}[f.Kind]
	for i, step := range steps {
		from := time.Now()
		if err := step(); err != nil {
			return strings.Join(notes, ", "), fmt.Errorf("step %d: %w", i+1, err)
		}
		notes = append(notes, fmt.Sprintf("step %d took %v", i+1, time.Since(from).Round(time.Millisecond)))
	}
	return strings.Join(notes, ", "), nil
}

func (x *injector) grow(ctx context.Context, notes *[]string) func() error {
	return func() error {
		m, err := x.c.Grow(ctx)
		if m != nil {
			*notes = append(*notes, m.Name+" joins")
		}
		return err
	}
}
