package decode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// TIFF tags that matter here.
const (
	tagSubfile        = 254
	tagWidth          = 256
	tagLength         = 257
	tagCompression    = 259
	tagPhotometric    = 262
	tagStripOffsets   = 273
	tagOrientation    = 274
	tagRowsPerStrip   = 278
	tagStripCounts    = 279
	tagXRes           = 282
	tagYRes           = 283
	tagResUnit        = 296
	tagTileWidth      = 322
	tagTileLength     = 323
	tagTileOffsets    = 324
	tagTileCounts     = 325
	tagJPEGTables     = 347
	tagOldJPEG        = 513
	tagOldJPEGLength  = 514
	maxTags           = 1_000
	maxValues         = 1 << 20 // of a tag
	compressionOldJPG = 6
	compressionJPEG   = 7
)

// tiffFile walks the directories of a TIFF. It reads nothing but them.
type tiffFile struct {
	r     io.ReaderAt
	size  int64
	order binary.ByteOrder
	first uint32
}

// directory is one IFD: raw entries by tag.
type directory struct {
	t       *tiffFile
	entries map[uint16]tiffEntry
}

type tiffEntry struct {
	kind  uint16
	count uint32
	value [4]byte
}

var errTIFF = errors.New("bad tiff structure")

func readTIFF(r io.ReaderAt, size int64) (*tiffFile, error) {
	var h [8]byte
	if _, err := r.ReadAt(h[:], 0); err != nil {
		return nil, fmt.Errorf("read tiff header: %w", err)
	}
	t := &tiffFile{r: r, size: size}
	switch string(h[:4]) {
	case "II*\x00":
		t.order = binary.LittleEndian
	case "MM\x00*":
		t.order = binary.BigEndian
	default:
		return nil, errTIFF
	}
	t.first = t.order.Uint32(h[4:])
	return t, nil
}

// dir reads the directory at off and where the next one is; 0 means none.
func (t *tiffFile) dir(off uint32) (directory, uint32, error) {
	d := directory{t: t, entries: map[uint16]tiffEntry{}}
	var n [2]byte
	if _, err := t.r.ReadAt(n[:], int64(off)); err != nil {
		return d, 0, fmt.Errorf("%w: directory at %d: %w", errTIFF, off, err)
	}
	count := int(t.order.Uint16(n[:]))
	if count == 0 || count > maxTags {
		return d, 0, fmt.Errorf("%w: directory with %d entries", errTIFF, count)
	}
	b := make([]byte, 12*count+4)
	got, err := t.r.ReadAt(b, int64(off)+2)
	if got < 12*count {
		return d, 0, fmt.Errorf("%w: directory at %d: %w", errTIFF, off, err)
	}
	for i := range count {
		e := b[12*i:]
		tag := t.order.Uint16(e)
		d.entries[tag] = tiffEntry{t.order.Uint16(e[2:]), t.order.Uint32(e[4:]), [4]byte(e[8:12])}
	}
	return d, t.order.Uint32(b[12*count:]), nil
}

// pages gives the offsets of the directories that are pages. Reduced copies of
// another page are left out. A loop or a broken link ends the walk.
func (t *tiffFile) pages(limit int) (offsets []uint32, warning string) {
	seen := map[uint32]bool{}
	var small []uint32
	for off := t.first; off != 0; {
		if seen[off] {
			return offsets, "the list of pages runs in a circle; it was cut there"
		}
		seen[off] = true
		d, next, err := t.dir(off)
		if err != nil {
			return offsets, "the list of pages is damaged; pages may be missing at the end"
		}
		if d.uint(tagSubfile)&1 == 1 {
			small = append(small, off)
		} else {
			offsets = append(offsets, off)
		}
		if len(seen) > 2*limit || len(offsets) > limit {
			return offsets, ""
		}
		off = next
	}
	if len(offsets) == 0 {
		offsets = small
	}
	return offsets, ""
}

// uint gives the first value of a tag, or 0.
func (d directory) uint(tag uint16) uint32 {
	v := d.uints(tag)
	if len(v) == 0 {
		return 0
	}
	return v[0]
}

// uints gives the values of a BYTE, SHORT or LONG tag.
func (d directory) uints(tag uint16) []uint32 {
	b, width := d.bytes(tag)
	var out []uint32
	for ; len(b) >= width && width > 0; b = b[width:] {
		switch width {
		case 1:
			out = append(out, uint32(b[0]))
		case 2:
			out = append(out, uint32(d.t.order.Uint16(b)))
		case 4:
			out = append(out, d.t.order.Uint32(b))
		default:
			return nil
		}
	}
	return out
}

// bytes gives the raw values of a tag and how wide each is.
func (d directory) bytes(tag uint16) ([]byte, int) {
	e, ok := d.entries[tag]
	if !ok {
		return nil, 0
	}
	width := map[uint16]int{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8}[e.kind]
	if width == 0 || e.count == 0 || e.count > maxValues {
		return nil, 0
	}
	n := width * int(e.count)
	if n <= 4 {
		return e.value[:n], width
	}
	off := int64(d.t.order.Uint32(e.value[:]))
	if off+int64(n) > d.t.size {
		return nil, 0
	}
	b := make([]byte, n)
	if _, err := d.t.r.ReadAt(b, off); err != nil {
		return nil, 0
	}
	return b, width
}

// dpi gives the resolution across and down, or zeros.
func (d directory) dpi() (x, y float64) {
	unit := map[uint32]float64{0: 1, 2: 1, 3: 2.54}[d.uint(tagResUnit)]
	one := func(tag uint16) float64 {
		b, width := d.bytes(tag)
		if width != 8 || len(b) < 8 {
			return 0
		}
		num, den := d.t.order.Uint32(b), d.t.order.Uint32(b[4:])
		if den == 0 {
			return 0
		}
		return density(float64(num)/float64(den), unit)
	}
	x, y = one(tagXRes), one(tagYRes)
	if x == 0 || y == 0 {
		x = math.Max(x, y)
		y = x
	}
	return x, y
}
