package ocr

import "image"

// Blank says, quickly, whether nothing is printed on img: a white or evenly
// coloured sheet with at most a few specks of dust. It is careful: a page with
// shadows, punch holes or show-through is not called blank, and Read then finds
// no words on it.
func Blank(img image.Image) bool {
	if img == nil || img.Bounds().Empty() {
		return true
	}
	const (
		side   = 1000 // pixels of the longer side looked at
		cell   = 32   // the paper's brightness is taken for squares of this size
		darker = 40   // grey levels below the paper that count as ink
		specks = 12   // pixels of ink that dust may make
	)
	b := img.Bounds()
	p := shrink(img, b, max(1, max(b.Dx(), b.Dy())/side))
	ink := 0
	for top := 0; top < p.h; top += cell {
		for left := 0; left < p.w; left += cell {
			ink += p.darker(left, top, min(p.w, left+cell), min(p.h, top+cell), darker)
			if ink > specks {
				return false
			}
		}
	}
	return true
}

// darker counts the pixels of a square that are darker than its brightest
// common grey by more than by levels.
func (p patch) darker(x0, y0, x1, y1, by int) int {
	var hist [256]int
	n := 0
	for y := y0; y < y1; y++ {
		for i := (y*p.w + x0) * 3; i < (y*p.w+x1)*3; i += 3 {
			hist[(int(p.pix[i])*3+int(p.pix[i+1])*6+int(p.pix[i+2]))/10]++
			n++
		}
	}
	paper := 255
	for seen := hist[255]; seen < n/10 && paper > 0; {
		paper--
		seen += hist[paper]
	}
	count := 0
	for _, k := range hist[:max(0, paper-by)] {
		count += k
	}
	return count
}
