package split

import (
	"image"
	"image/color"
	"math"

	"github.com/recto-edge/recto/node/doc"
)

// A patch code is four bars across the sheet, two narrow ones of 0.08 inch and
// two wide ones of 0.20 inch, with 0.08 inch between them: 0.80 inch in all, at
// least 0.75 inch long. In modules of 0.08 inch:
const (
	patchModules = 10  // all bars and spaces together
	leastLength  = 7.0 // modules that bars are long at least
	quietModules = 2   // of white before and behind the bars
	inkSpread    = 0.6 // modules by which printing and scanning may move an edge
)

// Shares of the longer side of a sheet that the bars take together: 0.80 inch of
// A3 to 0.80 inch of a slip. Bar codes and rules are smaller.
const (
	leastShare = 0.04
	mostShare  = 0.20
)

// patchNames maps the widths of the bars, from the edge of the sheet inwards, to
// the code's name.
var patchNames = map[string]string{
	"WWNN": "1", "WNNW": "2", "WNWN": "3", "NWWN": "4", "NNWW": "6", "NWNW": "T",
}

// PatchFormat is what the format of a patch code's symbol begins with; its text is
// the name: 1, 2, 3, 4, 6 or T.
const PatchFormat = "patch_"

// Patches finds the patch codes on a page's picture, along any edge. A sheet fed
// upside down shows a T for a 3 and the other way round unless the code stands
// nearer to its own edge, which a sheet that follows the rules makes sure of.
func Patches(img image.Image) []doc.Symbol {
	gray, scale := small(img)
	if gray == nil {
		return nil
	}
	w, h := gray.Rect.Dx(), gray.Rect.Dy()
	dark := threshold(gray)
	var out []doc.Symbol
	for _, sideways := range []bool{false, true} {
		at := func(across, along int) bool { return gray.Pix[along*gray.Stride+across] < dark }
		across, along := w, h
		if sideways {
			at = func(across, along int) bool { return gray.Pix[across*gray.Stride+along] < dark }
			across, along = h, w
		}
		for _, p := range patchesAlong(across, along, at) {
			box := doc.Box{p.from, p.top, p.to, p.bottom}
			if sideways {
				box = doc.Box{p.top, p.from, p.bottom, p.to}
			}
			for i := range box {
				box[i] *= scale
			}
			out = append(out, doc.Symbol{Format: PatchFormat + lower(p.name), Text: p.name, Box: box})
		}
	}
	return out
}

func lower(name string) string {
	if name == "T" {
		return "t"
	}
	return name
}

// small gives a grey copy of img of at most about 1500 pixels a side, and by what
// its coordinates are to be multiplied; nil for a picture too small to hold a code.
func small(img image.Image) (*image.Gray, int) {
	b := img.Bounds()
	if b.Dx() < 100 || b.Dy() < 100 {
		return nil, 0
	}
	scale := max(1, (max(b.Dx(), b.Dy())+750)/1500)
	out := image.NewGray(image.Rect(0, 0, b.Dx()/scale, b.Dy()/scale))
	luma := func(x, y int) int { return int(color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y) }
	switch m := img.(type) {
	case *image.Gray:
		luma = func(x, y int) int { return int(m.Pix[m.PixOffset(x, y)]) }
	case *image.YCbCr:
		luma = func(x, y int) int { return int(m.Y[m.YOffset(x, y)]) }
	case *image.RGBA:
		luma = func(x, y int) int {
			p := m.Pix[m.PixOffset(x, y):]
			return (299*int(p[0]) + 587*int(p[1]) + 114*int(p[2])) / 1000
		}
	}
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			sum := 0
			for dy := range scale {
				for dx := range scale {
					sum += luma(b.Min.X+x*scale+dx, b.Min.Y+y*scale+dy)
				}
			}
			out.Pix[y*out.Stride+x] = uint8(sum / (scale * scale))
		}
	}
	return out, scale
}

// threshold gives the grey that parts ink from paper best (Otsu's method).
func threshold(img *image.Gray) uint8 {
	var count [256]float64
	total, sum := 0.0, 0.0
	for _, v := range img.Pix {
		count[v]++
		total++
		sum += float64(v)
	}
	best, most, below, sumBelow := 128, -1.0, 0.0, 0.0
	for v := range 256 {
		below += count[v]
		sumBelow += float64(v) * count[v]
		if below == 0 || below == total {
			continue
		}
		d := sumBelow/below - (sum-sumBelow)/(total-below)
		if between := below * (total - below) * d * d; between > most {
			best, most = v+1, between
		}
	}
	return uint8(min(best, 255))
}

// patch is a code found: its place along and across the lines that cross its bars.
type patch struct {
	name                  string
	from, to, top, bottom int
}

// run is a stretch of one colour on a line.
type run struct {
	dark     bool
	from, to int
}

