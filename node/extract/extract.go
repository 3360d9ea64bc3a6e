// Package extract reads documents: bytes and document types in, fields out. It
// owns the ladder, cheapest certain source first: embedded e-invoice XML, form
// fields, barcodes and machine-readable zones; then the text layer where it
// agrees with the picture; then OCR; then typed candidates picked by labels and
// position; then checks. It is pure of transport and storage: it knows nothing of
// queues, stores or HTTP, and keeps nothing between two documents.
//
// It guarantees that every value says where it came from, that a value that no
// exact source and no check vouches for is never accepted, and that a damaged
// page costs that page and not the document.
package extract

import (
	"context"
	"image"
	"io"
	"slices"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/decode"
	"github.com/recto-edge/recto/node/extract/fields"
	"github.com/recto-edge/recto/node/extract/structured/symbol"
)

// Recogniser reads the words of a picture.
type Recogniser interface {
	// Read gives the words of img with boxes on the upright picture, and by how
	// many degrees clockwise img must be turned to be upright.
	Read(ctx context.Context, img image.Image) (words []doc.Word, rotation int, err error)
	// Digests names the models: name@sha256:…
	Digests() []string
}

// Config says what a Reader reads with and what one file may cost.
type Config struct {
	PDF    decode.PDF
	OCR    Recogniser
	Codes  symbol.Decoder
	Limits decode.Limits
}

// Reader reads documents. It is safe for concurrent use.
type Reader struct{ cfg Config }

// New makes a Reader; it acquires nothing.
func New(cfg Config) *Reader { return &Reader{cfg} }

// Input is one file to read.
type Input struct {
	Name     string
	R        io.ReaderAt
	Size     int64 // bytes
	SHA256   string
	Type     string     // name of the type asked for; empty: recognise
	Types    []doc.Type // the types there are
	Password string
	// Knowledge is what was learned, by type name; a type without is read by rules.
	Knowledge map[string]fields.Knowledge

	// PictureOnly ignores text layers and attachments, to measure reading itself.
	PictureOnly bool
	// Whole keeps a file of several documents in one piece.
	Whole bool
	// Parallel is how many pages are read at the same time; 0 means one.
	Parallel int
	// Share gives those who read pages elsewhere, for a document of many pages; may
	// be nil. None of them is needed, and what they fail to give is read here.
	Share func(pages int) []Helper
	// Reading is what was read before from the same bytes with the same models;
	// nil: read now.
	Reading *doc.Reading
	// Progress is told of each finished step; may be nil. It is called from
	// several goroutines when Parallel is more than one.
	Progress func(stage string, page, pages int)

	batch bool // it may hold several documents: it has several pages
}

// Helper reads some pages (1 for the first) of the file that Input is about, on
// another machine, and gives those it could read, in any order.
type Helper func(ctx context.Context, pages []int) ([]doc.Page, error)

// Output is what was found.
type Output struct {
	Result  doc.Result
	Reading doc.Reading
	Parts   []Part // for an archive, e-mail or batch: the files in it, and no fields
}

// Part is a file inside an archive, e-mail or batch. It can be opened as long as
// Input.R can be read.
type Part = decode.Part

// Models names what reads: part of every cache key.
func (r *Reader) Models() []string { return append([]string{Revision}, r.cfg.OCR.Digests()...) }

// Recognisers names the models that read words.
func (r *Reader) Recognisers() []string { return r.cfg.OCR.Digests() }

// Revision changes whenever this package would answer the same file differently,
// so that answers cached before are not taken for today's.
const Revision = "reader@2"

// candidates gives the types to choose from: the one asked for, or all.
func (in Input) candidates() ([]doc.Type, error) {
	if in.Type == "" {
		return in.Types, nil
	}
	i := slices.IndexFunc(in.Types, func(t doc.Type) bool { return t.Name == in.Type })
	if i < 0 {
		return nil, doc.Unreadable(doc.DetailUnknownType, "there is no document type "+in.Type+"; choose another and retry", nil)
	}
	return in.Types[i : i+1], nil
}

// Asked gives the types the document may be of: the one asked for, or all.
func (in Input) Asked() ([]doc.Type, error) { return in.candidates() }

func (in Input) step(stage string, page, pages int) {
	if in.Progress != nil {
		in.Progress(stage, page, pages)
	}
}
