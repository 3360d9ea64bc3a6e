package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/recto-edge/recto/node/doc"
)

// FolderConfig is one watched folder.
type FolderConfig struct {
	Dir       string              // must exist
	Type      string              // document type of what arrives; empty: recognise
	SubType   func(string) bool   // nil: subfolders are ignored; else a subfolder for whose name it is true gives the type
	Priority  doc.Priority        // empty: normal
	Quiet     time.Duration       // a file must not have changed for this long; 0: 2 s
	MaxAge    time.Duration       // an unfinished file that has not changed for this long is failed; 0: 1 h
	Poll      time.Duration       // how often to look when no event comes; 0: 5 s
	NoEvents  bool                // look only: for network file systems
	Delete    bool                // delete accepted files instead of moving them to done/
	Logger    *slog.Logger        // nil: silent
	Now       func() time.Time    // nil: time.Now
	isWritten func(*os.File) bool // nil: asks the system; for tests
}

// Submitter is the door as a channel sees it.
type Submitter interface {
	Submit(ctx context.Context, r io.Reader, d doc.Delivery) (doc.Receipt, error)
}

// Folder brings the files of a folder through the door, each as one document. A
// file is taken when it has not changed for a while, nobody on this machine has
// it open for writing, its end is there (where the format says what an end is),
// and it is still the same after it was read. An accepted file moves to done/, one
// that can never be accepted to failed/ with a .reason.txt beside it. Nothing is
// remembered: after a restart the folder is looked through again, and a file that
// was accepted but not yet moved is a duplicate then.
type Folder struct {
	cfg  FolderConfig
	door Submitter

	mu    sync.Mutex
	files map[string]*arriving // by path relative to Dir
}

// Waiting is a file that has arrived but is not a document yet.
type Waiting struct {
	Name  string // path in the folder
	Size  int64  // bytes
	Since time.Time
	Why   string
}

// arriving is what is known of a file that waits.
type arriving struct {
	stamp   stamp
	since   time.Time // first seen
	changed time.Time // last seen to change
	why     string
	retry   time.Time // not before
	wait    time.Duration
}

// stamp tells whether a file is what it was.
type stamp struct {
	size  int64
	mtime time.Time
}

const (
	doneDir   = "done"
	failedDir = "failed"
	firstWait = 2 * time.Second // after a refusal that may pass; doubles
	longWait  = time.Minute
)

// NewFolder makes the channel; Run works it. Invalid: Dir is not a folder.
func NewFolder(cfg FolderConfig, door Submitter) (*Folder, error) {
	if info, err := os.Stat(cfg.Dir); err != nil || !info.IsDir() {
		return nil, &doc.Error{Code: doc.Invalid, Err: err, Message: fmt.Sprintf("watched folder %s is not there or not a folder: make it, or check folder.path", cfg.Dir)}
	}
	setDefault(&cfg.Quiet, 2*time.Second)
	setDefault(&cfg.MaxAge, time.Hour)
	setDefault(&cfg.Poll, 5*time.Second)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.isWritten == nil {
		cfg.isWritten = isWritten
	}
	return &Folder{cfg: cfg, door: door, files: map[string]*arriving{}}, nil
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d <= 0 {
		*d = v
	}
}

