package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// uploadOrder is the order in which what waits goes to the bucket: an intake
// record never before the original that it tells of.
var uploadOrder = []string{originals, "intake/", ""}

// othersTurn is how long an object is left to the member that is best for it.
const othersTurn = 10 * time.Minute

// keepUploading looks whether the primary is back, and brings it what waits.
func (s *Standby) keepUploading(ctx context.Context) {
	for {
		s.mu.Lock()
		rest := uploadRetry
		if s.away != nil || s.waiting > 0 && s.stuck == "" {
			rest = s.cfg.Probe
		}
		away := s.away != nil
		s.mu.Unlock()
		t := time.NewTimer(rest)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-s.wake:
			if away && sleep(ctx, s.cfg.Probe) != nil { // it was told that it is away: not at once
				t.Stop()
				return
			}
		}
		t.Stop()
		if ctx.Err() != nil {
			return
		}
		if err := s.ask(ctx, 0, s.primary.Prepare); err != nil {
			continue
		}
		if err := s.upload(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("what waits for the bucket is not all there, will be tried again", "error", err)
		}
	}
}

// upload brings everything that waits on this member's disk to the bucket.
func (s *Standby) upload(ctx context.Context) error {
	left, stuck := 0, ""
	for _, prefix := range uploadOrder {
		err := s.backup.ListLocal(ctx, prefix, "", func(i Info) error {
			if prefix == "" && slices.ContainsFunc(uploadOrder[:len(uploadOrder)-1], func(p string) bool { return strings.HasPrefix(i.Key, p) }) {
				return nil
			}
			done, err := s.uploadOne(ctx, i)
			if !done {
				left++
			}
			if err != nil && (doc.CodeOf(err) == doc.Unavailable || ctx.Err() != nil) {
				return err
			}
			if err != nil {
				stuck = err.Error()
				s.log.Error("an object cannot be brought to the bucket", "key", i.Key, "error", err)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("upload: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting, s.stuck = left, stuck
	return nil
}

// uploadOne brings one object to the bucket, reads it back, and then removes it
// from all disks. It says whether it waits no longer.
func (s *Standby) uploadOne(ctx context.Context, i Info) (done bool, err error) {
	mine, err := s.mine(ctx, i)
	if err != nil || !mine {
		return false, err
	}
	f, err := s.backup.local.open(i.Key)
	if doc.CodeOf(err) == doc.NotFound {
		return true, nil // erased, or brought there by another
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	o, err := lookAt(ctx, i.Key, f)
	if err == nil {
		err = wantNamed(o)
	}
	if errors.Is(err, ErrDamaged) {
		s.backup.heal(ctx, i.Key)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = s.ask(ctx, 2*o.size, func(ctx context.Context) error { return s.bring(ctx, o, f) })
	if err != nil {
		return false, err
	}
	if erased, err := s.erased(ctx, i); err != nil || erased { // while it was on its way
		return false, errors.Join(err, s.ask(ctx, 0, func(ctx context.Context) error { return s.primary.Delete(ctx, i.Key) }))
	}
	if err := s.backup.drop(ctx, o); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uploaded++
	return true, nil
}

// bring puts an object into the bucket and compares what the bucket gives back.
func (s *Standby) bring(ctx context.Context, o object, f *os.File) error {
	var err error
	if o.key == OriginalKey(o.sum) {
		_, err = s.primary.keep(ctx, o.sum, f, o.size)
	} else {
		body := make([]byte, o.size)
		if _, err = f.ReadAt(body, 0); err == nil || errors.Is(err, io.EOF) && o.size == 0 {
			err = s.primary.Put(ctx, o.key, bytes.NewReader(body), o.size)
		}
	}
	if err != nil {
		return err
	}
	back, err := s.primary.Open(ctx, o.key)
	if err != nil {
		return err
	}
	defer back.Close()
	h := sha256.New()
	if _, err := io.Copy(h, Reader(back)); err != nil {
		return fmt.Errorf("read %s back: %w", o.key, err)
	}
	if [sha256.Size]byte(h.Sum(nil)) != o.sum {
		return damaged(o.key)
	}
	return nil
}

// mine says whether this member brings an object to the bucket: it is the best of
// those that have it, or the best did not get round to it. One that was erased is
// removed. Enough members must be asked for that to be known.
func (s *Standby) mine(ctx context.Context, i Info) (bool, error) {
	if erased, err := s.erased(ctx, i); err != nil || erased {
		return false, err
	}
	if s.cfg.Now().Sub(i.Modified) > othersTurn {
		return true, nil
	}
	v := s.backup.now.Load()
	before, _ := s.backup.split(v, v.rank(i.Key))
	if at := slices.Index(before, v.self); at >= 0 {
		before = before[:at]
	}
	better := false
	s.backup.askAll(ctx, before, haveQuestion{Keys: []string{i.Key}}, func(_ string, h []holding) bool {
		better = h[0].Size == i.Size
		return better
	})
	return !better, nil
}

// erased says whether an object that is here was erased, and then removes it.
func (s *Standby) erased(ctx context.Context, i Info) (bool, error) {
	v := s.backup.now.Load()
	at, err := s.backup.local.erasedAt(i.Key)
	if err != nil {
		return false, err
	}
	able, silent := s.backup.split(v, v.others())
	silent = append(silent, s.backup.askAll(ctx, able, haveQuestion{Keys: []string{i.Key}}, func(_ string, h []holding) bool {
		at = max(at, h[0].Erased)
		return false
	})...)
	if i.Modified.Unix() <= at {
		_, err := s.backup.local.erase(i.Key, at)
		return true, err
	}
	if len(silent) > 1 { // an erasure is remembered by two
		return false, doc.Errorf(doc.Unavailable, "whether %s was erased cannot be said without %s", i.Key, v.names(silent))
	}
	return false, nil
}
