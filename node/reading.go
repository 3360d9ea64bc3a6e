package node

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/recto-edge/recto/embedded/onnx"
	"github.com/recto-edge/recto/embedded/pdfium"
	"github.com/recto-edge/recto/node/cache"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract"
	"github.com/recto-edge/recto/node/extract/decode"
	"github.com/recto-edge/recto/node/extract/ocr"
)

// reading reads documents with the engines of this process, and remembers what
// it found: readings under bytes and models, results under the types as well.
type reading struct {
	*extract.Reader
	values *cache.Values // nil: remembers nothing
	how    string        // what of the settings changes the words; "" by default
	kept   *keptReadings // nil but where labelled folders are read again and again
	log    *slog.Logger
	close  func() error
}

// openReading prepares the engines; libraries and models are loaded by the first
// document that needs them. Compiled code is kept in dir. Languages are those of
// ReadingConfig.
func openReading(dir string, limits LimitsConfig, languages []string, instances int, values *cache.Values, log *slog.Logger) (*reading, error) {
	if err := ocr.CheckLanguages(languages); err != nil {
		return nil, doc.Errorf(doc.Invalid, "%w", err)
	}
	runtime, err := onnx.Open(onnx.Config{CacheDir: filepath.Join(dir, "onnx")})
	if err != nil {
		return nil, err
	}
	pdf := pdfium.New(pdfium.Config{CacheDir: filepath.Join(dir, "pdfium"), Instances: instances, CallTimeout: limits.PageTimeout})
	codes := &codeReader{dir: filepath.Join(dir, "zxing")}
	closeAll := func() error { return errors.Join(pdf.Close(), codes.Close(), runtime.Close()) }
	detector, err := runtime.Net(onnx.Detector)
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	recogniser, err := runtime.Net(onnx.Recogniser)
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	return &reading{
		Reader: extract.New(extract.Config{
			PDF:    pdfEngine{pdf},
			OCR:    ocr.New(ocr.Config{Detector: detector, Recogniser: recogniser, Charset: onnx.Charset(), Languages: languages}),
			Codes:  codes,
			Limits: decodeLimits(limits),
		}),
		how: spoken(languages), values: values, log: log, close: closeAll,
	}, nil
}

// spoken names the languages that words are read with, whatever their order.
func spoken(languages []string) string {
	if len(languages) == 0 {
		return ""
	}
	sorted := slices.Clone(languages)
	slices.Sort(sorted)
	return "languages " + strings.Join(slices.Compact(sorted), ",") + ";"
}

// scanDPI is the resolution to which finer scans in PDFs are reduced: reading
// them as they are took twice the time and memory and found nothing more.
const scanDPI = 200

func decodeLimits(l LimitsConfig) decode.Limits {
	return decode.Limits{MaxPages: l.MaxPages, MaxPixels: l.MaxPixels, PageTimeout: l.PageTimeout, FileTimeout: l.FileTimeout, MaxDPI: scanDPI}
}

// remember keeps what was read of bytes before they became a file of their own.
func (r *reading) remember(sum string, words doc.Reading) {
	if r.values == nil {
		return
	}
	if err := r.values.PutReading(r.cacheKey(sum, ""), words); err != nil {
		r.log.Warn("words not cached; they will be read again", "error", err)
	}
}

// read gives the answer from the cache, or reads.
func (r *reading) read(ctx context.Context, in extract.Input) (extract.Output, error) {
	if r.kept != nil && in.SHA256 != "" {
		return r.readKept(ctx, in)
	}
	if r.values == nil || in.SHA256 == "" || in.PictureOnly {
		return r.Read(ctx, in)
	}
	// Which of the types is recognised depends on all of them.
	revisions := make([]string, 0, len(in.Types))
	for _, t := range in.Types {
		if in.Type == "" || in.Type == t.Name {
			revisions = append(revisions, t.Name+"@"+t.Revision()+"@"+in.Knowledge[t.Name].Key())
		}
	}
	slices.Sort(revisions)
	if in.Whole {
		revisions = append(revisions, "whole") // nothing was said of where it might be taken apart
	}
	resultKey := r.cacheKey(in.SHA256, strings.Join(revisions, ","))
	readingKey := r.cacheKey(in.SHA256, "")
	if result, ok := r.values.Result(resultKey); ok {
		result.Cached = true
		return extract.Output{Result: result}, nil
	}
	if before, ok := r.values.Reading(readingKey); ok {
		in.Reading = &before
	}
	out, err := r.Read(ctx, in)
	if err != nil || in.Password != "" {
		return out, err // what a password opened stays out of the cache
	}
	if in.Reading == nil && len(out.Reading.Pages) > 0 {
		err = r.values.PutReading(readingKey, out.Reading)
	}
	if len(out.Parts) == 0 { // parts are handed on each time
		err = errors.Join(err, r.values.PutResult(resultKey, out.Result))
	}
	if err != nil {
		r.log.Warn("answer not cached; it would have to be found again", "error", err)
	}
	return out, nil
}

// cacheKey begins with the bytes' own digest, so that all that is known of them
// can be forgotten together.
func (r *reading) cacheKey(sum, how string) string {
	return sum + "/" + cache.Key(sum, r.how+how, r.Models()...)
}
