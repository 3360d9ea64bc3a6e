package pdfium

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// compiled holds what the build compiled ahead: nothing but a .gitignore when the
// program was built without make.
//
//go:embed all:compiled
var compiled embed.FS

// packed is PDFium's machine code for one version of wazero, one platform and one
// set of processor features, as an entry of wazero's compilation cache. Whether it
// fits is for wazero to say: it looks for an entry by these, and when it finds none
// it compiles.
type packed struct {
	name string // folder and file within a compilation cache
	sum  string // SHA-256 of the entry, hexadecimal
	zstd []byte
}

// embedded gives what the program carries for this platform; nil: nothing.
func embedded() *packed {
	names, err := compiled.ReadDir("compiled")
	if err != nil {
		return nil
	}
	for _, n := range names {
		if strings.HasPrefix(n.Name(), "pdfium-"+runtime.GOOS+"-"+runtime.GOARCH+"-") {
			if b, err := compiled.ReadFile("compiled/" + n.Name()); err == nil {
				return parse(b)
			}
		}
	}
	return nil
}

// parse reads what Pack writes: a line of SHA-256 and name, then the entry
// compressed. It gives nil for anything else.
func parse(b []byte) *packed {
	line, rest, ok := bytes.Cut(b, []byte("\n"))
	sum, name, two := strings.Cut(string(line), "  ")
	if !ok || !two || len(sum) != 2*sha256.Size || !filepath.IsLocal(name) {
		return nil
	}
	return &packed{name: name, sum: sum, zstd: rest}
}

// unpack writes the entry into the compilation cache dir, or leaves dir without it
// and says why. It does not wait for the disk: a file that a power cut left
// incomplete has another SHA-256, and is unpacked anew.
func (p *packed) unpack(dir string) error {
	d, err := zstd.NewReader(bytes.NewReader(p.zstd), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return fmt.Errorf("unpack pdf engine: %w", err)
	}
	defer d.Close()
	h := sha256.New()
	return replace(filepath.Join(dir, p.name), func(w io.Writer) error {
		if _, err := io.Copy(io.MultiWriter(w, h), d); err != nil {
			return fmt.Errorf("unpack pdf engine: %w", err)
		}
		if hex.EncodeToString(h.Sum(nil)) != p.sum {
			return errors.New("unpack pdf engine: its machine code is damaged")
		}
		return nil
	})
}

// Pack compiles PDFium for this machine's platform and processor, and writes the
// machine code to w as the program embeds it. The build calls it.
func Pack(w io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "recto-pdfium-*")
	if err != nil {
		return fmt.Errorf("compile pdf engine: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	e := New(Config{CacheDir: dir})
	e.packed = nil // compile, whatever this program carries
	if err := errors.Join(e.Start(), e.Close()); err != nil {
		return err
	}
	paths := entries(dir)
	if len(paths) != 1 {
		return fmt.Errorf("compile pdf engine: left %d entries: is there a compiler for %s on %s?", len(paths), runtime.GOARCH, runtime.GOOS)
	}
	raw, err := os.ReadFile(filepath.Join(dir, paths[0]))
	if err != nil {
		return fmt.Errorf("read machine code: %w", err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return fmt.Errorf("start compression: %w", err)
	}
	sum := sha256.Sum256(raw)
	if _, err := fmt.Fprintf(w, "%x  %s\n%s", sum, paths[0], enc.EncodeAll(raw, nil)); err != nil {
		return fmt.Errorf("write machine code: %w", err)
	}
	return nil
}