// hit is a code as one line crosses it.
type hit struct {
	bars     string // W and N, from small to large coordinates
	from, to int
}

// chain is hits on neighbouring lines.
type chain struct {
	first, last  int // lines
	hits         map[string]int
	n            int
	top, bottom  int // extremes
	center, size float64
}

// patchesAlong looks at every second of lines, each long pixels long.
func patchesAlong(lines, long int, dark func(line, at int) bool) []patch {
	const step = 2
	var open []*chain
	var out []patch
	for line := 0; line < lines; line += step {
		for _, h := range hitsOn(runsOf(long, func(at int) bool { return dark(line, at) }), max(lines, long)) {
			center, size := float64(h.from+h.to)/2, float64(h.to-h.from)
			var own *chain
			for _, c := range open {
				if math.Abs(c.center-center) < c.size/patchModules && size > 0.8*c.size && size < 1.25*c.size {
					own = c
				}
			}
			if own == nil {
				own = &chain{first: line, hits: map[string]int{}, top: h.from, bottom: h.to}
				open = append(open, own)
			}
			own.last, own.center, own.size = line, center, size
			own.hits[h.bars]++
			own.n++
			own.top, own.bottom = min(own.top, h.from), max(own.bottom, h.to)
		}
		kept := open[:0]
		for _, c := range open {
			if float64(line-c.last) <= c.size/patchModules { // a speck may hide a bar from a line or two
				kept = append(kept, c)
			} else if p, ok := c.patch(step, long); ok {
				out = append(out, p)
			}
		}
		open = kept
	}
	for _, c := range open {
		if p, ok := c.patch(step, long); ok {
			out = append(out, p)
		}
	}
	return out
}

// patch says whether the lines of a chain make a code: enough of them, nearly all
// of one mind.
func (c *chain) patch(step, long int) (patch, bool) {
	width := c.last - c.first + step
	if float64(width) < leastLength*c.size/patchModules || 10*c.n < 6*width/step {
		return patch{}, false
	}
	bars, most := "", 0
	for b, n := range c.hits {
		if n > most {
			bars, most = b, n
		}
	}
	if 10*most < 8*c.n {
		return patch{}, false
	}
	if c.center > float64(long)/2 { // read from the nearer edge
		turned := []byte(bars)
		for i := range turned {
			turned[i] = bars[len(bars)-1-i]
		}
		bars = string(turned)
	}
	return patch{patchNames[bars], c.first, c.last + step, c.top, c.bottom}, true
}

// runsOf gives the stretches of a line; a single pixel of another colour is noise.
func runsOf(long int, dark func(at int) bool) []run {
	var out []run
	for at := range long {
		d := dark(at)
		n := len(out)
		switch {
		case n > 0 && out[n-1].dark == d:
			out[n-1].to = at + 1
		case n > 1 && out[n-1].to-out[n-1].from == 1 && out[n-2].dark == d:
			out[n-2].to = at + 1
			out = out[:n-1]
		default:
			out = append(out, run{d, at, at + 1})
		}
	}
	return out
}

// hitsOn finds the codes that a line crosses, on a sheet whose longer side is given.
func hitsOn(runs []run, longer int) []hit {
	var out []hit
	for i := 0; i+7 <= len(runs); i++ {
		if !runs[i].dark {
			continue
		}
		total := runs[i+6].to - runs[i].from
		module := float64(total) / patchModules
		if share := float64(total) / float64(longer); module < 2.5 || share < leastShare || share > mostShare {
			continue
		}
		if i > 0 && quiet(runs[i-1]) < quietModules*module || i+7 < len(runs) && quiet(runs[i+7]) < quietModules*module {
			continue
		}
		if bars, ok := barsOf(runs[i:i+7], module); ok {
			out = append(out, hit{bars, runs[i].from, runs[i+6].to})
		}
	}
	return out
}

func quiet(r run) float64 { return float64(r.to - r.from) }

// barsOf reads seven stretches as four bars and three spaces. Ink that spreads
// makes all bars wider and all spaces narrower by as much.
func barsOf(runs []run, module float64) (string, bool) {
	spread := 1.0
	for i := 1; i < 7; i += 2 {
		spread -= quiet(runs[i]) / module / 3
	}
	if math.Abs(spread) > inkSpread {
		return "", false
	}
	bars, wide := make([]byte, 0, 4), 0
	for i, r := range runs {
		v := quiet(r) / module
		if i%2 == 1 {
			if math.Abs(v-1+spread) > 0.3 {
				return "", false
			}
			continue
		}
		switch v -= spread; {
		case v > 0.5 && v < 1.5:
			bars = append(bars, 'N')
		case v > 2 && v < 3:
			bars, wide = append(bars, 'W'), wide+1
		default:
			return "", false
		}
	}
	return string(bars), wide == 2
}
