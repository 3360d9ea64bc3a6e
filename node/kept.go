package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/recto-edge/recto/embedded/durable"
	"github.com/recto-edge/recto/node/cache"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract"
)

// keptReadings keeps the words of labelled documents as files in a folder, one a
// document, named by its bytes and by what read it. Measuring and training read
// the same documents over and over with the same recogniser, from several
// processes at once, which the node's cache is not made for.
type keptReadings struct {
	dir string
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func keepReadings(dir string) (*keptReadings, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("keep readings: %w", err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		return nil, fmt.Errorf("keep readings: %w", err)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		return nil, fmt.Errorf("keep readings: %w", err)
	}
	return &keptReadings{dir: dir, enc: enc, dec: dec}, nil
}

// get gives what was kept; a file that cannot be read is none.
func (k *keptReadings) get(key string) (*doc.Reading, bool) {
	b, err := os.ReadFile(filepath.Join(k.dir, key))
	if err == nil {
		b, err = k.dec.DecodeAll(b, nil)
	}
	var r doc.Reading
	if err != nil || json.Unmarshal(b, &r) != nil {
		return nil, false
	}
	return &r, true
}

func (k *keptReadings) put(key string, r doc.Reading) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keep reading: %w", err)
	}
	return durable.WriteFile(filepath.Join(k.dir, key), bytes.NewReader(k.enc.EncodeAll(b, nil)))
}

// readKept reads with the words that were kept, or keeps them.
func (r *reading) readKept(ctx context.Context, in extract.Input) (extract.Output, error) {
	how := "as sent"
	if in.PictureOnly && isPDF(in) { // of anything else there are only pictures
		how = "pictures"
	}
	key := cache.Key(in.SHA256, r.how+how, r.Recognisers()...)
	before, ok := r.kept.get(key)
	if ok {
		in.Reading = before
	}
	out, err := r.Read(ctx, in)
	if err == nil && !ok && len(out.Parts) == 0 {
		err = r.kept.put(key, out.Reading)
	}
	return out, err
}

func isPDF(in extract.Input) bool {
	head := make([]byte, 1024) // where readers look for the mark
	n, _ := in.R.ReadAt(head, 0)
	return bytes.Contains(head[:n], []byte("%PDF-"))
}
