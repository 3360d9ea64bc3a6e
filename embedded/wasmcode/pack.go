package wasmcode

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Pack is a module's machine code for one version of wazero, one platform and one
// set of processor features, as an entry of wazero's compilation cache. Whether it
// fits is for wazero to say: it looks for an entry by these, and when it finds none
// it compiles.
type Pack struct {
	Name string // folder and file within a compilation cache; the file is named by module and processor

	sum   string // SHA-256 of the entry, hexadecimal
	files fs.FS
	path  string // in files: a line of SHA-256 and name, then the entry compressed
}

// Find gives the pack of a module for this platform from the folder compiled of
// files, where the build put it; nil: there is none, or it cannot be read.
func Find(files fs.FS, module string) *Pack {
	names, err := fs.Glob(files, "compiled/"+module+"-"+runtime.GOOS+"-"+runtime.GOARCH+"-*.pack")
	if err != nil || len(names) == 0 {
		return nil
	}
	p := &Pack{files: files, path: names[0]}
	f, _, err := p.open()
	if err != nil {
		return nil
	}
	_ = f.Close() // was only read
	return p
}

// open reads the first line into p and gives the entry, compressed, to read on.
func (p *Pack) open() (io.Closer, io.Reader, error) {
	f, err := p.files.Open(p.path)
	if err != nil {
		return nil, nil, fmt.Errorf("open machine code: %w", err)
	}
	r := bufio.NewReader(f)
	line, err := r.ReadString('\n')
	sum, name, two := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
	if err != nil || !two || len(sum) != 2*sha256.Size || !filepath.IsLocal(name) {
		return nil, nil, errors.Join(errors.New("open machine code: it does not begin with its SHA-256 and name"), f.Close())
	}
	p.sum, p.Name = sum, name
	return f, r, nil
}

// unpack writes the entry into the compilation cache dir, or leaves dir without it
// and says why. It does not wait for the disk: a file that a power cut left
// incomplete has another SHA-256, and is unpacked anew.
func (p *Pack) unpack(dir string) error {
	f, r, err := p.open()
	if err != nil {
		return err
	}
	defer f.Close()
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return fmt.Errorf("unpack machine code: %w", err)
	}
	defer d.Close()
	h := sha256.New()
	return replace(filepath.Join(dir, p.Name), func(w io.Writer) error {
		if _, err := io.Copy(io.MultiWriter(w, h), d); err != nil {
			return fmt.Errorf("unpack machine code: %w", err)
		}
		if hex.EncodeToString(h.Sum(nil)) != p.sum {
			return errors.New("unpack machine code: it is damaged")
		}
		return nil
	})
}

// Write writes to w, as Find takes it, the machine code for this machine's platform
// and processor, which compile leaves in dir: by a start of the engine that has no
// pack, in the folder dir. The build calls it.
func Write(w io.Writer, compile func(dir string) error) (err error) {
	dir, err := os.MkdirTemp("", "recto-code-*")
	if err != nil {
		return fmt.Errorf("compile ahead: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := compile(dir); err != nil {
		return fmt.Errorf("compile ahead: %w", err)
	}
	names := entries(dir)
	if len(names) != 1 {
		return fmt.Errorf("compile ahead: left %d entries: is there a compiler for %s on %s?", len(names), runtime.GOARCH, runtime.GOOS)
	}
	raw, err := os.ReadFile(filepath.Join(dir, names[0]))
	if err != nil {
		return fmt.Errorf("read machine code: %w", err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return fmt.Errorf("start compression: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%x  %s\n%s", sha256.Sum256(raw), names[0], enc.EncodeAll(raw, nil)); err != nil {
		return fmt.Errorf("write machine code: %w", err)
	}
	return nil
}
