package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/recto-edge/recto/embedded/durable"
	"github.com/recto-edge/recto/node/doc"
)

// notYet is why a file is not finished.
type notYet struct{ why string }

func (e notYet) Error() string { return "not finished: " + e.why }

// take brings the file through the door and moves it away. notYet: the file is
// still being written.
func (f *Folder) take(ctx context.Context, name string, seen stamp) error {
	if seen.size == 0 {
		return notYet{"it is empty"}
	}
	file, err := os.OpenFile(filepath.Join(f.cfg.Dir, name), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if f.cfg.isWritten(file) {
		return notYet{"a program has it open for writing"}
	}
	if why := unfinished(file, seen.size); why != "" {
		return notYet{why}
	}
	kind := f.cfg.Type
	if sub := filepath.Dir(name); sub != "." {
		kind = sub
	}
	r := &steadyReader{f: file, seen: seen}
	receipt, err := f.door.Submit(ctx, r, doc.Delivery{
		Name: filepath.Base(name), Channel: "folder", Sender: "folder:" + f.cfg.Dir, Type: kind, Priority: f.cfg.Priority,
	})
	if err != nil {
		return err
	}
	f.cfg.Logger.Info("file accepted", "folder", f.cfg.Dir, "id", receipt.ID, "duplicate", receipt.Duplicate)
	if err := f.settle(name, doneDir, file); err != nil {
		// It is a document already. Taken again it is a duplicate, and harmless.
		return fmt.Errorf("accepted as %s, but it cannot be moved to %s: %w", receipt.ID, doneDir, err)
	}
	return nil
}

// steadyReader reads a file and, at its end, refuses one that changed meanwhile:
// then the door keeps nothing of it.
type steadyReader struct {
	f    *os.File
	seen stamp
}

func (r *steadyReader) Read(b []byte) (int, error) {
	n, err := r.f.Read(b)
	if errors.Is(err, io.EOF) {
		info, statErr := r.f.Stat()
		if statErr != nil {
			return n, statErr
		}
		if info.Size() != r.seen.size || !info.ModTime().Equal(r.seen.mtime) {
			return n, notYet{"it changed while it was read"}
		}
	}
	return n, err
}

// settle moves the file, which was read through open, into the subfolder to, or
// deletes it. A writer may have put another file in its place meanwhile: that one
// is put back.
func (f *Folder) settle(name, to string, open *os.File) error {
	mine, err := open.Stat()
	if err != nil {
		return err
	}
	path := filepath.Join(f.cfg.Dir, name)
	if now, err := os.Lstat(path); err != nil || !os.SameFile(mine, now) {
		return nil // replaced: the new one is looked at by itself
	}
	moved, err := f.move(name, to)
	if err != nil {
		return err
	}
	if now, err := os.Lstat(moved); err == nil && !os.SameFile(mine, now) {
		return os.Rename(moved, path)
	}
	if f.cfg.Delete && to == doneDir {
		return os.Remove(moved)
	}
	return nil
}

// move gives the file a free name in the subfolder to, never over another file,
// and says which.
func (f *Folder) move(name, to string) (string, error) {
	dir := filepath.Join(f.cfg.Dir, to)
	if err := os.Mkdir(dir, 0o770); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	base := filepath.Base(name)
	ext := filepath.Ext(base)
	for n := 1; n < 100_000; n++ {
		target := filepath.Join(dir, base)
		if n > 1 {
			target = filepath.Join(dir, fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(base, ext), n, ext))
		}
		// The name is claimed first: rename alone would replace what is there.
		claim, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		err = errors.Join(claim.Close(), os.Rename(filepath.Join(f.cfg.Dir, name), target))
		if err != nil {
			return "", errors.Join(err, os.Remove(target))
		}
		return target, nil
	}
	return "", doc.Errorf(doc.Unavailable, "too many files are called %s in %s", base, dir)
}

// fail moves the file to failed/ and writes why beside it, unless it is another
// one by now.
func (f *Folder) fail(name string, seen stamp, cause error) error {
	info, err := os.Lstat(filepath.Join(f.cfg.Dir, name))
	if err != nil || info.Size() != seen.size || !info.ModTime().Equal(seen.mtime) {
		return nil
	}
	moved, err := f.move(name, failedDir)
	if err != nil {
		return fmt.Errorf("%w; and it cannot be moved to %s: %w", cause, failedDir, err)
	}
	f.cfg.Logger.Warn("file failed", "folder", f.cfg.Dir, "error", cause)
	text := fmt.Sprintf("%s was not accepted at %s:\n%s\n", filepath.Base(name), f.cfg.Now().UTC().Format("2006-01-02 15:04:05 MST"), reason(cause))
	if err := durable.WriteFile(moved+".reason.txt", strings.NewReader(text)); err != nil {
		f.cfg.Logger.Warn("reason cannot be written", "folder", f.cfg.Dir, "error", err)
	}
	return nil
}

// reason is the text of err for the user.
func reason(err error) string {
	var coded *doc.Error
	if errors.As(err, &coded) {
		return coded.Message
	}
	return "internal error; the log of the node says more"
}
