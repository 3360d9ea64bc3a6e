//go:build linux

package wire

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"time"
)

// maxHeld bounds the packets one way holds; more are lost, as in a full router.
const maxHeld = 4096

// port is where a host is plugged in.
type port struct{ dev *os.File }

// pipe is one way between two hosts.
type pipe struct {
	to   *port
	wake chan struct{}
	gone chan struct{} // closed when one of the hosts is unplugged

	mu    sync.Mutex
	link  Link
	held  []held
	count Traffic
}

type held struct {
	packet []byte
	due    time.Time
}

// Traffic counts the packets of one way.
type Traffic struct{ Passed, Lost, Held int }

func (n *Net) attach(addr netip.Addr, dev *os.File) {
	p := &port{dev}
	n.mu.Lock()
	n.ports[addr] = p
	n.mu.Unlock()
	n.wg.Go(func() { n.forward(addr, p) })
}

func (n *Net) detach(addr netip.Addr) {
	n.mu.Lock()
	p := n.ports[addr]
	delete(n.ports, addr)
	for ends, way := range n.pipes {
		if ends[0] == addr || ends[1] == addr {
			delete(n.pipes, ends)
			close(way.gone)
		}
	}
	n.mu.Unlock()
	if p != nil {
		_ = p.dev.Close() // ends its reader; a device has nothing to flush
	}
}

// forward carries the packets that a host sends until its device is closed.
func (n *Net) forward(from netip.Addr, p *port) {
	buf := make([]byte, mtu+64)
	for {
		size, err := p.dev.Read(buf)
		if err != nil {
			return
		}
		packet := buf[:size]
		if size < 20 || packet[0]>>4 != 4 { // IPv6 neighbour chatter
			continue
		}
		if way := n.pipe(from, netip.AddrFrom4([4]byte(packet[16:20]))); way != nil {
			way.send(packet)
		}
	}
}

func (n *Net) pipe(from, to netip.Addr) *pipe {
	n.mu.Lock()
	defer n.mu.Unlock()
	way := n.pipes[[2]netip.Addr{from, to}]
	if dst := n.ports[to]; way == nil && dst != nil && n.ports[from] != nil {
		way = &pipe{to: dst, wake: make(chan struct{}, 1), gone: make(chan struct{})}
		n.pipes[[2]netip.Addr{from, to}] = way
		n.wg.Go(way.release)
	}
	return way
}

// send passes a packet on, or holds a copy of it.
func (w *pipe) send(packet []byte) {
	w.mu.Lock()
	l := w.link
	switch {
	case l.Cut, l.Loss > 0 && rand.Float64() < l.Loss, len(w.held) >= maxHeld:
		w.count.Lost++
		w.mu.Unlock()
		return
	case l.Stall, l.Delay > 0, len(w.held) > 0:
		w.count.Held++
		w.held = append(w.held, held{append([]byte(nil), packet...), time.Now().Add(l.Delay)})
		w.mu.Unlock()
		w.nudge()
		return
	}
	w.count.Passed++
	w.mu.Unlock()
	_, _ = w.to.dev.Write(packet) // a full device loses it, as networks do
}

func (w *pipe) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// release passes held packets on in their order, each when it is due.
func (w *pipe) release() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(w.flush())
		select {
		case <-w.gone:
			return
		case <-w.wake:
		case <-timer.C:
		}
	}
}

// flush passes on what is due and gives the time until the next packet is.
func (w *pipe) flush() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.link.Cut {
		w.count.Lost += len(w.held)
		w.held = nil
	}
	for len(w.held) > 0 && !w.link.Stall {
		if wait := time.Until(w.held[0].due); wait > 0 {
			return wait
		}
		_, _ = w.to.dev.Write(w.held[0].packet)
		w.count.Passed++
		w.held = w.held[1:]
	}
	return time.Hour
}

// Set says how packets go from one host to the other from now on.
func (n *Net) Set(from, to netip.Addr, l Link) error {
	if !n.tuns {
		return ErrNoLinks
	}
	way := n.pipe(from, to)
	if way == nil {
		return nil // one of the two is gone
	}
	way.mu.Lock()
	way.link = l
	way.mu.Unlock()
	way.nudge()
	return nil
}

// Heal makes all links whole.
func (n *Net) Heal() {
	n.mu.Lock()
	ways := make([]*pipe, 0, len(n.pipes))
	for _, w := range n.pipes {
		ways = append(ways, w)
	}
	n.mu.Unlock()
	for _, w := range ways {
		w.mu.Lock()
		w.link = Link{}
		w.mu.Unlock()
		w.nudge()
	}
}

// Traffic gives the packets that went, or did not go, from one host to another.
func (n *Net) Traffic(from, to netip.Addr) Traffic {
	n.mu.Lock()
	w := n.pipes[[2]netip.Addr{from, to}]
	n.mu.Unlock()
	if w == nil {
		return Traffic{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}
