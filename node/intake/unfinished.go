package intake

import (
	"bytes"
	"encoding/binary"
	"io"
	"regexp"
	"strconv"
)

// unfinished says why the file cannot be whole yet, or gives "". It knows where
// the common formats end and says nothing of others, nor whether the content is
// any good: a damaged file with an end is accepted and fails when it is read.
func unfinished(r io.ReaderAt, size int64) string {
	head := make([]byte, min(size, 1024))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return "it cannot be read: " + err.Error()
	}
	has := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	ok, what := true, ""
	switch {
	case bytes.Contains(head, []byte("%PDF-")):
		ok, what = wholePDF(r, size, head), "the end of the PDF is missing"
	case has("\xff\xd8\xff"):
		ok, what = wholeJPEG(r, size), "the end of the JPEG picture is missing"
	case has("\x89PNG\r\n\x1a\n"):
		ok, what = wholePNG(r, size), "the end of the PNG picture is missing"
	case has("II*\x00"):
		ok, what = wholeTIFF(r, size, binary.LittleEndian), "pages of the TIFF picture are missing"
	case has("MM\x00*"):
		ok, what = wholeTIFF(r, size, binary.BigEndian), "pages of the TIFF picture are missing"
	case has("RIFF") && len(head) >= 12 && string(head[8:12]) == "WEBP":
		ok, what = int64(binary.LittleEndian.Uint32(head[4:]))+8 <= size, "the end of the WebP picture is missing"
	case has("PK\x03\x04"):
		ok, what = wholeZIP(tail(r, size, 22+65535), size), "the directory at the end of the ZIP file is missing"
	case has("<?xml") || has("\xef\xbb\xbf<?xml"):
		ok, what = wholeXML(head, tail(r, size, 1024), size), "the last tag of the XML file is missing"
	}
	if ok {
		return ""
	}
	return what
}

// maxParts bounds the parts of a file that are looked at, each a read.
const maxParts = 1 << 20

func tail(r io.ReaderAt, size, n int64) []byte {
	n = min(n, size)
	b := make([]byte, n)
	got, _ := r.ReadAt(b, size-n) // what cannot be read is not there
	return b[:got]
}

// wholeZIP wants the end record, nothing behind it but its comment, and the
// directory where it says: an archive within the archive has an end record too.
func wholeZIP(end []byte, size int64) bool {
	for i := len(end) - 22; i >= 0; i-- {
		rec := end[i:]
		if string(rec[:4]) != "PK\x05\x06" || 22+int(binary.LittleEndian.Uint16(rec[20:])) != len(rec) {
			continue
		}
		length, at := binary.LittleEndian.Uint32(rec[12:]), binary.LittleEndian.Uint32(rec[16:])
		zip64 := length == 1<<32-1 || at == 1<<32-1
		if zip64 || int64(at)+int64(length) == size-int64(len(rec)) {
			return true
		}
	}
	return false
}

var linearizedLength = regexp.MustCompile(`/Linearized.*?/L\s+(\d+)`)

// wholePDF wants the end mark near the end. A linearised file has one near its
// beginning too, but says how long it is.
func wholePDF(r io.ReaderAt, size int64, head []byte) bool {
	if m := linearizedLength.FindSubmatch(bytes.ReplaceAll(head, []byte("\n"), []byte(" "))); m != nil {
		if n, err := strconv.ParseInt(string(m[1]), 10, 64); err == nil && n > size {
			return false
		}
	}
	end := tail(r, size, 2048)
	i := bytes.LastIndex(end, []byte("%%EOF"))
	return i >= 0 && bytes.Contains(end[:i], []byte("startxref"))
}

// wholeJPEG goes from marker to marker, so that the end mark of a thumbnail does
// not count.
func wholeJPEG(r io.ReaderAt, size int64) bool {
	var m [4]byte
	for at, markers := int64(2), 0; at+2 <= size; markers++ {
		if markers > maxParts {
			return true // nobody writes that: reading will say
		}
		if _, err := r.ReadAt(m[:min(4, size-at)], at); err != nil && err != io.EOF {
			return false
		}
		switch {
		case m[0] != 0xff:
			return true // not a JPEG as we know it: reading will say
		case m[1] == 0xff: // padding
			at++
		case m[1] == 0xd9:
			return true
		case m[1] == 0x01 || m[1] >= 0xd0 && m[1] <= 0xd7:
			at += 2
		default:
			at += 2 + int64(binary.BigEndian.Uint16(m[2:]))
			if m[1] == 0xda {
				at = afterScan(r, at, size)
			}
		}
	}
	return false
}

