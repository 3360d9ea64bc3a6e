package doc

// Box is a rectangle on a page: x0, y0, x1, y1 in pixels of the upright page
// image at Page.DPI, origin top left, x1 and y1 exclusive.
type Box [4]int

// Empty says whether b covers nothing.
func (b Box) Empty() bool { return b[2] <= b[0] || b[3] <= b[1] }

// Union gives the smallest box around b and o; an empty box adds nothing.
func (b Box) Union(o Box) Box {
	if b.Empty() {
		return o
	}
	if o.Empty() {
		return b
	}
	return Box{min(b[0], o[0]), min(b[1], o[1]), max(b[2], o[2]), max(b[3], o[3])}
}

// W is the width in pixels.
func (b Box) W() int { return b[2] - b[0] }

// H is the height in pixels.
func (b Box) H() int { return b[3] - b[1] }

// Source is the rung of the ladder a word or a value was read from.
type Source string

// The sources.
const (
	FromXML      Source = "xml"
	FromForm     Source = "form"
	FromBarcode  Source = "barcode"
	FromMRZ      Source = "mrz"
	FromText     Source = "text"
	FromOCR      Source = "ocr"
	FromLLMLocal Source = "llm-local"
	FromLLMCloud Source = "llm-cloud"
	FromPerson   Source = "person"
)

// Word is one printed word and where it stands.
type Word struct {
	Text       string  `json:"text"`
	Box        Box     `json:"box"`
	Confidence float64 `json:"confidence"` // 0..1, the reader's own, not calibrated
	Line       int     `json:"line"`       // index of its text line on the page, top to bottom
}

// Symbol is a barcode or QR code found on a page.
type Symbol struct {
	Format string `json:"format"` // as in ZXing, lower case: qr_code, code_128, ean_13 …
	Text   string `json:"text"`
	Box    Box    `json:"box"`
}

// Page is one page as read: its size, how it was turned, and its words.
type Page struct {
	Number   int      `json:"number"` // 1 for the first
	Width    int      `json:"width"`  // pixels of the upright image
	Height   int      `json:"height"`
	DPI      float64  `json:"dpi"`              // pixels per inch of the upright image; 0 when the file does not say
	Rotation int      `json:"rotation"`         // degrees clockwise that were applied to make it upright: 0, 90, 180, 270
	Turned   int      `json:"turned,omitempty"` // of Rotation, what reading the words added to what the file says
	Blank    bool     `json:"blank,omitempty"`
	Source   Source   `json:"source"` // text or ocr: what the words were read from
	Words    []Word   `json:"words"`
	Zone     []Word   `json:"zone,omitempty"` // the machine-readable zone, read again from closer
	Symbols  []Symbol `json:"symbols,omitempty"`
	Form     []Field  `json:"form,omitempty"` // filled-in form fields
	Warnings []string `json:"warnings,omitempty"`
}

// Reading is everything read from a document before fields are picked: derived
// data, kept in the cache under the hash of the bytes and the models' digests.
type Reading struct {
	Pages []Page `json:"pages"`
}
