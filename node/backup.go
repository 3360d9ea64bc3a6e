package node

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/doc"
)

// A backup is a tar stream: every object of the blob store, then the control
// state, then an end mark with the counts, so that one that was cut is noticed.
// Objects are immutable, so a backup of a running node is whole: what arrives
// while it runs may or may not be in it, nothing is ever half in it.
const (
	backupObjects = "objects/"
	backupControl = "control.snapshot"
	backupEnd     = "end.json"
	maxControl    = 256 << 20 // bytes; the control state is kilobytes
)

type backupMark struct {
	Format  int       `json:"format"`
	Version string    `json:"version"`
	Node    string    `json:"node"`
	At      time.Time `json:"at"`
	Objects int       `json:"objects"`
}

// Backup writes everything the node keeps to w.
func (n *Node) Backup(ctx context.Context, w io.Writer) error {
	tw := tar.NewWriter(w)
	mark := backupMark{Format: 1, Version: n.build.Version, Node: n.id.Node, At: time.Now().UTC()}
	err := n.store.List(ctx, "", "", func(i blob.Info) error {
		if strings.HasPrefix(i.Key, "check/") { // a probe under way
			return nil
		}
		f, err := n.store.Open(ctx, i.Key)
		if err != nil {
			return fmt.Errorf("back up %s: %w", i.Key, err)
		}
		defer f.Close()
		mark.Objects++
		if err := tw.WriteHeader(&tar.Header{Name: backupObjects + i.Key, Size: f.Size(), Mode: 0o600, ModTime: i.Modified}); err != nil {
			return err
		}
		_, err = io.Copy(tw, blob.Reader(f))
		return err
	})
	if err != nil {
		return err
	}
	var control bytes.Buffer
	if err := n.control.Backup(&control); err != nil {
		return fmt.Errorf("back up control state: %w", err)
	}
	end, err := json.Marshal(mark)
	if err != nil {
		return err
	}
	for _, e := range []struct {
		name string
		body []byte
	}{{backupControl, control.Bytes()}, {backupEnd, end}} {
		if err := tw.WriteHeader(&tar.Header{Name: e.name, Size: int64(len(e.body)), Mode: 0o600, ModTime: mark.At}); err != nil {
			return err
		}
		if _, err := tw.Write(e.body); err != nil {
			return err
		}
	}
	return tw.Close()
}

// Restored says what a restore brought back.
type Restored struct {
	Objects   int `json:"objects"`   // in the backup
	Documents int `json:"documents"` // in the blob store now
	Returned  int `json:"returned"`  // documents the log did not know
}

// Restore brings a backup into the running node: objects first (those that are
// there already stay), then the control state, then the log. A backup that was
// cut is refused at its end; objects it brought by then stay and do no harm.
func (n *Node) Restore(ctx context.Context, r io.Reader) (Restored, error) {
	var out Restored
	if !n.control.Leads() {
		where := n.control.Status().Leader
		if m, ok := n.control.Member(where); ok {
			where = m.Name + " (" + m.API + ")"
		}
		return out, doc.Errorf(doc.Conflict, "a backup is restored by the member that leads: send it to %s", where)
	}
	objects, control, err := n.restoreObjects(ctx, r)
	if err != nil {
		return out, err
	}
	out.Objects = objects
	if err := n.control.Restore(bytes.NewReader(control)); err != nil {
		return out, fmt.Errorf("restore control state: %w", err)
	}
	// The control state is the backup's now, and with it the keys.
	if err := n.grantAccess(ctx, n.server.URL(), n.server.Fingerprint()); err != nil {
		return out, err
	}
	q := n.queue.Load()
	if q == nil {
		return out, doc.Errorf(doc.Unavailable, "the document log is not up yet; try again in a moment")
	}
	err = n.still(ctx, func() error {
		rep, err := n.repair(ctx, q, nil)
		out.Documents, out.Returned = rep.Documents, rep.Restored
		return err
	})
	if err != nil {
		return out, err
	}
	// The index begins anew; what was erased here, or is in the backup, and what
	// was learned are looked at when it is there.
	_, last, err := q.Bounds(ctx)
	if err == nil {
		err = n.db.Index().Wait(ctx, last)
	}
	if err == nil {
		err = n.forgetErased(ctx)
	}
	if err == nil {
		n.learner.Load(ctx)
	}
	return out, err
}

func (n *Node) restoreObjects(ctx context.Context, r io.Reader) (objects int, control []byte, err error) {
	tr := tar.NewReader(r)
	var mark *backupMark
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return objects, nil, doc.Errorf(doc.Invalid, "this is not a whole backup: %w", err)
		}
		switch key, isObject := strings.CutPrefix(h.Name, backupObjects); {
		case isObject:
			err := n.restoreObject(ctx, key, h.Size, tr)
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return objects, nil, doc.Errorf(doc.Invalid, "the backup was cut: it ends in the middle of %s", key)
			}
			if err != nil {
				return objects, nil, fmt.Errorf("restore %s: %w", key, err)
			}
			objects++
		case h.Name == backupControl && h.Size <= maxControl:
			if control, err = io.ReadAll(tr); err != nil {
				return objects, nil, doc.Errorf(doc.Invalid, "this is not a whole backup: %w", err)
			}
		case h.Name == backupEnd:
			mark = &backupMark{}
			if err := json.NewDecoder(tr).Decode(mark); err != nil {
				return objects, nil, doc.Errorf(doc.Invalid, "this is not a whole backup: %w", err)
			}
		default:
			return objects, nil, doc.Errorf(doc.Invalid, "this is not a backup of Recto: it holds %q", h.Name)
		}
	}
	if mark == nil || control == nil || mark.Objects != objects {
		return objects, nil, doc.Errorf(doc.Invalid, "the backup was cut: its end is missing; nothing but %d originals and records was brought in", objects)
	}
	return objects, control, nil
}

func (n *Node) restoreObject(ctx context.Context, key string, size int64, r io.Reader) error {
	if !strings.HasPrefix(key, "originals/") {
		return n.store.Put(ctx, key, r, size)
	}
	sum, _, _, err := n.store.Ingest(ctx, r, 0)
	if err == nil && blob.OriginalKey(sum) != key {
		return doc.Errorf(doc.Invalid, "the bytes are not those of its name: the backup is damaged")
	}
	return err
}
