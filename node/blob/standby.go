package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// StandbyConfig says what stands in for what.
type StandbyConfig struct {
	Primary *S3
	Backup  *Copies
	Probe   time.Duration // between looks whether a primary that is away is back; 0: 3 s
	Now     func() time.Time
	Logger  *slog.Logger
}

// Standby is a Store in a bucket that goes on while the bucket is away: what comes
// then is kept on members' disks as Copies keeps it, if there are several, and
// brought to the bucket
// when that is back. It is removed from the disks when the bucket has it and gave
// it back whole.
type Standby struct {
	primary *S3
	backup  *Copies
	cfg     StandbyConfig
	log     *slog.Logger

	stop context.CancelFunc
	work sync.WaitGroup
	wake chan struct{}

	mu       sync.Mutex
	away     error // why the primary is not asked; nil when it works
	since    time.Time
	waiting  int
	uploaded int64
	stuck    string
}

// Bounds of one conversation with the primary: one that hangs is away.
const (
	primaryAnswer = 5 * time.Second
	primaryRate   = 1 << 20 // bytes/s
	primaryProbe  = 3 * time.Second
	uploadRetry   = time.Minute // between looks for what waits when nothing says that something does
)

// OpenStandby starts to look after what waits. Close ends it; it closes neither
// store.
func OpenStandby(cfg StandbyConfig) *Standby {
	cfg.Probe = defaulted(cfg.Probe, primaryProbe)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Standby{primary: cfg.Primary, backup: cfg.Backup, cfg: cfg, log: cfg.Logger, wake: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.work.Go(func() { s.keepUploading(ctx) })
	return s
}

// Close ends the background. It may be called again.
func (s *Standby) Close() error {
	s.stop()
	s.work.Wait()
	return nil
}

// StandbyStatus is how it goes.
type StandbyStatus struct {
	Away     bool      `json:"away"` // the bucket is: documents are kept on members' disks
	Why      string    `json:"why,omitempty"`
	Since    time.Time `json:"since"`
	Waiting  int       `json:"waiting"`  // objects on this member that the bucket does not have yet
	Uploaded int64     `json:"uploaded"` // of these, brought there since the start
	Stuck    string    `json:"stuck,omitempty"`
}

// Status says how it goes on this member.
func (s *Standby) Status() StandbyStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := StandbyStatus{Away: s.away != nil, Since: s.since, Waiting: s.waiting, Uploaded: s.uploaded, Stuck: s.stuck}
	if s.away != nil {
		st.Why = s.away.Error()
	}
	return st
}

// try asks the primary, unless it failed a moment ago. size bytes will be moved.
func (s *Standby) try(ctx context.Context, size int64, fn func(context.Context) error) error {
	s.mu.Lock()
	away := s.away
	s.mu.Unlock()
	if away != nil {
		return away
	}
	return s.ask(ctx, size, fn)
}

// ask is try without looking whether it failed.
func (s *Standby) ask(ctx context.Context, size int64, fn func(context.Context) error) error {
	short, cancel := context.WithTimeout(ctx, primaryAnswer+time.Duration(size/primaryRate)*time.Second)
	defer cancel()
	err := fn(short)
	if err != nil && ctx.Err() == nil && short.Err() != nil {
		err = s.primary.codes.gone(err) // it hangs
	}
	if ctx.Err() == nil {
		s.note(err)
	}
	return err
}

// note takes in whether the primary works.
func (s *Standby) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch gone := doc.CodeOf(err) == doc.Unavailable; {
	case gone && s.away == nil:
		s.away, s.since = err, s.cfg.Now()
		s.log.Error("the bucket is away: objects are kept on members' disks until it is back", "error", err)
		s.nudge()
	case gone:
		s.away = err
	case s.away != nil:
		s.log.Info("the bucket is back", "away", s.cfg.Now().Sub(s.since).String())
		s.away, s.since = nil, s.cfg.Now()
		s.nudge()
	}
}

func (s *Standby) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Ingest implements Store.
func (s *Standby) Ingest(ctx context.Context, r io.Reader, limit int64) (sum [sha256.Size]byte, size int64, existed bool, err error) {
	tmp, err := newSpoolFile(s.primary.cfg.Spool)
	if err != nil {
		return sum, 0, false, fmt.Errorf("ingest: %w", err)
	}
	defer tmp.Close()
	sum, size, err = spool(ctx, tmp, r, limit)
	if err != nil {
		return sum, size, false, fmt.Errorf("ingest: %w", fileError(err))
	}
	err = s.try(ctx, size, func(ctx context.Context) error {
		existed, err = s.primary.keep(ctx, sum, tmp, size)
		return err
	})
	if doc.CodeOf(err) == doc.Unavailable && s.backup.several() {
		_, _, existed, err = s.backup.Ingest(ctx, io.NewSectionReader(tmp, 0, size), 0)
		s.later(err)
	}
	if err != nil {
		return sum, size, false, fmt.Errorf("ingest: %w", err)
	}
	return sum, size, existed, nil
}

