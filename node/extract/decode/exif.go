package decode

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
)

// aboutJPEG reads size, resolution and orientation from a JPEG's markers.
func aboutJPEG(r io.Reader) about {
	a := about{orientation: 1}
	b := bufio.NewReader(r)
	if _, err := b.Discard(2); err != nil {
		return a
	}
	for range 1000 { // markers before the first scan
		marker, body, err := segment(b)
		if err != nil || marker == 0xda || marker == 0xd9 {
			return a
		}
		switch {
		case marker == 0xe0 && len(body) >= 12 && string(body[:5]) == "JFIF\x00":
			if a.dpi == 0 {
				a.dpi = density(float64(binary.BigEndian.Uint16(body[8:])), map[byte]float64{1: 1, 2: 2.54}[body[7]])
			}
		case marker == 0xe1 && len(body) > 6 && string(body[:6]) == "Exif\x00\x00":
			exif(body[6:], &a)
		case marker == 0xee && len(body) >= 5 && string(body[:5]) == "Adobe":
			a.adobe = true
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc && len(body) >= 6:
			a.height = int(binary.BigEndian.Uint16(body[1:]))
			a.width = int(binary.BigEndian.Uint16(body[3:]))
			a.components = int(body[5])
		}
	}
	return a
}

// segment reads the next marker and its body.
func segment(b *bufio.Reader) (marker byte, body []byte, err error) {
	for marker == 0 || marker == 0xff {
		if marker, err = b.ReadByte(); err != nil {
			return 0, nil, err
		}
	}
	if marker >= 0xd0 && marker <= 0xd9 || marker == 0x01 {
		return marker, nil, nil
	}
	var n [2]byte
	if _, err = io.ReadFull(b, n[:]); err != nil {
		return 0, nil, err
	}
	body = make([]byte, max(int(binary.BigEndian.Uint16(n[:]))-2, 0))
	_, err = io.ReadFull(b, body)
	return marker, body, err
}

// exif reads orientation and resolution from a TIFF structure.
func exif(b []byte, a *about) {
	t, err := readTIFF(bytesAt(b), int64(len(b)))
	if err != nil {
		return
	}
	dir, _, err := t.dir(t.first)
	if err != nil {
		return
	}
	if o := dir.uint(tagOrientation); o >= 1 && o <= 8 {
		a.orientation = int(o)
	}
	if x, _ := dir.dpi(); x > 0 {
		a.dpi = x
	}
}

// bytesAt is an io.ReaderAt over bytes.
type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// aboutPNG reads the pHYs chunk, which stands before the pixels.
func aboutPNG(r io.ReaderAt) about {
	a := about{orientation: 1}
	off := int64(8)
	for range 100 {
		var h [17]byte
		n, _ := r.ReadAt(h[:], off)
		if n < 8 {
			return a
		}
		size := int64(binary.BigEndian.Uint32(h[:]))
		switch kind := string(h[4:8]); {
		case kind == "IDAT":
			return a
		case kind == "pHYs" && size == 9 && n == 17:
			var unit [1]byte
			if _, err := r.ReadAt(unit[:], off+16); err == nil && unit[0] == 1 {
				a.dpi = density(float64(binary.BigEndian.Uint32(h[8:])), 0.0254)
			}
		}
		off += size + 12
	}
	return a
}

// aboutJP2 finds the image header box, or the size marker of a bare codestream.
func aboutJP2(r io.ReaderAt) about {
	a := about{orientation: 1}
	head := make([]byte, 4096)
	n, _ := r.ReadAt(head, 0)
	head = head[:n]
	for i := 0; i+18 <= len(head); i++ {
		switch {
		case string(head[i:i+4]) == "ihdr":
			a.height = int(binary.BigEndian.Uint32(head[i+4:]))
			a.width = int(binary.BigEndian.Uint32(head[i+8:]))
			a.components = int(binary.BigEndian.Uint16(head[i+12:]))
			return a
		case i == 2 && string(head[:4]) == "\xff\x4f\xff\x51":
			a.width = int(binary.BigEndian.Uint32(head[8:])) - int(binary.BigEndian.Uint32(head[16:]))
			if len(head) >= 24 {
				a.height = int(binary.BigEndian.Uint32(head[12:])) - int(binary.BigEndian.Uint32(head[20:]))
			}
			a.components = 3
			return a
		}
	}
	return a
}

// density gives dots per inch, or 0 for what no scanner or camera means: 72 and
// 96 are what programs write when they do not know.
func density(v, perInch float64) float64 {
	dpi := math.Round(v * perInch)
	if dpi < 50 || dpi > 4800 || dpi == 72 || dpi == 96 {
		return 0
	}
	return dpi
}
