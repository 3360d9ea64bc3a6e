package broker

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
)

// Storage is how full the broker and its disk are, in bytes.
type Storage struct {
	Used     uint64 // by JetStream
	Max      uint64 // JetStream refuses messages above this
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
	return Storage{Used: js.Store, Max: uint64(js.Config.MaxStore), DiskFree: disk.free, Reserve: reserve(b.cfg, disk)}, nil
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

// maxStore keeps JetStream's limit below the disk's: at the limit it refuses with
// an error and recovers when there is room again; at the disk's end it switches
// itself off until it is restarted.
func maxStore(cfg Config) (int64, error) {
	if cfg.MaxStore > 0 {
		return cfg.MaxStore, nil
	}
	d, err := statDisk(cfg.Dir)
	if err != nil {
		return 0, err
	}
	used, err := usage(cfg.Dir)
	if err != nil {
		return 0, err
	}
	const least = 64 << 20
	spare := int64(d.free) - int64(reserve(cfg, d))
	return max(used+spare*7/10, used+least), nil
}

// usage is what the files below dir hold, in bytes.
func usage(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("measure usage: %w", err)
	}
	return sum, nil
}
