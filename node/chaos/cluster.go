//go:build linux

// Package chaos proves that a cluster loses nothing. It starts real processes on
// machines of their own (package wire: addresses and breakable links; package
// volume: disks that fill up and lose power), sends documents from outside, breaks
// things by a plan that follows from a seed alone, heals, and has package history
// compare what was promised with what is left.
//
// It is for tests and never part of the product: nothing imports it. It changes
// only what it made itself, and what it made ends with it: processes, namespaces
// and devices by the kernel, mounts and folders by Close or, after this process
// was killed, by volume.Sweep.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/recto-edge/recto/node/chaos/volume"
	"github.com/recto-edge/recto/node/chaos/wire"
)

// Config says what a cluster is made of.
type Config struct {
	System  System
	Members int
	Volume  volume.Kind
	Size    int64  // bytes of each disk
	Parent  string // folder for everything that is written; empty: the temporary one
	// Loopback does without links even where they could be broken.
	Loopback bool
	// Patience is how long after the faults everything may take to be ready, and
	// again to settle; longer counts as broken. 0: 90 s.
	Patience time.Duration
}

// Cluster is members that belong together.
type Cluster struct {
	Net    *wire.Net
	cfg    Config
	base   string // logs and configuration
	store  string // disks
	remove func() error

	mu      sync.Mutex
	members []*Member
	made    int
}

const storeSize = 4 << 30 // bytes of memory that the images of one cluster may take, at most

// Start makes a cluster and waits until it is complete.
func Start(ctx context.Context, cfg Config) (c *Cluster, err error) {
	c = &Cluster{cfg: cfg}
	if c.base, c.remove, err = volume.Base(cfg.Parent); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.keepLogs(), c.Close())
			c = nil
		}
	}()
	c.store = filepath.Join(c.base, "disks")
	if err := os.Mkdir(c.store, 0o700); err != nil {
		return c, err
	}
	if cfg.Volume == volume.Image {
		// Images in memory: what is tested is what was synced, not how fast the
		// machine's own disk is.
		if err := unix.Mount("recto-chaos", c.store, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", storeSize)); err != nil {
			return c, fmt.Errorf("mount: %w: %w", volume.ErrUnavailable, err)
		}
	}
	if cfg.Loopback {
		c.Net = wire.Loopback()
	} else if c.Net, err = wire.New(); err != nil {
		return c, err
	}
	for range cfg.Members {
		if _, err := c.Grow(ctx); err != nil {
			return c, err
		}
	}
	return c, c.Sync()
}

// Grow adds a member with an empty disk and waits until it belongs to the cluster.
func (c *Cluster) Grow(ctx context.Context) (*Member, error) {
	c.mu.Lock()
	c.made++
	name := fmt.Sprintf("n%d", c.made)
	c.mu.Unlock()
	m, err := newMember(c, name)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.members = append(c.members, m)
	c.mu.Unlock()
	if err := c.cfg.System.Join(ctx, c, m); err != nil {
		return m, fmt.Errorf("member %s: %w", name, err)
	}
	return m, nil
}

// Shrink takes a member away for good: process, machine and disk.
func (c *Cluster) Shrink(m *Member) error {
	c.mu.Lock()
	for i, other := range c.members {
		if other == m {
			c.members = append(c.members[:i:i], c.members[i+1:]...)
			break
		}
	}
	c.mu.Unlock()
	return m.close()
}

// Members gives the members, oldest first.
func (c *Cluster) Members() []*Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*Member(nil), c.members...)
}

// Others gives all members but m.
func (c *Cluster) Others(m *Member) []*Member {
	var out []*Member
	for _, other := range c.Members() {
		if other != m {
			out = append(out, other)
		}
	}
	return out
}

// Sync makes the disks durable as they are, as age would: a power loss later in a
// run costs what was written since.
func (c *Cluster) Sync() error {
	for _, m := range c.Members() {
		if m.Disk.Kind() != volume.Image {
			continue
		}
		f, err := os.Open(m.Disk.Dir)
		if err != nil {
			return fmt.Errorf("sync disks: %w", err)
		}
		if err := errors.Join(unix.Syncfs(int(f.Fd())), f.Close()); err != nil {
			return fmt.Errorf("sync disks: %w", err)
		}
	}
	return nil
}

// Mend makes everything as it was: links whole, processes running, disks not full.
func (c *Cluster) Mend() {
	c.Net.Heal()
	for _, m := range c.Members() {
		_ = m.Resume()     // a process that is gone is started below
		_ = m.Disk.Drain() // a disk that cannot be read fails the member's start
		if !m.Runs() && m.GivenUp() == "" {
			_ = c.Restart(m)
		}
	}
}

// Heal mends and waits until all members are ready. It gives those that do not
// become so, with why.
func (c *Cluster) Heal(ctx context.Context) map[*Member]error {
	c.Mend()
	failed := map[*Member]error{}
	var (
		wg sync.WaitGroup
		mu sync.Mutex
	)
	for _, m := range c.Members() { // at once: each may need another one to be started again
		if m.GivenUp() != "" {
			continue
		}
		wg.Go(func() {
			if err := c.awaitReady(ctx, m); err != nil {
				mu.Lock()
				failed[m] = err
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return failed
}

// Restart starts the process of a member that is not running.
func (c *Cluster) Restart(m *Member) error { return m.Start(c.cfg.System.Command(c, m)) }

// maxEnds is how often a process may end at its start before it counts as refusing.
const maxEnds = 8

// awaitReady waits until m is ready. A process that ends meanwhile is started
// again, as a service manager does, and as that one gives up one day.
func (c *Cluster) awaitReady(ctx context.Context, m *Member) error {
	var last error
	for ends := 0; ; {
		if last = c.cfg.System.Ready(ctx, m); last == nil {
			return nil
		}
		if !m.Runs() {
			if ends++; ends > maxEnds {
				return fmt.Errorf("member %s ended %d times at its start", m.Name, ends)
			}
			pause(ctx, 500*time.Millisecond)
			if err := c.Restart(m); err != nil {
				return err
			}
		}
		if !pause(ctx, 100*time.Millisecond) {
			return fmt.Errorf("member %s is not ready: %w", m.Name, last)
		}
	}
}

// Close ends everything and removes it.
func (c *Cluster) Close() error {
	var err error
	for _, m := range c.Members() {
		err = errors.Join(err, m.close())
	}
	if c.Net != nil {
		c.Net.Close()
	}
	if x, ok := c.cfg.System.(interface{ Forget(*Cluster) }); ok {
		x.Forget(c)
	}
	return errors.Join(err, c.remove())
}

// keepLogs saves the members' logs where a person finds them.
func (c *Cluster) keepLogs() error {
	dir, err := os.MkdirTemp("", "recto-chaoslog-")
	if err != nil {
		return err
	}
	return errors.Join(c.SaveLogs(dir), fmt.Errorf("logs are in %s", dir))
}

// SaveLogs copies the members' logs to dir.
func (c *Cluster) SaveLogs(dir string) error {
	var err error
	for _, m := range c.Members() {
		b, e := os.ReadFile(m.Log)
		if e == nil {
			e = save(filepath.Join(dir, m.Name+".log"), b)
		}
		err = errors.Join(err, e)
	}
	return err
}

func save(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// pause waits and says whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
