// Package intake is the only door by which a document enters. It guarantees that
// a receipt is given only when bytes and intake record are durable in the blob
// store, that the document log hears of every one of them even if it was away at
// the time, and that the same bytes are the same document however often and by
// whatever channel they come. It never reads what is in a document: bad content
// is accepted here and fails, visibly, when it is read.
//
// One file a channel: folder.go watches folders; HTTP and archives call Submit.
package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Store is what intake needs of the blob store.
type Store interface {
	Ingest(ctx context.Context, r io.Reader, limit int64) (sum [sha256.Size]byte, size int64, existed bool, err error)
	Put(ctx context.Context, key string, r io.Reader, size int64) error
	Read(ctx context.Context, key string, limit int64) ([]byte, error)
	Keys(ctx context.Context, prefix, after string, fn func(key string, stored time.Time) error) error
	Free() (int64, error) // bytes
}

// Log is what intake needs of the document log and the index made from it.
type Log interface {
	// Append appends a revision; Conflict means that the document is there already.
	Append(ctx context.Context, r doc.Record) (uint64, error)
	// Known gives the newest revision that this node has heard of.
	Known(id doc.ID) (doc.Record, bool)
}

// Marks remembers how far the sweeper has come. When it forgets, the sweeper
// begins at the beginning, which is only slower.
type Marks interface {
	Swept() string
	SetSwept(day string) error
}

// Config is what an Intake works with.
type Config struct {
	Store      Store
	Log        Log
	Marks      Marks                  // nil: forgets with the process
	MaxBytes   int64                  // of one file; 0: 512 MiB
	MinFree    int64                  // bytes that stay free on the disk
	AppendWait time.Duration          // how long a receipt waits for the log; 0: 300 ms
	KnownType  func(name string) bool // nil: any document type may be asked for
	Logger     *slog.Logger           // nil: silent
	Now        func() time.Time       // nil: time.Now
}

// Intake is the door. Its methods may be called from many goroutines.
type Intake struct {
	cfg    Config
	counts counts
	sweep  sweeper
	heard  heard
	last   atomic.Int64 // time of the newest intake record, in nanoseconds
}

// New makes the door; it does nothing until it is called.
func New(cfg Config) *Intake {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 512 << 20
	}
	if cfg.AppendWait <= 0 {
		cfg.AppendWait = 300 * time.Millisecond
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Intake{cfg: cfg}
}

// Counts is what went through the door since New.
type Counts struct {
	Accepted   int64 // deliveries answered with a receipt
	Duplicates int64 // of these, bytes that were here before
	Refused    int64 // deliveries answered with an error
	Bytes      int64 // of accepted deliveries
	Late       int64 // receipts given before the log answered
	Swept      int64 // documents that the sweeper brought to the log
}

type counts struct{ accepted, duplicates, refused, bytes, late, swept atomic.Int64 }

// Counts gives the counters.
func (in *Intake) Counts() Counts {
	c := &in.counts
	return Counts{
		Accepted: c.accepted.Load(), Duplicates: c.duplicates.Load(), Refused: c.refused.Load(),
		Bytes: c.bytes.Load(), Late: c.late.Load(), Swept: c.swept.Load(),
	}
}

// Submit reads r to its end and answers when the bytes and the intake record are
// durable, whether or not the log answers. An error of r means that nothing is
// kept. Errors: Invalid (empty file, unknown type, bad delivery), TooLarge, Full,
// Unavailable; repeating a delivery is always harmless.
func (in *Intake) Submit(ctx context.Context, r io.Reader, d doc.Delivery) (doc.Receipt, error) {
	receipt, err := in.submit(ctx, r, d)
	if err != nil {
		in.counts.refused.Add(1)
		return doc.Receipt{}, err
	}
	in.counts.accepted.Add(1)
	in.counts.bytes.Add(receipt.Size)
	if receipt.Duplicate {
		in.counts.duplicates.Add(1)
	}
	return receipt, nil
}

func (in *Intake) submit(ctx context.Context, r io.Reader, d doc.Delivery) (doc.Receipt, error) {
	d, err := in.checkDelivery(d)
	if err != nil {
		return doc.Receipt{}, err
	}
	sum, size, err := in.ingest(ctx, r)
	if err != nil {
		return doc.Receipt{}, err
	}
	a := doc.Arrival{
		ID: doc.IDFromDigest(sum), SHA256: hex.EncodeToString(sum[:]), Size: size,
		Name: d.Name, Channel: d.Channel, Sender: d.Sender, Type: d.Type, Priority: d.Priority, Split: d.Split, Parent: d.Parent,
		ReceivedAt: in.stamp(), Traceparent: d.Traceparent,
	}
	if err := in.record(ctx, a); err != nil {
		return doc.Receipt{}, err
	}
	// From here on the document is accepted, whatever happens.
	receipt := doc.Receipt{ID: a.ID, SHA256: a.SHA256, Size: a.Size, Name: a.Name}
	if first, ok := in.cfg.Log.Known(a.ID); ok {
		receipt.State, receipt.Duplicate = first.State, true
		return receipt, nil
	}
	receipt.State, receipt.Duplicate = in.tell(ctx, a)
	return receipt, nil
}