// Run looks at the folder when something happens in it, and every Poll anyway,
// until ctx ends.
func (f *Folder) Run(ctx context.Context) {
	var events <-chan fsnotify.Event
	var errs <-chan error
	if w := f.watch(); w != nil {
		defer w.Close()
		events, errs = w.Events, w.Errors
	}
	for {
		timer := time.NewTimer(f.Scan(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-events:
		case err := <-errs: // too many at once, or the folder went away: looking tells
			f.cfg.Logger.Warn("events of a folder were lost", "folder", f.cfg.Dir, "error", err)
		}
		timer.Stop()
		drain(events)
	}
}

// drain takes the events that the next look covers.
func drain(events <-chan fsnotify.Event) {
	for {
		select {
		case <-events:
		default:
			return
		}
	}
}

// watch asks the system for events; nil where it sends none.
func (f *Folder) watch() *fsnotify.Watcher {
	if f.cfg.NoEvents {
		return nil
	}
	w, err := fsnotify.NewWatcher()
	if err == nil {
		if err = w.Add(f.cfg.Dir); err == nil {
			return w
		}
		err = errors.Join(err, w.Close())
	}
	f.cfg.Logger.Warn("folder is only polled: the system sends no events", "folder", f.cfg.Dir, "every", f.cfg.Poll, "error", err)
	return nil
}

// Arriving gives the files that wait, longest first, and why.
func (f *Folder) Arriving() []Waiting {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Waiting
	for name, a := range f.files {
		out = append(out, Waiting{Name: name, Size: a.stamp.size, Since: a.since, Why: a.why})
	}
	slices.SortFunc(out, func(a, b Waiting) int { return a.Since.Compare(b.Since) })
	return out
}

// Scan looks at every file once, takes those that are ready, and says how long to
// wait before the next look if nothing happens. It is called by one goroutine.
func (f *Folder) Scan(ctx context.Context) time.Duration {
	next := f.cfg.Poll
	names, err := f.list()
	if err != nil {
		f.cfg.Logger.Warn("watched folder cannot be read, will be tried again", "folder", f.cfg.Dir, "error", err)
		return next
	}
	f.forgetAllBut(names)
	for _, name := range names {
		if ctx.Err() != nil {
			return next
		}
		if wait := f.look(ctx, name); wait > 0 {
			next = min(next, wait)
		}
	}
	return next
}

// list gives the files of the folder and of the subfolders that name a type.
func (f *Folder) list() ([]string, error) {
	entries, err := os.ReadDir(f.cfg.Dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		switch {
		case ignored(e.Name()):
		case e.Type().IsRegular():
			names = append(names, e.Name())
		case e.IsDir() && f.cfg.SubType != nil && e.Name() != doneDir && e.Name() != failedDir && f.cfg.SubType(e.Name()):
			inner, err := os.ReadDir(filepath.Join(f.cfg.Dir, e.Name()))
			if err != nil {
				f.cfg.Logger.Warn("subfolder cannot be read", "folder", f.cfg.Dir, "subfolder", e.Name(), "error", err)
				continue
			}
			for _, i := range inner {
				if i.Type().IsRegular() && !ignored(i.Name()) {
					names = append(names, filepath.Join(e.Name(), i.Name()))
				}
			}
		}
	}
	return names, nil
}

// ignored says whether a name is one that programs give to what is not finished,
// or to their own books.
func ignored(name string) bool {
	low := strings.ToLower(name)
	for _, end := range []string{".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp", "~"} {
		if strings.HasSuffix(low, end) {
			return true
		}
	}
	return name[0] == '.' || strings.HasPrefix(name, "~$") || low == "thumbs.db" || low == "desktop.ini"
}

func (f *Folder) forgetAllBut(names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.files {
		if !slices.Contains(names, name) {
			delete(f.files, name)
		}
	}
}

// look decides about one file; it gives how long to wait before the next look.
func (f *Folder) look(ctx context.Context, name string) time.Duration {
	info, err := os.Lstat(filepath.Join(f.cfg.Dir, name))
	if err != nil || !info.Mode().IsRegular() {
		return 0 // gone
	}
	now := f.cfg.Now()
	a := f.track(name, stamp{info.Size(), info.ModTime()}, now)
	if wait := a.changed.Add(f.cfg.Quiet).Sub(now); wait > 0 {
		return f.note(a, "it was written to a moment ago", wait)
	}
	if wait := a.retry.Sub(now); wait > 0 {
		return wait
	}
	err = f.take(ctx, name, a.stamp)
	var not notYet
	switch {
	case err == nil || errors.Is(err, fs.ErrNotExist):
		f.drop(name)
		return 0
	case errors.As(err, &not):
		if now.Sub(a.changed) < f.cfg.MaxAge {
			a.retry = now.Add(f.cfg.Quiet)
			return f.note(a, not.why, f.cfg.Quiet)
		}
		err = doc.Errorf(doc.Invalid, "the file was never finished: %s, and it did not change for %s", not.why, f.cfg.MaxAge)
	}
	if final(err) {
		if err = f.fail(name, a.stamp, err); err == nil {
			f.drop(name)
			return 0
		}
	}
	if ctx.Err() != nil {
		return f.cfg.Poll // a stop is not a failure
	}
	a.wait = min(max(2*a.wait, firstWait), longWait)
	a.retry = now.Add(a.wait)
	f.cfg.Logger.Warn("file cannot be taken yet, will be tried again", "folder", f.cfg.Dir, "in", a.wait, "error", err)
	return f.note(a, err.Error(), a.wait)
}

// final says whether repeating cannot help.
func final(err error) bool {
	code := doc.CodeOf(err)
	return code == doc.Invalid || code == doc.TooLarge
}

func (f *Folder) track(name string, s stamp, now time.Time) *arriving {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok := f.files[name]
	if !ok {
		a = &arriving{since: now, changed: now, stamp: s}
		f.files[name] = a
	} else if !a.stamp.mtime.Equal(s.mtime) || a.stamp.size != s.size {
		a.stamp, a.changed, a.retry, a.wait = s, now, time.Time{}, 0
	}
	return a
}

func (f *Folder) note(a *arriving, why string, wait time.Duration) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	a.why = why
	return wait
}

func (f *Folder) drop(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.files, name)
}
