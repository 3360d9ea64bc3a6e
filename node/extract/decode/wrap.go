package decode

import (
	"fmt"
	"io"
	"sort"
	"strings"
)

// wrap makes a one-page PDF around an image file, without copying it: the page
// is as many points large as the image has pixels.
func wrap(in Input, kind Kind, a about) (io.ReaderAt, int64) {
	dict := "/Filter /JPXDecode"
	if kind == KindJPEG {
		space, invert := "/DeviceRGB", ""
		switch a.components {
		case 1:
			space = "/DeviceGray"
		case 4:
			space = "/DeviceCMYK"
			if a.adobe {
				invert = " /Decode [1 0 1 0 1 0 1 0]"
			}
		}
		dict = "/Filter /DCTDecode /BitsPerComponent 8 /ColorSpace " + space + invert
	}
	var b strings.Builder
	var at []int64
	object := func(format string, args ...any) {
		at = append(at, int64(b.Len()))
		fmt.Fprintf(&b, "%d 0 obj\n", len(at))
		fmt.Fprintf(&b, format, args...)
	}
	b.WriteString("%PDF-1.7\n")
	object("<</Type /Catalog /Pages 2 0 R>>\nendobj\n")
	object("<</Type /Pages /Kids [3 0 R] /Count 1>>\nendobj\n")
	object("<</Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources <</XObject <</I 5 0 R>>>>>>\nendobj\n", a.width, a.height)
	paint := fmt.Sprintf("%d 0 0 %d 0 0 cm /I Do", a.width, a.height)
	object("<</Length %d>>\nstream\n%s\nendstream\nendobj\n", len(paint), paint)
	object("<</Type /XObject /Subtype /Image /Width %d /Height %d %s /Length %d>>\nstream\n", a.width, a.height, dict, in.Size)
	head := b.String()

	var tail strings.Builder
	tail.WriteString("\nendstream\nendobj\n")
	xref := int64(len(head)) + in.Size + int64(tail.Len())
	fmt.Fprintf(&tail, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, off := range at {
		fmt.Fprintf(&tail, "%010d 00000 n \n", off)
	}
	fmt.Fprintf(&tail, "trailer\n<</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
	return join(
		io.NewSectionReader(strings.NewReader(head), 0, int64(len(head))),
		io.NewSectionReader(in.R, 0, in.Size),
		io.NewSectionReader(strings.NewReader(tail.String()), 0, int64(tail.Len())),
	)
}

// joined reads several sections as one.
type joined struct {
	parts []*io.SectionReader
	ends  []int64
}

func join(parts ...*io.SectionReader) (io.ReaderAt, int64) {
	j := &joined{parts: parts}
	var end int64
	for _, p := range parts {
		end += p.Size()
		j.ends = append(j.ends, end)
	}
	return j, end
}

// ReadAt implements io.ReaderAt.
func (j *joined) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, io.EOF
	}
	i := sort.Search(len(j.ends), func(i int) bool { return j.ends[i] > off })
	for ; i < len(j.parts) && n < len(p); i++ {
		start := j.ends[i] - j.parts[i].Size()
		want := min(int64(len(p)-n), j.ends[i]-off)
		got, err := j.parts[i].ReadAt(p[n:n+int(want)], off-start)
		n, off = n+got, off+int64(got)
		if int64(got) < want {
			return n, err
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