// ingest keeps the bytes. It leaves MinFree on the disk, so that there is always
// room for the record of what it took.
func (in *Intake) ingest(ctx context.Context, r io.Reader) (sum [sha256.Size]byte, size int64, err error) {
	limit, short := in.cfg.MaxBytes, false
	free, err := in.cfg.Store.Free()
	if err != nil {
		return sum, 0, fmt.Errorf("submit: %w", err)
	}
	if room := free - in.cfg.MinFree; room < limit {
		limit, short = room, true
	}
	if limit <= 0 {
		return sum, 0, in.full(nil)
	}
	var one [1]byte
	switch _, err := io.ReadFull(r, one[:]); {
	case errors.Is(err, io.EOF):
		return sum, 0, doc.Unreadable(doc.DetailEmpty, "the file is empty", nil)
	case err != nil:
		return sum, 0, fmt.Errorf("submit: read: %w", err)
	}
	sum, size, _, err = in.cfg.Store.Ingest(ctx, io.MultiReader(bytes.NewReader(one[:]), r), limit)
	if short && doc.CodeOf(err) == doc.TooLarge {
		err = in.full(err)
	}
	if err != nil {
		return sum, 0, fmt.Errorf("submit: %w", err)
	}
	return sum, size, nil
}

func (in *Intake) full(cause error) error {
	return &doc.Error{Code: doc.Full, Err: cause,
		Message: fmt.Sprintf("not enough room on the disk (%d MiB are kept free): nothing was kept; make room and repeat", in.cfg.MinFree>>20)}
}

// stamp gives the time, never the same twice: it tells deliveries apart.
func (in *Intake) stamp() time.Time {
	for {
		last := in.last.Load()
		now := max(in.cfg.Now().UnixNano(), last+1)
		if in.last.CompareAndSwap(last, now) {
			return time.Unix(0, now).UTC()
		}
	}
}

// record writes the intake record.
func (in *Intake) record(ctx context.Context, a doc.Arrival) error {
	body, err := json.Marshal(a)
	if err == nil {
		err = in.cfg.Store.Put(ctx, arrivalKey(a, body), bytes.NewReader(body), int64(len(body)))
	}
	if err != nil {
		return fmt.Errorf("submit: intake record: %w", err)
	}
	return nil
}

// tell brings a to the log, if that answers soon. A sender who goes away does
// not interrupt it. A document that stays received is the sweeper's.
func (in *Intake) tell(ctx context.Context, a doc.Arrival) (state doc.State, duplicate bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), in.cfg.AppendWait)
	defer cancel()
	_, err := in.cfg.Log.Append(ctx, doc.First(a))
	switch {
	case err == nil:
		return doc.StateQueued, false
	case doc.CodeOf(err) == doc.Conflict:
		if first, ok := in.cfg.Log.Known(a.ID); ok {
			return first.State, true
		}
		return doc.StateQueued, true
	}
	in.counts.late.Add(1)
	in.sweep.pending.Store(true)
	in.cfg.Logger.Warn("document is accepted, the log will hear of it later", "id", a.ID, "error", err)
	return doc.StateReceived, false
}

// checkDelivery gives d with its gaps filled, or says what is wrong with it.
func (in *Intake) checkDelivery(d doc.Delivery) (doc.Delivery, error) {
	d.Name = cleanName(d.Name)
	if d.Priority == "" {
		d.Priority = doc.Normal
	}
	if !validTraceparent(d.Traceparent) {
		d.Traceparent = "" // a broken trace must not refuse a document
	}
	switch {
	case d.Channel == "":
		return d, doc.Errorf(doc.Invalid, "the delivery names no channel")
	case !slices.Contains(doc.Priorities, d.Priority):
		return d, doc.Errorf(doc.Invalid, "unknown priority %q: use one of %v", d.Priority, doc.Priorities)
	case d.Split != "" && d.Split != doc.SplitNever:
		return d, doc.Errorf(doc.Invalid, "split %q: say %q, or leave it out", d.Split, doc.SplitNever)
	case d.Parent != "" && !d.Parent.Valid():
		return d, doc.Errorf(doc.Invalid, "not a document ID: %q", d.Parent)
	case d.Type != "" && in.cfg.KnownType != nil && !in.cfg.KnownType(d.Type):
		return d, doc.Unreadable(doc.DetailUnknownType, fmt.Sprintf("there is no document type %q", d.Type), nil)
	}
	return d, nil
}