// afterScan gives where the picture data that starts at at ends: the next marker
// that is not part of the data, or size.
func afterScan(r io.ReaderAt, at, size int64) int64 {
	buf := make([]byte, 64<<10)
	for at < size {
		n, _ := r.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if n < 2 {
			return size
		}
		for i := 0; i < n-1; i++ {
			if buf[i] == 0xff && buf[i+1] != 0 && buf[i+1] != 0xff && (buf[i+1] < 0xd0 || buf[i+1] > 0xd7) {
				return at + int64(i)
			}
		}
		at += int64(n - 1)
		if int64(n-1) == 0 || at+1 >= size {
			return size
		}
	}
	return size
}

func wholePNG(r io.ReaderAt, size int64) bool {
	var h [8]byte
	for at, chunks := int64(8), 0; at+12 <= size; chunks++ {
		if chunks > maxParts {
			return true
		}
		if _, err := r.ReadAt(h[:], at); err != nil {
			return false
		}
		if string(h[4:]) == "IEND" {
			return true
		}
		at += 12 + int64(binary.BigEndian.Uint32(h[:]))
	}
	return false
}

// wholeTIFF goes through the directories, one a page, and wants the strips or
// tiles of each within the file.
func wholeTIFF(r io.ReaderAt, size int64, order binary.ByteOrder) bool {
	b4 := make([]byte, 4)
	if _, err := r.ReadAt(b4, 4); err != nil {
		return false
	}
	at := int64(order.Uint32(b4))
	if at == 0 {
		return false
	}
	for read := int64(0); at != 0 && read <= size; { // directories that run in circles end there
		n := make([]byte, 2)
		if _, err := r.ReadAt(n, at); err != nil {
			return false
		}
		dir := make([]byte, int(order.Uint16(n))*12+4)
		read += int64(len(dir))
		if _, err := r.ReadAt(dir, at+2); err != nil {
			return false
		}
		var offsets, counts []uint32
		for e := dir; len(e) >= 12; e = e[12:] {
			values, ok := tiffValues(r, size, order, e)
			if !ok {
				return false
			}
			switch order.Uint16(e) {
			case 273, 324: // where strips or tiles are
				offsets = values
			case 279, 325: // how many bytes they have
				counts = values
			}
		}
		for i := range min(len(offsets), len(counts)) {
			if int64(offsets[i])+int64(counts[i]) > size {
				return false
			}
		}
		at = int64(order.Uint32(dir[len(dir)-4:]))
	}
	return true
}

const maxStrips = 1 << 20

// tiffWidths is the bytes of one value by its type.
var tiffWidths = [...]int64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}

// tiffValues gives the numbers of a directory entry, if they are such as count or
// place something; false: its values are not all there.
func tiffValues(r io.ReaderAt, size int64, order binary.ByteOrder, e []byte) ([]uint32, bool) {
	kind, n := order.Uint16(e[2:]), int64(order.Uint32(e[4:]))
	if int(kind) >= len(tiffWidths) {
		return nil, true
	}
	length, at := n*tiffWidths[kind], int64(order.Uint32(e[8:]))
	if length > 4 && at+length > size {
		return nil, false
	}
	if kind != 3 && kind != 4 || n > maxStrips {
		return nil, true // too many to look at: reading will say
	}
	raw := e[8:12]
	if length > 4 {
		raw = make([]byte, length)
		if _, err := r.ReadAt(raw, at); err != nil && err != io.EOF {
			return nil, false
		}
	}
	out := make([]uint32, n)
	for i := range out {
		if kind == 3 {
			out[i] = uint32(order.Uint16(raw[2*i:]))
		} else {
			out[i] = order.Uint32(raw[4*i:])
		}
	}
	return out, true
}

var firstTag = regexp.MustCompile(`<([A-Za-z_][\w.:-]*)`)

func wholeXML(head, end []byte, size int64) bool {
	m := firstTag.FindSubmatch(head)
	if m == nil {
		return size > int64(len(head)) // the root is further in: reading will say
	}
	end = bytes.TrimRight(end, " \t\r\n\x00")
	i := bytes.LastIndex(end, append([]byte("</"), m[1]...))
	return i >= 0 && bytes.HasSuffix(end, []byte(">"))
}
