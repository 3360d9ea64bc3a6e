//go:build linux

// Package wire is the network of a fault run: hosts with addresses of their own,
// joined by a switch in this process that can lose, hold and delay packets on
// each way between two hosts.
//
// A host is a network namespace with one TUN device; the switch reads the IP
// packets of all devices and writes each to the device of its destination. So a
// cut really loses packets, in one direction or both, as a broken cable does,
// and no help of the kernel is needed (netem, nftables) beyond TUN. Nothing is
// given a name that outlives the process: namespaces and devices end with their
// descriptors, and processes started on a host are killed by the kernel when
// this process ends in whatever way.
//
// Without the right to make namespaces the hosts are addresses of the loopback
// device; then processes can be started on them and links cannot be broken.
package wire

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"time"
)

// ErrNoLinks says that this network cannot break links.
var ErrNoLinks = errors.New("links cannot be broken here: it needs root and /dev/net/tun")

// Outside is the address from which this process itself reaches the hosts, as
// the last byte; hosts follow.
const (
	outside   = 1
	firstHost = 11
	mtu       = 32000 // few large packets: the switch pays a packet
)

// Link is how packets go from one host to another.
type Link struct {
	Cut   bool          `json:"cut,omitempty"`   // they vanish
	Stall bool          `json:"stall,omitempty"` // they wait until the link is set again
	Delay time.Duration `json:"delay,omitempty"` // each takes so much longer; their order is kept
	Loss  float64       `json:"loss,omitempty"`  // this share of them vanishes, 0..1
}

// Net is a network. All methods may be called from many goroutines.
type Net struct {
	prefix netip.Prefix // a /24
	tuns   bool
	wg     sync.WaitGroup

	mu     sync.Mutex
	ports  map[netip.Addr]*port
	pipes  map[[2]netip.Addr]*pipe
	hosts  []*Host
	closed bool
	next   byte
}

// Host is a machine of the network.
type Host struct {
	addr netip.Addr
	net  *Net
	work chan func()
	quit chan struct{} // closed by Close
	done chan struct{} // closed when the thread has ended
	once sync.Once
}

// New makes an empty network. Whether its links can be broken is up to the rights
// of this process; Links says so.
func New() (*Net, error) {
	n := empty()
	err := n.openOutside()
	if errors.Is(err, ErrNoLinks) {
		return Loopback(), nil
	}
	if err != nil {
		return nil, err
	}
	n.tuns = true
	return n, nil
}

func empty() *Net {
	return &Net{ports: map[netip.Addr]*port{}, pipes: map[[2]netip.Addr]*pipe{}, next: firstHost}
}

// Loopback makes a network of addresses of the loopback device, which needs no
// rights and whose links cannot be broken.
func Loopback() *Net {
	n := empty()
	n.prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{127, byte(1 + os.Getpid()%250), byte(1 + rand.IntN(250)), 0}), 24)
	return n
}

// openOutside makes this process a host too, on the first free network.
func (n *Net) openOutside() error {
	if os.Geteuid() != 0 {
		return ErrNoLinks
	}
	for i := 1; i < 255; i++ {
		prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 213, byte(i), 0}), 24)
		addr := nth(prefix, outside)
		dev, err := openTUN(fmt.Sprintf("rchaos%d", i), addr, prefix.Bits())
		if errors.Is(err, errBusy) {
			continue
		}
		if err != nil {
			return errors.Join(ErrNoLinks, err)
		}
		n.prefix = prefix
		n.attach(addr, dev)
		return nil
	}
	return errors.New("all networks of fault runs are in use")
}

func nth(p netip.Prefix, i byte) netip.Addr {
	b := p.Addr().As4()
	b[3] = i
	return netip.AddrFrom4(b)
}

// Links says whether links can be broken.
func (n *Net) Links() bool { return n.tuns }

// Outside is the address under which hosts see this process.
func (n *Net) Outside() netip.Addr {
	if !n.tuns {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return nth(n.prefix, outside)
}

// Host adds a machine.
func (n *Net) Host() (*Host, error) {
	n.mu.Lock()
	if n.closed || n.next == 0 {
		n.mu.Unlock()
		return nil, errors.New("add host: the network is closed or full")
	}
	h := &Host{addr: nth(n.prefix, n.next), net: n, work: make(chan func()), quit: make(chan struct{}), done: make(chan struct{})}
	n.next++
	n.hosts = append(n.hosts, h)
	n.mu.Unlock()
	ready := make(chan error, 1)
	n.wg.Go(func() { h.live(ready) })
	return h, <-ready
}

// Addr is the host's address.
func (h *Host) Addr() netip.Addr { return h.addr }

// Start starts cmd on the host. The process is killed when the host is closed or
// this process ends.
func (h *Host) Start(cmd *exec.Cmd) error {
	err := make(chan error, 1)
	select {
	case h.work <- func() { cmd.SysProcAttr = dieWithThread(); err <- cmd.Start() }:
		return <-err
	case <-h.done:
		return errors.New("start process: the host is closed")
	}
}

// Close removes the host with all processes on it.
func (h *Host) Close() {
	h.once.Do(func() { close(h.quit) })
	<-h.done
	h.net.detach(h.addr)
}

// Close removes all hosts and waits for everything the network started.
func (n *Net) Close() {
	n.mu.Lock()
	hosts := n.hosts
	first := !n.closed
	n.closed = true
	n.mu.Unlock()
	if !first {
		return
	}
	for _, h := range hosts {
		h.Close()
	}
	n.detach(n.Outside())
	n.wg.Wait()
}