// Put implements Store.
func (s *Standby) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := checkKey(key); err != nil {
		return err
	}
	body, err := readExactly(ctx, key, r, size)
	if err != nil {
		return err
	}
	err = s.try(ctx, size, func(ctx context.Context) error { return s.primary.Put(ctx, key, bytes.NewReader(body), size) })
	if doc.CodeOf(err) == doc.Unavailable && s.backup.several() {
		err = s.backup.Put(ctx, key, bytes.NewReader(body), size)
		s.later(err)
	}
	return err
}

// later counts what waits from now on.
func (s *Standby) later(err error) {
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting++
	s.nudge()
}

// Open implements Store.
func (s *Standby) Open(ctx context.Context, key string) (File, error) {
	if info, err := s.backup.local.Stat(ctx, key); err == nil { // here, and a hash away from being right
		if f, err := s.backup.Open(ctx, info.Key); err == nil {
			return f, nil
		}
	}
	var f File
	err := s.try(ctx, 1<<40, func(ctx context.Context) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		stalled := time.AfterFunc(primaryAnswer, func() { cancel(s.primary.codes.gone(errors.New("no answer"))) })
		defer stalled.Stop()
		var err error
		if f, err = s.primary.open(ctx, key, func() { stalled.Reset(primaryAnswer) }); err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return err
	})
	if err == nil || !elsewhere(err) {
		return f, err
	}
	f, far := s.backup.Open(ctx, key)
	return f, s.worse(err, far)
}

// Stat implements Store.
func (s *Standby) Stat(ctx context.Context, key string) (Info, error) {
	var info Info
	err := s.try(ctx, 0, func(ctx context.Context) (err error) {
		info, err = s.primary.Stat(ctx, key)
		return err
	})
	if err == nil || !elsewhere(err) {
		return info, err
	}
	info, far := s.backup.Stat(ctx, key)
	return info, s.worse(err, far)
}

// elsewhere says whether err leaves it open that the backup has the object.
func elsewhere(err error) bool {
	return doc.CodeOf(err) == doc.NotFound || doc.CodeOf(err) == doc.Unavailable || errors.Is(err, ErrDamaged)
}

// worse gives the error for what neither store gave: that it is not there can only
// be said when both say so.
func (s *Standby) worse(primary, backup error) error {
	if doc.CodeOf(backup) == doc.NotFound {
		return primary
	}
	return backup
}

// Delete implements Store. While the bucket is away it is Unavailable: what is
// there cannot be erased now, and the caller must come again.
func (s *Standby) Delete(ctx context.Context, key string) error {
	if err := s.backup.Delete(ctx, key); err != nil {
		return err
	}
	return s.try(ctx, 0, func(ctx context.Context) error { return s.primary.Delete(ctx, key) })
}

// List implements Store: what is in either, each key once.
func (s *Standby) List(ctx context.Context, prefix, after string, fn func(Info) error) error {
	s.mu.Lock()
	away := s.away
	s.mu.Unlock()
	if away != nil {
		return away // a list that may be incomplete is none
	}
	m := &merge{c: s.backup, v: newView(s.backup.cfg.Self, nil)}
	defer m.end()
	m.add("", all(ctx, s.primary, prefix, after))
	m.add("", all(ctx, s.backup, prefix, after))
	err := m.run(fn)
	if errors.Is(err, Stop) {
		return nil
	}
	return err
}

// ListLocal lists what waits on this member's disk.
func (s *Standby) ListLocal(ctx context.Context, prefix, after string, fn func(Info) error) error {
	return s.backup.ListLocal(ctx, prefix, after, fn)
}

// Check says whether objects can be kept now: in the bucket, or else on disks.
func (s *Standby) Check(ctx context.Context) error {
	err := s.try(ctx, 0, func(ctx context.Context) error { return Check(ctx, s.primary) })
	if doc.CodeOf(err) != doc.Unavailable || !s.backup.several() {
		return err
	}
	if far := s.backup.Check(ctx); far != nil {
		return errors.Join(err, far)
	}
	return nil
}
