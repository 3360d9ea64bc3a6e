//go:build linux

package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

var errBusy = errors.New("device is in use")

// dieWithThread has the kernel kill a process when the thread that started it
// ends, however it ends.
func dieWithThread() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// live is the host's thread: it lives in the host's namespace and starts its
// processes. It is never given back to the runtime, so that namespace and
// processes end with it.
func (h *Host) live(ready chan<- error) {
	defer close(h.done)
	runtime.LockOSThread()
	if h.net.tuns {
		dev, err := h.enter()
		if err != nil {
			ready <- err
			return
		}
		h.net.attach(h.addr, dev)
	}
	ready <- nil
	for {
		select {
		case f := <-h.work:
			f()
		case <-h.quit:
			return
		}
	}
}

func (h *Host) enter() (*os.File, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("make network namespace: %w", err)
	}
	if err := configure("lo", netip.AddrFrom4([4]byte{127, 0, 0, 1}), 8, 65536); err != nil {
		return nil, err
	}
	return openTUN("eth0", h.addr, h.net.prefix.Bits())
}

// openTUN makes a device with an address in the namespace of the calling thread.
// It vanishes when the file is closed.
func openTUN(name string, addr netip.Addr, bits int) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open TUN: %w", err)
	}
	dev, err := setup(fd, name, addr, bits)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make device %s: %w", name, err), unix.Close(fd))
	}
	return dev, nil
}

func setup(fd int, name string, addr netip.Addr, bits int) (*os.File, error) {
	req, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		if errors.Is(err, unix.EBUSY) {
			return nil, errBusy
		}
		return nil, err
	}
	if err := configure(name, addr, bits, mtu); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// configure gives a device its address and switches it on.
func configure(name string, addr netip.Addr, bits int, mtu uint32) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	b := addr.As4()
	mask := [4]byte{}
	for i := range bits {
		mask[i/8] |= 1 << (7 - i%8)
	}
	for _, step := range []struct {
		call uint
		fill func(*unix.Ifreq) error
	}{
		{unix.SIOCSIFADDR, func(r *unix.Ifreq) error { return r.SetInet4Addr(b[:]) }},
		{unix.SIOCSIFNETMASK, func(r *unix.Ifreq) error { return r.SetInet4Addr(mask[:]) }},
		{unix.SIOCSIFMTU, func(r *unix.Ifreq) error { r.SetUint32(mtu); return nil }},
		{unix.SIOCSIFFLAGS, func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil }},
	} {
		req, err := unix.NewIfreq(name)
		if err == nil {
			err = step.fill(req)
		}
		if err == nil {
			err = unix.IoctlIfreq(s, step.call, req)
		}
		if err != nil {
			return fmt.Errorf("configure %s: %w", name, err)
		}
	}
	return nil
}
