package node

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/doc"
)

// nodeLog is the log as intake sees it: there or not yet.
type nodeLog Node

// Append appends a revision, or says that the log is not up. It answers when the
// index has it, so that who asks for the document next finds it.
func (l *nodeLog) Append(ctx context.Context, r doc.Record) (uint64, error) {
	seq, err := (*Node)(l).appendSeq(ctx, r)
	if err == nil && (*Node)(l).db.Index().Wait(ctx, seq) != nil {
		return seq, nil // appended all the same; the index is behind
	}
	return seq, err
}

// Known gives the newest revision this node has heard of.
func (l *nodeLog) Known(id doc.ID) (doc.Record, bool) { return (*Node)(l).db.Index().Get(id) }

// intakeStore is the blob store as intake sees it.
type intakeStore struct {
	blob.Plain
	copies *blob.Copies // nil: the store is a bucket that all members share
	dir    string       // on the disk that bytes go through, also on their way to a bucket
}

// Keys gives what this machine keeps, where members keep copies: each looks after
// its own, and every record is on two of them.
func (s intakeStore) Keys(ctx context.Context, prefix, after string, fn func(key string, stored time.Time) error) error {
	if s.copies == nil {
		return s.Plain.Keys(ctx, prefix, after, fn)
	}
	return s.copies.ListLocal(ctx, prefix, after, func(i blob.Info) error { return fn(i.Key, i.Modified) })
}

// Free gives the bytes left on the disk.
func (s intakeStore) Free() (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &st); err != nil {
		return 0, fmt.Errorf("free room: %w", err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}
