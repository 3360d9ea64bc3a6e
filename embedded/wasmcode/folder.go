package wasmcode

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	noteName   = "compiled.sha256" // what was compiled here, as sha256sum writes it
	tempSuffix = ".tmp"            // of files being written, wazero's and ours
	tempLife   = time.Hour         // after which nobody is writing them any more
)

// folder is where wazero finds machine code. wazero checks the code of an entry by
// a CRC, but not the tables that say where functions begin and where faults are
// caught, and gives up on a damaged entry instead of compiling. So it gets to see
// only files whose SHA-256 came with the program, or was noted when they were
// compiled here; all others are removed, those of older programs too.
type folder struct {
	dir       string // "": no folder can be had, compile in memory
	temporary bool
	known     map[string]string // SHA-256 by name of what is there
}

// openFolder makes dir ready, with what is packed in it. When dir cannot be used it
// takes a temporary folder, as long as there is something to put into it.
func openFolder(dir string, p *Pack) *folder {
	if dir != "" {
		if f, err := openDir(dir, p); err == nil {
			return f
		}
	}
	if p != nil {
		if temp, err := os.MkdirTemp("", "recto-code-*"); err == nil {
			f, err := openDir(temp, p)
			if err == nil {
				f.temporary = true
				return f
			}
			_ = os.RemoveAll(temp)
		}
	}
	if dir != "" { // what is packed may be damaged
		if f, err := openDir(dir, nil); err == nil {
			return f
		}
	}
	return &folder{}
}

func openDir(dir string, p *Pack) (*folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of machine code: %w", err)
	}
	f := &folder{dir: dir, known: readNote(dir)}
	if p != nil {
		f.known[p.Name] = p.sum
	}
	if err := f.tidy(); err != nil {
		return nil, err
	}
	if p != nil && f.known[p.Name] == "" {
		if err := p.unpack(dir); err != nil {
			return nil, err
		}
		// It is new here, so the program is: what others left is of no more use.
		f.known = map[string]string{p.Name: p.sum}
		if err := f.tidy(); err != nil {
			return nil, err
		}
	}
	if len(f.known) > 0 {
		return f, nil
	}
	// wazero compiles before it finds out that it cannot keep the result.
	return f, replace(filepath.Join(dir, noteName), func(io.Writer) error { return nil })
}

// tidy removes every entry that is not known or not what is known of it, and
// forgets those that are not there.
func (f *folder) tidy() error {
	found := map[string]string{}
	for _, name := range entries(f.dir) {
		path := filepath.Join(f.dir, name)
		if want := f.known[name]; want != "" {
			if sum, err := sumOf(path); err == nil && sum == want {
				found[name] = sum
				continue
			}
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove machine code that is damaged or old: %w", err)
		}
	}
	f.known = found
	for _, pattern := range []string{"*" + tempSuffix, "wazero-*/*" + tempSuffix, "wazero-*"} {
		for _, path := range glob(f.dir, pattern) {
			if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > tempLife {
				_ = os.Remove(path) // a folder goes only when it is empty
			}
		}
	}
	return nil
}

// note writes down what was compiled since, which makes it known to the next start.
func (f *folder) note() {
	if f.dir == "" || f.temporary {
		return
	}
	var lines bytes.Buffer
	for _, name := range entries(f.dir) {
		if f.known[name] != "" {
			continue
		}
		if sum, err := sumOf(filepath.Join(f.dir, name)); err == nil {
			fmt.Fprintf(&lines, "%s  %s\n", sum, name)
		}
	}
	if lines.Len() > 0 {
		// Without the note the next start compiles again, that is all.
		_ = replace(filepath.Join(f.dir, noteName), func(w io.Writer) error {
			_, err := lines.WriteTo(w)
			return err
		})
	}
}

// clear removes everything, after a start that failed.
func (f *folder) clear() {
	f.known = nil
	_ = f.tidy()
}

// close removes a temporary folder: its content is in memory by now.
func (f *folder) close() {
	if f.temporary {
		_ = os.RemoveAll(f.dir)
	}
}

// entries gives the names, from dir, of the files that wazero would take as
// machine code: those named by a SHA-256 in a folder of its own.
func entries(dir string) (names []string) {
	for _, path := range glob(dir, "wazero-*/*") {
		if b, err := hex.DecodeString(filepath.Base(path)); err == nil && len(b) == sha256.Size {
			names = append(names, filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path)))
		}
	}
	return names
}

// glob is filepath.Glob below dir, whatever dir is called.
func glob(dir, pattern string) (paths []string) {
	names, err := fs.Glob(os.DirFS(dir), pattern)
	if err != nil {
		return nil
	}
	for _, n := range names {
		paths = append(paths, filepath.Join(dir, filepath.FromSlash(n)))
	}
	return paths
}

func readNote(dir string) map[string]string {
	known := map[string]string{}
	f, err := os.Open(filepath.Join(dir, noteName))
	if err != nil {
		return known
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if sum, name, ok := strings.Cut(s.Text(), "  "); ok {
			known[name] = sum
		}
	}
	return known
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// replace makes path hold what write writes, with its folder, or leaves it as it was.
func replace(path string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make folder of machine code: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "*"+tempSuffix) // mode 0600
	if err != nil {
		return fmt.Errorf("write machine code: %w", err)
	}
	err = errors.Join(write(f), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write machine code: %w", err), os.Remove(f.Name()))
	}
	return nil
}
