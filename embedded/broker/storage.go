package broker

import (
	"fmt"
	"syscall"
)

// Storage is how full the broker and its disk are, in bytes.
type Storage struct {
	Used     uint64 // by JetStream
	Max      uint64 // that its streams should be limited to together, as of now
	DiskFree uint64 // for this user, on the disk of the broker's directory
	Reserve  uint64 // of DiskFree that should stay free
}

// Low says whether the disk has no more than its reserve: time to refuse work,
// because JetStream switches itself off when a write fails.
func (s Storage) Low() bool { return s.DiskFree <= s.Reserve }

// Storage measures.
func (b *Broker) Storage() (Storage, error) {
	run, err := b.current()
	if err != nil {
		return Storage{}, err
	}
	disk, err := statDisk(b.cfg.Dir)
	if err != nil {
		return Storage{}, err
	}
	js, err := run.server.Jsz(nil)
	if err != nil {
		return Storage{}, fmt.Errorf("jetstream storage: %w", err)
	}
	return Storage{Used: js.Store, Max: room(b.cfg, disk, js.Store), DiskFree: disk.free, Reserve: reserve(b.cfg, disk)}, nil
}

type disk struct{ total, free uint64 }

func statDisk(dir string) (disk, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return disk{}, fmt.Errorf("measure disk of %s: %w", dir, err)
	}
	size := uint64(st.Bsize)
	return disk{total: st.Blocks * size, free: st.Bavail * size}, nil
}

func reserve(cfg Config, d disk) uint64 {
	if cfg.Reserve > 0 {
		return uint64(cfg.Reserve)
	}
	return min(1<<30, d.total/10)
}

// maxStore is JetStream's own limit. It reserves the limits of streams against
// it, and above it the meta group steps down: so it is nearly as large as the disk,
// does not follow the free space, and is not the guard. Storage.Max and Low are.
func maxStore(cfg Config) (int64, error) {
	if cfg.MaxStore > 0 {
		return cfg.MaxStore, nil
	}
	d, err := statDisk(cfg.Dir)
	return int64(d.total - reserve(cfg, d)), err
}

// room is what all streams together should be given: below JetStream's limit, and
// leaving the reserve and a part of the disk to others.
func room(cfg Config, d disk, used uint64) uint64 {
	if cfg.MaxStore > 0 {
		return uint64(cfg.MaxStore) / 10 * 9
	}
	const least = 64 << 20
	spare := d.free - min(d.free, reserve(cfg, d))
	return used + max(spare/10*7, least)
}
