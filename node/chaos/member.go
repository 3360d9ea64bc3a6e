//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/recto-edge/recto/node/chaos/volume"
	"github.com/recto-edge/recto/node/chaos/wire"
)

// Ports of a member, on an address of its own.
const (
	apiPort  = 8420
	peerPort = 8421 // and the next one, for routes
)

// Member is one machine: an address, a disk and a process. Its methods may be
// called from many goroutines.
type Member struct {
	Name string
	Host *wire.Host
	Disk *volume.Volume
	Dir  string // its data folder
	API  string // host:port
	Peer string // host:port
	Log  string // file with what its processes wrote

	mu      sync.Mutex
	cmd     *exec.Cmd
	exited  chan struct{} // closed when cmd ended
	stopped bool          // by SIGSTOP
	given   string        // why it was ended for good
	out     *os.File
}

func newMember(c *Cluster, name string) (*Member, error) {
	h, err := c.Net.Host()
	if err != nil {
		return nil, err
	}
	disk, err := volume.New(c.store, name, c.cfg.Volume, c.cfg.Size)
	if err != nil {
		return nil, err
	}
	m := &Member{
		Name: name, Host: h, Disk: disk, Dir: filepath.Join(disk.Dir, "data"),
		API: fmt.Sprintf("%s:%d", h.Addr(), apiPort), Peer: fmt.Sprintf("%s:%d", h.Addr(), peerPort),
		Log: filepath.Join(c.base, name+".log"),
	}
	m.out, err = os.OpenFile(m.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return m, err
}

// Start starts cmd as the member's process.
func (m *Member) Start(cmd *exec.Cmd) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.alive() {
		return fmt.Errorf("start member %s: it runs", m.Name)
	}
	fmt.Fprintf(m.out, "\n== start: %v\n", cmd.Args)
	cmd.Stdout, cmd.Stderr = m.out, m.out
	if err := m.Host.Start(cmd); err != nil {
		return fmt.Errorf("start member %s: %w", m.Name, err)
	}
	exited := make(chan struct{})
	m.cmd, m.exited, m.stopped = cmd, exited, false
	go func() { _ = cmd.Wait(); close(exited) }() // Kill, which Close calls, waits for it
	return nil
}

func (m *Member) alive() bool {
	if m.cmd == nil {
		return false
	}
	select {
	case <-m.exited:
		return false
	default:
		return true
	}
}

// Runs says whether the process is there, stopped or not.
func (m *Member) Runs() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.alive()
}

func (m *Member) signal(s syscall.Signal) (exited chan struct{}, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.alive() {
		return m.exited, nil
	}
	switch s {
	case syscall.SIGSTOP:
		m.stopped = true
	case syscall.SIGCONT:
		m.stopped = false
	}
	if err := m.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return m.exited, fmt.Errorf("signal member %s: %w", m.Name, err)
	}
	return m.exited, nil
}

// Kill is SIGKILL; it waits until the process is gone.
func (m *Member) Kill() error {
	exited, err := m.signal(syscall.SIGKILL)
	if err == nil && exited != nil {
		<-exited
	}
	return err
}

// errHangs says that a member did not stop when it was told to.
var errHangs = errors.New("it did not stop")

// Term is SIGTERM; it waits until the process is gone, and kills it when ctx
// ends before, which is errHangs.
func (m *Member) Term(ctx context.Context) error {
	if err := m.Resume(); err != nil {
		return err
	}
	exited, err := m.signal(syscall.SIGTERM)
	if err != nil || exited == nil {
		return err
	}
	select {
	case <-exited:
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("member %s: %w: %w", m.Name, errHangs, context.Cause(ctx)), m.Kill())
	}
}

// GiveUp ends a member that never came back, and remembers why. Its process writes
// what all its goroutines do to the log first: what it hangs in is worth more than
// an answer.
func (m *Member) GiveUp(ctx context.Context, why error) error {
	m.mu.Lock()
	m.given = why.Error()
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return errors.Join(m.Resume(), m.dump(ctx))
}

// GivenUp says why the member was ended for good; empty: it was not.
func (m *Member) GivenUp() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.given
}

func (m *Member) dump(ctx context.Context) error {
	exited, err := m.signal(syscall.SIGQUIT)
	if err != nil || exited == nil {
		return err
	}
	select {
	case <-exited:
	case <-ctx.Done():
	}
	return m.Kill()
}

// Pause is SIGSTOP: the process stands still and its machine goes on.
func (m *Member) Pause() error { _, err := m.signal(syscall.SIGSTOP); return err }

// Resume is SIGCONT.
func (m *Member) Resume() error { _, err := m.signal(syscall.SIGCONT); return err }

// close ends everything of the member.
func (m *Member) close() error {
	err := m.Kill()
	m.Host.Close()
	return errors.Join(err, m.out.Close(), m.Disk.Close())
}
