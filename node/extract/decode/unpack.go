package decode

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Part is a file inside an archive or e-mail that Recto can read.
type Part struct {
	Name string // folders and all, with slashes; a label, never a path to write to
	Size int64  // bytes; 0 when it is not known before it is opened
	Kind Kind
	Type string // document type that the container asks for; empty: that of the container
	// Reading is what was read of its pages already; nil: nothing.
	Reading *doc.Reading
	open    func() (io.ReadCloser, error)
}

// Open reads the part, as long as the container's Input.R can be read. It never
// gives more than Size bytes.
func (p Part) Open() (io.ReadCloser, error) { return p.open() }

// unpacker collects the parts of a container and of containers in it.
type unpacker struct {
	ctx      context.Context
	limits   Limits
	left     int64 // bytes that may still be unpacked
	files    int   // seen so far, skipped ones too
	parts    []Part
	warnings []string
}

func unpack(ctx context.Context, in Input, kind Kind, limits Limits) ([]Part, []string, error) {
	u := &unpacker{ctx: ctx, limits: limits, left: limits.MaxUnpacked}
	var err error
	if kind == KindMail {
		err = u.mail(io.NewSectionReader(in.R, 0, in.Size), "", 1)
	} else {
		err = u.archive(in.R, in.Size, "", 1)
	}
	if err != nil {
		return nil, nil, err
	}
	if len(u.parts) == 0 {
		return nil, nil, doc.Unreadable(doc.DetailNoPages, "there is no file in it that Recto reads", nil)
	}
	return u.parts, u.warnings, nil
}

func (u *unpacker) warn(format string, args ...any) {
	if len(u.warnings) < 100 {
		u.warnings = append(u.warnings, fmt.Sprintf(format, args...))
	}
}

// take counts a file of n bytes against the limits.
func (u *unpacker) take(n int64) error {
	if err := u.ctx.Err(); err != nil {
		return err
	}
	if u.files++; u.files > u.limits.MaxParts {
		return &doc.Error{Code: doc.TooLarge, Message: fmt.Sprintf("it holds more than %d files; split it, or raise the limit", u.limits.MaxParts)}
	}
	if u.left -= n; u.left < 0 || n < 0 {
		return &doc.Error{Code: doc.TooLarge, Message: fmt.Sprintf("unpacked it would be larger than %d MB; split it, or raise the limit", u.limits.MaxUnpacked>>20)}
	}
	return nil
}

// archive collects the files of a ZIP. Declared sizes are counted first, and a
// file that unpacks to more than it declares ends there.
func (u *unpacker) archive(r io.ReaderAt, size int64, folder string, depth int) error {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return doc.Unreadable(doc.DetailDamaged, "the ZIP file is damaged and cannot be opened; make it again", err)
	}
	for _, f := range z.File {
		if f.Name == "[Content_Types].xml" {
			return unsupported("this is an Office document")
		}
	}
	for _, f := range z.File {
		name := clean(f.Name)
		if f.FileInfo().IsDir() || strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(path.Base(name), ".") {
			continue
		}
		if err := u.take(int64(f.UncompressedSize64)); err != nil {
			return err
		}
		name = folder + name
		if f.Flags&1 != 0 {
			u.warn("%s is encrypted and was left out", name)
			continue
		}
		if !f.Mode().IsRegular() || f.UncompressedSize64 == 0 {
			continue
		}
		if err := u.file(f, name, depth); err != nil {
			return err
		}
	}
	return nil
}

// file looks into one file of a ZIP.
func (u *unpacker) file(f *zip.File, name string, depth int) error {
	open := func() (io.ReadCloser, error) {
		rc, err := f.Open()
		if err != nil {
			return nil, damaged(err)
		}
		return limited{io.LimitReader(rc, int64(f.UncompressedSize64)), rc}, nil
	}
	rc, err := open()
	if err != nil {
		u.warn("%s is damaged and was left out", name)
		return nil
	}
	defer rc.Close()
	r := within{u.ctx, rc}
	head := make([]byte, min(f.UncompressedSize64, 4096))
	n, err := io.ReadFull(r, head)
	if err != nil {
		u.warn("%s is damaged and was left out", name)
		return nil
	}
	kind := kindOf(head[:n])
	switch kind {
	case "":
		u.warn("%s was left out: %s", name, describe(head))
		return nil
	case KindArchive, KindMail:
		body, err := io.ReadAll(r)
		if err != nil {
			u.warn("%s is damaged and was left out", name)
			return nil
		}
		return u.nested(append(head, body...), kind, name, depth)
	}
	u.parts = append(u.parts, Part{Name: name, Size: int64(f.UncompressedSize64), Kind: kind, open: open})
	return nil
}

// nested opens a container found in another one. A broken one is left out; one
// that breaks a limit ends it all.
func (u *unpacker) nested(b []byte, kind Kind, name string, depth int) error {
	if depth >= u.limits.MaxDepth {
		return doc.Unreadable(doc.DetailDepth,
			fmt.Sprintf("archives are nested more than %d deep (%s)", u.limits.MaxDepth, name), nil)
	}
	var err error
	if kind == KindMail {
		err = u.mail(bytes.NewReader(b), name+"/", depth+1)
	} else {
		err = u.archive(bytes.NewReader(b), int64(len(b)), name+"/", depth+1)
	}
	if d := doc.DetailOf(err); d == doc.DetailDamaged || d == doc.DetailUnsupported {
		u.warn("%s was left out: %v", name, err)
		return nil
	}
	return err
}

// limited reads no more than declared and closes what is below.
type limited struct {
	io.Reader
	io.Closer
}

// clean makes a label of a name: slashes, no way up, no control characters.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(name, `\`, "/"), "_"))
	if name = strings.TrimPrefix(path.Clean("/"+name), "/"); name == "" {
		return "unnamed"
	}
	return name
}
