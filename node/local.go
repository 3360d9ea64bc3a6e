package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract"
)

// ExtractOptions say how files are read without a node.
type ExtractOptions struct {
	Type     string // document type; empty: recognised
	TypesDir string // folder with further types; empty: none
	Password string
	Workers  int  // files read at the same time; 0: one a core
	Words    bool // give the words of every page too
	// Progress is told of each finished step of a file; may be nil.
	Progress func(file, stage string, n, of int)
}

// FileResult is the answer about one file: one JSON object a line.
type FileResult struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256,omitempty"`
	*doc.Result
	Reading *doc.Reading `json:"reading,omitempty"`
	Error   *doc.Error   `json:"error,omitempty"`
}

// engineCache is where compiled engines are kept between runs without a node.
func engineCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "recto")
}

// Extract reads files right here and calls emit with each answer, in the order
// of files, from one goroutine. A file that cannot be read is an answer with an
// error, and the others go on. Archives and e-mails answer for each file in them.
func Extract(ctx context.Context, o ExtractOptions, files []string, emit func(FileResult) error) error {
	types, err := typesFrom(o.TypesDir)
	if err != nil {
		return err
	}
	if o.Type != "" {
		if _, err := findType(types, o.Type); err != nil {
			return err
		}
	}
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.NumCPU()
	}
	r, err := openReading(engineCache(), Default().Limits, nil, workers, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	known, err := knowledgeFrom("")
	if err != nil {
		return errors.Join(err, r.close())
	}
	one := func(ctx context.Context, path string) []FileResult {
		in := extract.Input{Type: o.Type, Types: types, Knowledge: known, Password: o.Password, Parallel: max(1, workers/len(files))}
		return readFile(ctx, r, in, path, o)
	}
	return errors.Join(inOrder(ctx, files, min(workers, len(files)), one, func(rs []FileResult) error {
		for _, res := range rs {
			if err := emit(res); err != nil {
				return err
			}
		}
		return nil
	}), r.close())
}

// inOrder runs fn over items with n workers and hands the answers to emit in
// the order of items.
func inOrder[T, R any](ctx context.Context, items []T, n int, fn func(context.Context, T) R, emit func(R) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	answers := make([]chan R, len(items))
	for i := range answers {
		answers[i] = make(chan R, 1)
	}
	next := make(chan int)
	wg.Go(func() {
		defer close(next)
		for i := range items {
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	})
	for range n {
		wg.Go(func() {
			for i := range next {
				answers[i] <- fn(ctx, items[i])
			}
		})
	}
	for i := range items {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case a := <-answers[i]:
			if err := emit(a); err != nil {
				return err
			}
		}
	}
	return nil
}

func readFile(ctx context.Context, r *reading, in extract.Input, path string, o ExtractOptions) []FileResult {
	f, err := os.Open(path)
	if err != nil {
		return []FileResult{{File: path, Error: doc.Errorf(doc.NotFound, "open: %w", err)}}
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = doc.Errorf(doc.Invalid, "%s is a folder; name the files in it", path)
	}
	if err != nil {
		return []FileResult{{File: path, Error: reasonOf(err)}}
	}
	return readBytes(ctx, r, in, path, f, info.Size(), o, 0)
}

// maxNesting bounds archives within archives.
const maxNesting = 4

func readBytes(ctx context.Context, r *reading, in extract.Input, name string, body io.ReaderAt, size int64, o ExtractOptions, depth int) []FileResult {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(body, 0, size)); err != nil {
		return []FileResult{{File: name, Error: reasonOf(err)}}
	}
	in.Name, in.R, in.Size, in.SHA256 = name, body, size, hex.EncodeToString(h.Sum(nil))
	if o.Progress != nil {
		in.Progress = func(stage string, n, of int) { o.Progress(name, stage, n, of) }
	}
	ctx, cancel := context.WithTimeout(ctx, Default().Limits.FileTimeout)
	defer cancel()
	out, err := r.read(ctx, in)
	if err == nil && len(out.Parts) > 0 && depth >= maxNesting {
		err = doc.Unreadable(doc.DetailDepth, "archives are nested too deeply", nil)
	}
	if err != nil {
		return []FileResult{{File: name, SHA256: in.SHA256, Error: reasonOf(err)}}
	}
	if len(out.Parts) == 0 {
		res := FileResult{File: name, SHA256: in.SHA256, Result: &out.Result}
		if o.Words {
			res.Reading = &out.Reading
		}
		return []FileResult{res}
	}
	in.Whole = out.Result.Split != nil // a document of a batch is one already
	var all []FileResult
	for _, p := range out.Parts {
		all = append(all, readPart(ctx, r, in, name, p, o, depth+1)...)
	}
	return all
}

func readPart(ctx context.Context, r *reading, in extract.Input, parent string, p extract.Part, o ExtractOptions, depth int) []FileResult {
	name := parent + "/" + p.Name
	body, err := p.Open()
	if err != nil {
		return []FileResult{{File: name, Error: reasonOf(err)}}
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, Default().Limits.MaxBytes+1))
	if err == nil && int64(len(b)) > Default().Limits.MaxBytes {
		err = doc.Errorf(doc.TooLarge, "the file inside is larger than %d bytes", Default().Limits.MaxBytes)
	}
	if err != nil {
		return []FileResult{{File: name, Error: reasonOf(err)}}
	}
	in.Reading = p.Reading
	if p.Type != "" {
		in.Type = p.Type
	}
	return readBytes(ctx, r, in, name, bytes.NewReader(b), int64(len(b)), o, depth)
}
