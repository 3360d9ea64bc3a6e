package node

import (
	"context"
	"image"
	"sync"

	"github.com/recto-edge/recto/embedded/zxing"
	"github.com/recto-edge/recto/node/extract/structured/symbol"
)

// codeReader is the barcode engine as extract wants one: neither knows the other.
// It is loaded by the first page that needs it.
type codeReader struct {
	dir    string // of compiled code
	mu     sync.Mutex
	engine *zxing.Engine
}

// Decode implements symbol.Decoder.
func (c *codeReader) Decode(ctx context.Context, img *image.Gray, harder bool) ([]symbol.Code, error) {
	engine, err := c.open()
	if err != nil {
		return nil, err
	}
	found, err := engine.Read(ctx, img, harder)
	out := make([]symbol.Code, 0, len(found))
	for _, f := range found {
		out = append(out, symbol.Code(f))
	}
	return out, err
}

func (c *codeReader) open() (*zxing.Engine, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.engine == nil {
		// Not the page's context: what is compiled is for all pages.
		engine, err := zxing.Open(context.Background(), zxing.Config{CacheDir: c.dir})
		if err != nil {
			return nil, err
		}
		c.engine = engine
	}
	return c.engine, nil
}

// Close releases the engine, if it was ever opened.
func (c *codeReader) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.engine == nil {
		return nil
	}
	return c.engine.Close()
}
