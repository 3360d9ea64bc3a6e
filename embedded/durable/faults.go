package durable

import (
	"errors"
	"sync"
	"syscall"
)

// Op is an operation that Faults can make fail.
type Op string

// The operations.
const (
	OpCreate  Op = "create"
	OpWrite   Op = "write"
	OpSync    Op = "sync"
	OpMkdir   Op = "mkdir"
	OpRename  Op = "rename"
	OpRemove  Op = "remove"
	OpSyncDir Op = "syncdir"
)

// ErrFault is what an operation armed with Fail answers.
var ErrFault = errors.New("injected fault")

// Faults is an FS for tests, around the operating system's: its n-th operation
// of a kind fails, or the disk is full. The zero value fails nothing.
type Faults struct {
	OS
	mu    sync.Mutex
	count map[Op]int
	fail  map[Op]int
	full  bool
}

// Fail makes the n-th operation op from now on (1: the next) fail with ErrFault, once.
func (f *Faults) Fail(op Op, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail == nil {
		f.fail, f.count = map[Op]int{}, map[Op]int{}
	}
	f.fail[op] = f.count[op] + n
}

// SetFull makes every write and create answer ENOSPC from now on, or no more.
func (f *Faults) SetFull(full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = full
}

func (f *Faults) hit(op Op) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full && (op == OpWrite || op == OpCreate || op == OpMkdir) {
		return syscall.ENOSPC
	}
	if f.fail == nil {
		return nil
	}
	f.count[op]++
	if f.fail[op] == f.count[op] {
		return ErrFault
	}
	return nil
}

// CreateTemp implements FS.
func (f *Faults) CreateTemp(dir, pattern string) (File, error) {
	if err := f.hit(OpCreate); err != nil {
		return nil, err
	}
	file, err := f.OS.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	return faultyFile{file, f}, nil
}

// Mkdir implements FS.
func (f *Faults) Mkdir(path string) error {
	if err := f.hit(OpMkdir); err != nil {
		return err
	}
	return f.OS.Mkdir(path)
}

// Rename implements FS.
func (f *Faults) Rename(from, to string) error {
	if err := f.hit(OpRename); err != nil {
		return err
	}
	return f.OS.Rename(from, to)
}

// Remove implements FS.
func (f *Faults) Remove(path string) error {
	if err := f.hit(OpRemove); err != nil {
		return err
	}
	return f.OS.Remove(path)
}

// SyncDir implements FS.
func (f *Faults) SyncDir(path string) error {
	if err := f.hit(OpSyncDir); err != nil {
		return err
	}
	return f.OS.SyncDir(path)
}

type faultyFile struct {
	File
	faults *Faults
}

func (f faultyFile) Write(b []byte) (int, error) {
	if err := f.faults.hit(OpWrite); err != nil {
		n, _ := f.File.Write(b[:len(b)/2]) // a failing disk takes a part
		return n, err
	}
	return f.File.Write(b)
}

func (f faultyFile) Sync() error {
	if err := f.faults.hit(OpSync); err != nil {
		return err
	}
	return f.File.Sync()
}
